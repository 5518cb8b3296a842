"""What a shell does with the completion scripts, in the shells themselves."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from support import clean_environment, server_folder
from terminal import Terminal

PATH = os.pathsep.join([str(Path(sys.executable).parent), "/usr/bin", "/bin"])


def script_for(shell: str) -> str:
    done = subprocess.run(
        ["loopai-runtime", "completion", shell],
        capture_output=True, text=True, check=True, env={**clean_environment(), "PATH": PATH},
    )  # fmt: skip
    return done.stdout


@pytest.mark.skipif(not shutil.which("bash"), reason="bash is not installed")
def test_bash_completes_commands_and_task_names(tmp_path):
    data_dir = server_folder(tmp_path)
    script = tmp_path / "completion.bash"
    script.write_text(script_for("bash"))
    asking = (
        f"source {script}; COMP_WORDS=(loopai-runtime %s); COMP_CWORD=%d;"
        ' _loopai_runtime_completion loopai-runtime; printf "%%s\\n" "${COMPREPLY[@]}"'
    )
    for words, number, expected in (
        ("sta", 1, ["start", "stats", "status"]),
        (f"stats --data-dir {data_dir.root} s", 4, ["spam-detection"]),
    ):
        done = subprocess.run(
            ["bash", "--norc", "-c", asking % (words, number)],
            capture_output=True,
            text=True,
            check=True,
            env={"PATH": PATH, "HOME": str(tmp_path)},
        )
        assert done.stdout.split() == expected, done.stderr


@pytest.mark.skipif(not shutil.which("fish"), reason="fish is not installed")
def test_fish_completes_commands_and_task_names(tmp_path):
    data_dir = server_folder(tmp_path)
    script = tmp_path / "completion.fish"
    script.write_text(script_for("fish"))
    for line, expected in (
        ("loopai-runtime sta", ["start", "stats", "status"]),
        (f"loopai-runtime stats --data-dir {data_dir.root} s", ["spam-detection"]),
    ):
        done = subprocess.run(
            ["fish", "--no-config", "-c", f"source {script}; complete -C '{line}'"],
            capture_output=True, text=True, check=True,
            env={"PATH": PATH, "HOME": str(tmp_path)},
        )  # fmt: skip
        found = [shown.split("\t")[0] for shown in done.stdout.splitlines()]
        assert sorted(found) == expected, done.stderr


@pytest.mark.skipif(
    not shutil.which("zsh") or not shutil.which("tmux"), reason="needs zsh and tmux"
)
def test_zsh_lists_commands_and_completes_a_task_name(tmp_path):
    data_dir = server_folder(tmp_path)
    (tmp_path / "_loopai-runtime").write_text(script_for("zsh"))
    terminal = Terminal(tmp_path, "zsh", "-f")
    try:
        terminal.type(
            f"fpath=({tmp_path} $fpath); autoload -Uz compinit; compinit -u -D; PS1=ready:"
        )
        terminal.press("Enter")
        terminal.wait_for(r"(?m)^ready:")
        terminal.type("loopai-runtime sta")
        terminal.press("Tab")
        terminal.wait_for(r"(?s)start +-- .*stats +-- .*status +-- ")
        terminal.press("C-c")
        terminal.wait_for(r"(?m)^ready:$")
        terminal.type(f"loopai-runtime stats --data-dir {data_dir.root} s")
        terminal.press("Tab")
        terminal.wait_for(r"spam-\s*detection")
    finally:
        terminal.end()
