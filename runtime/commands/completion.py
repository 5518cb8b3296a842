"""`loopai-runtime completion` and `loopai completion`: what a shell needs to complete commands."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

#: Where each shell looks for it, for the help.
PLACES = """\b
bash  loopai completion bash > ~/.local/share/bash-completion/completions/loopai
zsh   loopai completion zsh  > "${fpath[1]}/_loopai"
fish  loopai completion fish > ~/.config/fish/completions/loopai.fish
"""


@click.command(
    "completion",
    help=f"Print the script with which a shell completes this program.\n\n{PLACES}\n\n"
    "The same with loopai-runtime in place of loopai.",
)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def command(context: click.Context, shell: str) -> None:
    root = context.find_root()
    name = root.info_name or ""
    completion = get_completion_class(shell)
    assert completion is not None
    variable = f"_{name.replace('-', '_').upper()}_COMPLETE"
    # click asks the shell for its version, and complains on standard error where it is not there.
    source = completion(root.command, {}, name, variable)
    click.echo(source.source_template % source.source_vars())
    if shell == "zsh":
        # What zsh loaded by itself takes click's other branch the next time, and completes nothing.
        click.echo(f"compdef {source.func_name} {name}")
