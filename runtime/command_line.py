"""How our commands behave at the edges: lazy loading, `--json`, errors in one sentence, exit codes.

0: done. 1: done, and the answer is no. 2: something given was wrong. 130: interrupted.
"""

from __future__ import annotations

import importlib
import json
import os
import signal
import sys
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

import click

from runtime.data_dir import ENVIRONMENT_VARIABLE, DataDir
from runtime.errors import LoopaiError, Problem

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

EXIT_NO = 1
EXIT_WRONG = 2
EXIT_INTERRUPTED = 128 + signal.SIGINT
#: The extra that brings a library, where it is not `workbench`.
EXTRAS = {
    "cryptography": "sync",
    "httpx": "sync",
    "limits": "hub",
    "phonenumbers": "sync",
    "psycopg": "hub",
    "rapidfuzz": "fuzzy",
    "sqlalchemy": "hub",
    "stdnum": "sync",
    "websockets": "sync",
}

#: What a manual page would say besides: the help of our programs stands for one.
MANUAL = {
    "Exit codes": [
        ("0", "Done."),
        ("1", "Done, and the answer is no."),
        ("2", "Something given was wrong; standard error says what, where and what to do."),
        ("130", "Interrupted."),
    ],
    "Environment": [
        (ENVIRONMENT_VARIABLE, "The data directory, where --data-dir does not name it."),
        ("LOOPAI_API_KEY", "The key for the hub."),
        ("LOOPAI_SERVE_KEY", "A key that callers may present."),
    ],
    "Files": [
        ("config/deployment.yaml", "In the data directory: the settings."),
        ("tasks/TASK/task.yaml", "What a task is, its examples beside it."),
        ("artifacts/TASK/vN/", "A version: its program stands alone."),
        ("datasets/TASK/", "What was executed, checked and counted, as JSON lines."),
    ],
}

F = TypeVar("F", bound=Callable[..., Any])


class LazyGroup(click.Group):
    """Commands named by module and loaded only when called, so that help is instant.

    `commands` maps a name to (module, one line of help); the module has a `command`.
    """

    def __init__(self, name: str, lazy: Mapping[str, tuple[str, str]], **options: Any) -> None:
        super().__init__(name, context_settings={"help_option_names": ["-h", "--help"]}, **options)
        self._lazy = lazy
        release = click.version_option(
            package_name="loopai-workbench", prog_name=name, message="%(prog)s %(version)s"
        )
        release(self)

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(self._lazy)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self._lazy:
            return None
        command = importlib.import_module(self._lazy[cmd_name][0]).command
        assert isinstance(command, click.Command)
        _complete_task_names(command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, self._lazy[name][1]) for name in sorted(self._lazy)])
        for title, rows in MANUAL.items():
            with formatter.section(title):
                formatter.write_dl(rows)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Names and options, loading no command: a key press must not wait for imports."""
        from click.shell_completion import CompletionItem

        options = click.Command.shell_complete(self, ctx, incomplete)
        names = [name for name in self.list_commands(ctx) if name.startswith(incomplete)]
        return [*(CompletionItem(name, help=self._lazy[name][1]) for name in names), *options]


class TaskName(click.types.StringParamType):
    """Text; a shell completes it with the names of the tasks there are."""

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        from click.shell_completion import CompletionItem

        data_dir = ctx.params.get("data_dir") or DataDir()
        names = [name for name in data_dir.task_names() if name.startswith(incomplete)]
        return [CompletionItem(name) for name in names]


def _complete_task_names(command: click.Command) -> None:
    """Every argument that is called `task`, here and below, names a task."""
    for parameter in command.params:
        if parameter.name in ("task", "task_id") and parameter.type is click.STRING:
            parameter.type = TaskName()
    for below in command.commands.values() if isinstance(command, click.Group) else ():
        _complete_task_names(below)


def data_dir_option(command: F) -> F:
    """Add `--data-dir`, given to the command as `data_dir: DataDir`."""
    return click.option(
        "--data-dir",
        metavar="FOLDER",
        envvar=ENVIRONMENT_VARIABLE,
        show_envvar=True,
        callback=lambda ctx, option, value: DataDir(value),
        help="The data directory (default: ./loopai-data).",
    )(command)


def json_option(command: F) -> F:
    """Add `--json`, given to the command as `as_json: bool`."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON for a script.")(command)


def print_json(value: Any) -> None:
    """One JSON value on standard output."""
    click.echo(json.dumps(value, ensure_ascii=False, indent=2, default=str))


def run(command: click.Command) -> NoReturn:
    """Run a command line and exit; nothing a person gave ever ends in a traceback."""
    try:
        code = command.main(standalone_mode=False)
    except LoopaiError as error:
        _print_problems(error)
        sys.exit(EXIT_WRONG)
    except ModuleNotFoundError as error:
        _print_problems(_missing_part(error))
        sys.exit(EXIT_WRONG)
    except click.ClickException as error:
        error.show()
        sys.exit(EXIT_WRONG)
    except (click.Abort, KeyboardInterrupt):
        click.echo("interrupted", err=True)
        sys.exit(EXIT_INTERRUPTED)
    except BrokenPipeError:
        # The reader (`head`, say) has gone: no more output, and no complaint at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except OSError as error:
        place = f"{error.filename}: " if error.filename else ""
        click.echo(f"error: {place}{error.strerror or error}", err=True)
        sys.exit(EXIT_WRONG)
    sys.exit(code if isinstance(code, int) else 0)


def _missing_part(error: ModuleNotFoundError) -> LoopaiError:
    """What to install for a command whose libraries are not here; raises what is our own fault."""
    missing = (error.name or "").partition(".")[0]
    if missing in ("", "runtime", "sync", "workbench"):
        raise error
    extra = EXTRAS.get(missing, "workbench")
    message = f"this command needs {missing}, which is not installed."
    return LoopaiError(
        Problem(message, remedy=f"Install it: pip install 'loopai-workbench[{extra}]'.")
    )


def _print_problems(error: LoopaiError) -> None:
    if "--json" in sys.argv:
        problems = [problem.as_json() for problem in error.problems]
        click.echo(json.dumps({"error": str(error), "problems": problems}), err=True)
        return
    for problem in error.problems:
        click.echo(f"error: {problem}", err=True)
