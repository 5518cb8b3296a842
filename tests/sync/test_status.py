"""`python -m sync status`: an honest answer to what leaves this box."""

from __future__ import annotations

import json
import subprocess
import sys

from support import clean_environment

from runtime.data_dir import DataDir

CONFIGURED = """
runtime: {mode: hybrid}
cloud: {api_url: "https://hub.example", api_key: "${HUB_KEY}"}
telemetry: {enabled: true, privacy_mode: strict}
"""


def status(data_dir: DataDir, *arguments: str, **environment: str):
    return subprocess.run(
        [sys.executable, "-m", "sync", "status", "--data-dir", str(data_dir.root), *arguments],
        capture_output=True,
        text=True,
        env={**clean_environment(), **environment},
        check=False,
    )


def write(data_dir: DataDir, text: str) -> None:
    data_dir.deployment_file.parent.mkdir()
    data_dir.deployment_file.write_text(text)


def test_a_box_with_no_settings_sends_nothing(tmp_path):
    done = status(DataDir(tmp_path))
    assert done.returncode == 0
    assert "hub: none configured" in done.stdout
    assert "Nothing leaves this box: no hub is configured" in done.stdout


def test_the_settings_are_shown_and_the_key_is_not(tmp_path):
    write(DataDir(tmp_path), CONFIGURED)
    told = json.loads(status(DataDir(tmp_path), "--json", HUB_KEY="a-secret").stdout)
    assert told["mode"] == "hybrid"
    assert told["hub_url"] == "https://hub.example"
    assert told["hub_key_set"] is True
    assert told["privacy_mode"] == "strict"
    assert told["sends"] is True
    shown = status(DataDir(tmp_path), HUB_KEY="a-secret").stdout
    assert "key set" in shown
    assert "a-secret" not in shown
    assert "key not set" in status(DataDir(tmp_path)).stdout


def test_bad_settings_are_one_sentence_and_exit_2(tmp_path):
    write(DataDir(tmp_path), "runtime: {mode: nowhere}")
    done = status(DataDir(tmp_path))
    assert done.returncode == 2
    assert "runtime.mode" in done.stderr
    assert "Traceback" not in done.stderr
