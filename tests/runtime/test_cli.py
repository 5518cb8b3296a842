"""`loopai-runtime` as an operator meets it: help at once, faults in one sentence, exit codes."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
from datetime import UTC, datetime

import pytest
from support import TASK, RunningRuntime, clean_environment, log_line, make_task

from runtime.data_dir import DataDir


def run(*arguments, **environment):
    return subprocess.run(
        [sys.executable, "-m", "runtime", *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=60,
        env={**clean_environment(), **environment},
        check=False,
    )


def refuses(done, *words) -> None:
    """Exit 2, one sentence on standard error that holds `words`, and no traceback."""
    assert done.returncode == 2, done.stderr
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    assert done.stderr.startswith("error: ")
    for word in words:
        assert word in done.stderr


def test_help_is_there_at_once_and_loads_no_server():
    code = (
        "import atexit, sys\n"
        "heavy = {'pydantic', 'starlette', 'uvicorn', 'msgspec', 'jsonschema_rs'}\n"
        "atexit.register(lambda: print(sorted(heavy & set(sys.modules))))\n"
        "sys.argv = ['loopai-runtime', '--help']\n"
        "from runtime.cli import main\n"
        "main()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
    for part in ("Exit codes:", "Environment:", "Files:"):  # what a manual page would say
        assert part in done.stdout
    times = []
    for _ in range(5):
        started = time.perf_counter()
        assert run("--help").returncode == 0
        times.append(time.perf_counter() - started)
    # 0.15 s on an idle machine; the machine that runs the tests seldom is.
    assert min(times) < 0.5


def test_every_command_has_help():
    for command in ("start", "doctor", "stats", "keys", "version"):
        done = run(command, "--help")
        assert done.returncode == 0
        assert "Usage: " in done.stdout


def test_an_unknown_command_is_exit_2():
    assert run("serve").returncode == 2


def test_version_is_printed():
    assert run("version").stdout.startswith("loopai-runtime 0.")
    release = json.loads(run("version", "--json").stdout)["version"]
    assert run("--version").stdout == f"loopai-runtime {release}\n"


def test_a_missing_data_directory_is_one_sentence(tmp_path):
    missing = tmp_path / "nowhere"
    refuses(run("start", "--task-id", TASK, "--data-dir", missing), "no data directory", "nowhere")


def test_an_unknown_task_is_one_sentence_that_names_those_there(served_dir):
    done = run("start", "--task-id", "nope", "--data-dir", served_dir.root)
    refuses(done, "no task 'nope'", TASK)
    unknown_id = "00000000-0000-4000-8000-000000000000"
    done = run("start", "--task-id", unknown_id, "--data-dir", served_dir.root)
    refuses(done, "has the id")
    refuses(run("start", "--task-id", "../x", "--data-dir", served_dir.root), "must be lower-case")


def test_errors_are_json_when_json_is_asked_for(served_dir):
    done = run("start", "--json", "--task-id", "nope", "--data-dir", served_dir.root)
    assert done.returncode == 2
    assert "nope" in json.loads(done.stderr)["problems"][0]["message"]


def test_a_port_in_use_is_one_sentence(served_dir):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = run("start", "--task-id", TASK, "--data-dir", served_dir.root, "--port", port)
    refuses(done, f"port {port}", "Address already in use", "--port")


def test_an_address_that_is_not_ours_is_one_sentence(served_dir):
    arguments = ("start", "--task-id", TASK, "--data-dir", served_dir.root, "--insecure")
    refuses(run(*arguments, "--host", "192.0.2.1", "--port", 0), "192.0.2.1")
    refuses(run(*arguments, "--host", "no.such.host.invalid", "--port", 0), "--host")


def test_beyond_loopback_a_serving_key_is_needed(served_dir):
    arguments = ("start", "--task-id", TASK, "--data-dir", served_dir.root, "--port", 0)
    for host in ("0.0.0.0", "::"):
        refuses(run(*arguments, "--host", host), "no serving key", "LOOPAI_SERVE_KEY")
    refuses(run(*arguments, "--host", "0.0.0.0", LOOPAI_SERVE_KEY="  "), "no serving key")
    with RunningRuntime(served_dir, "--host", "0.0.0.0", "--insecure") as runtime:
        assert runtime.execute({"text": "buy"}).status_code == 200


def test_a_bad_deployment_file_names_line_and_field(served_dir):
    served_dir.deployment_file.parent.mkdir()
    served_dir.deployment_file.write_text("runtime:\n  port: many\n")
    done = run("start", "--task-id", TASK, "--data-dir", served_dir.root)
    refuses(done, "deployment.yaml:2 (runtime.port)")


def test_settings_come_from_the_environment_too(served_dir):
    environment = {"LOOPAI_TASK_ID": TASK, "LOOPAI_DATA_DIR": str(served_dir.root)}
    done = run("start", **environment, LOOPAI_HOST="0.0.0.0")
    refuses(done, "no serving key")
    assert "LOOPAI_PORT" in run("start", "--help").stdout


def test_a_task_may_be_named_by_its_id(served_dir):
    task = make_task(served_dir)
    with RunningRuntime(served_dir, task=str(task.id)) as runtime:
        assert runtime.execute({"text": "buy"}).json()["output"] == "spam"


def test_the_servers_log_is_json_lines_when_asked(served_dir):
    runtime = RunningRuntime(served_dir, "--log-format", "json")
    assert runtime.stop() == 0
    entries = [json.loads(line) for line in runtime.errors().splitlines()]
    assert entries[0]["message"] == f"serving {TASK} v1"
    assert entries[-1]["message"] == "stopped"


def test_doctor_names_the_walls_and_exits_by_them():
    done = run("doctor", "--json")
    report = json.loads(done.stdout)
    assert done.returncode == (0 if report["isolated"] else 1)
    assert all(wall["holds"] or wall["why_not"] for wall in report["walls"])
    assert run("doctor").returncode == done.returncode


def test_stats_are_shown_for_people_and_scripts(tmp_path):
    data_dir = DataDir(tmp_path)
    make_task(data_dir)
    assert "was not executed" in run("stats", TASK, "--data-dir", tmp_path).stdout
    today = datetime.now(UTC).date().isoformat()
    folder = data_dir.executions(TASK)
    folder.mkdir(parents=True)
    lines = [log_line(n, f"{today}T00:00:00.{n:06d}Z", output="spam") for n in range(40)]
    lines.append(log_line(40, f"{today}T00:00:01Z", status="error", error={"type": "KeyError"}))
    (folder / f"{today}.jsonl").write_bytes(b"\n".join(lines) + b"\n")
    shown = run("stats", TASK, "--data-dir", tmp_path).stdout
    assert "41 executions: 40 success, 1 error" in shown
    assert "output 'spam': 40 (100.0%)" in shown
    assert "error KeyError: 1" in shown
    data = json.loads(run("stats", TASK, "--data-dir", tmp_path, "--json").stdout)
    assert data["executions"] == 41
    refuses(run("stats", "nope", "--data-dir", tmp_path), "no task 'nope'")


def test_keys_are_made_listed_and_revoked(tmp_path):
    where = ("--data-dir", tmp_path)
    assert "There are no keys" in run("keys", "list", *where).stdout
    made = run("keys", "create", "till 4", *where)
    key = made.stdout.strip()
    assert key.startswith("lk_")
    (listed,) = json.loads(run("keys", "list", "--json", *where).stdout)
    assert (listed["name"], listed["scopes"]) == ("till 4", ["execute"])
    assert key not in json.dumps(listed)
    assert "is revoked" in run("keys", "revoke", listed["id"], *where).stdout
    refuses(run("keys", "revoke", "nope", *where), "no key 'nope'")


@pytest.mark.parametrize("name", ["start", "stats"])
def test_a_missing_argument_is_exit_2_without_a_traceback(name):
    done = run(name)
    assert done.returncode == 2
    assert "Missing" in done.stderr
    assert "Traceback" not in done.stderr
