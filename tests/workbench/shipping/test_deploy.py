"""`loopai deploy`: manifests a cluster takes, a unit systemd takes, and what they rely on."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import kubernetes_validate
import pytest
import yaml
from support import (
    PROGRAM,
    TASK,
    RunningRuntime,
    children_of,
    clean_environment,
    is_steward,
    logged,
    make_task,
    promote,
    server_folder,
    wait_until,
)

from runtime.artifacts import ArtifactStore
from runtime.steward.lock import steward_lock
from runtime.steward.report import read_report

KEY = "a serving key of this test"
CONFIGURATION = """\
cloud:
  api_url: https://hub.example:8443
alerts:
  webhooks:
    - {url: "http://hooks.example/loopai", secret: "${HOOK_SECRET}"}
"""


def deploy(data_dir, *arguments, code=0):
    command = [sys.executable, "-m", "workbench", "deploy", *arguments]
    done = subprocess.run(
        [*command, "--data-dir", str(data_dir.root)],
        capture_output=True,
        text=True,
        check=False,
        env=clean_environment(),
    )
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    return done.stderr if code else done.stdout


def objects(text):
    return {made["kind"]: made for made in yaml.safe_load_all(text)}


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    """The manifests of a task whose configuration names a hub and a webhook."""
    data_dir = server_folder(tmp_path_factory.mktemp("cluster"))
    data_dir.deployment_file.parent.mkdir()
    data_dir.deployment_file.write_text(CONFIGURATION)
    return deploy(data_dir, "kubernetes", TASK)


def test_the_manifests_hold_to_the_published_schemas(cluster):
    made = objects(cluster)
    expected = "ConfigMap PersistentVolumeClaim Deployment Service NetworkPolicy"
    expected += " PodDisruptionBudget HorizontalPodAutoscaler ServiceMonitor"
    assert list(made) == expected.split()
    monitor = made.pop("ServiceMonitor")  # no schema in Kubernetes itself; see the next test
    for manifest in made.values():
        kubernetes_validate.validate(manifest, kubernetes_validate.latest_version(), strict=True)
    labels = made["Service"]["metadata"]["labels"]
    for selector in (
        monitor["spec"]["selector"]["matchLabels"],
        made["Service"]["spec"]["selector"],
        made["Deployment"]["spec"]["selector"]["matchLabels"],
        made["PodDisruptionBudget"]["spec"]["selector"]["matchLabels"],
        made["NetworkPolicy"]["spec"]["podSelector"]["matchLabels"],
    ):
        assert selector.items() <= labels.items()
    assert made["ConfigMap"]["data"]["deployment.yaml"] == CONFIGURATION
    ports = made["NetworkPolicy"]["spec"]["egress"][1]["ports"]
    assert [port["port"] for port in ports] == [80, 8443]
    assert "--from-literal=HOOK_SECRET" in cluster and "--from-literal=LOOPAI_API_KEY" in cluster
    pod = made["Deployment"]["spec"]["template"]["spec"]
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["containers"][0]["securityContext"]["readOnlyRootFilesystem"] is True


CHECK_MONITOR = """
import { validate } from
  "./node_modules/@kubernetes-models/prometheus-operator/_schemas/\
ComGithubPrometheusOperatorPrometheusOperatorPkgApisMonitoringV1ServiceMonitor.js";
import { readFileSync } from "node:fs";
const right = JSON.parse(readFileSync(process.argv[2]));
const wrong = structuredClone(right);
wrong.spec.endpoints[0].path = 7;
console.log(JSON.stringify([validate(right), validate.errors, validate(wrong)]));
"""


@pytest.mark.thorough
def test_the_service_monitor_holds_to_the_operators_schema(cluster, tmp_path):
    if not shutil.which("npm"):
        pytest.skip("npm is not installed")
    install = ["npm", "install", "--silent", "--no-audit", "--no-fund", "--prefix", str(tmp_path)]
    package = "@kubernetes-models/prometheus-operator@6.0.0"
    subprocess.run([*install, package], check=True, capture_output=True)
    (tmp_path / "check.mjs").write_text(CHECK_MONITOR)
    (tmp_path / "monitor.json").write_text(json.dumps(objects(cluster)["ServiceMonitor"]))
    node = ["node", str(tmp_path / "check.mjs"), str(tmp_path / "monitor.json")]
    done = subprocess.run(node, check=True, capture_output=True, text=True)
    assert json.loads(done.stdout) == [True, None, False]


def test_the_probes_the_key_and_the_arguments_fit_a_running_server(cluster, tmp_path):
    made = objects(cluster)
    container = made["Deployment"]["spec"]["template"]["spec"]["containers"][0]
    given = {entry["name"]: entry.get("value", KEY) for entry in container["env"]}
    assert given.pop("LOOPAI_TASK_ID") == TASK
    # The folder and the address are this machine's; a port that is free here.
    del given["LOOPAI_DATA_DIR"]
    start, *arguments = container["args"]
    assert start == "start"
    arguments[arguments.index("--port") + 1] = "0"
    arguments[arguments.index("--host") + 1] = "127.0.0.1"
    data_dir = server_folder(tmp_path)
    with RunningRuntime(data_dir, *arguments, environment=given, workers=None) as running:
        for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
            assert running.http.get(container[probe]["httpGet"]["path"]).status_code == 200
        endpoint = made["ServiceMonitor"]["spec"]["endpoints"][0]
        assert running.http.get(endpoint["path"]).status_code == 401
        bearer = {"Authorization": f"Bearer {given['LOOPAI_SERVE_KEY']}"}
        figures = running.http.get(endpoint["path"], headers=bearer)
        assert "loopai_executions_total" in figures.text
        assert len(running.worker_pids()) == int(given["LOOPAI_WORKERS"])


def test_a_task_without_a_program_is_alive_and_not_ready(cluster, tmp_path):
    container = objects(cluster)["Deployment"]["spec"]["template"]["spec"]["containers"][0]
    data_dir = server_folder(tmp_path)
    data_dir.active_link(TASK).unlink()
    with RunningRuntime(data_dir) as running:
        paths = [container[name]["httpGet"]["path"] for name in ("livenessProbe", "readinessProbe")]
        assert [running.http.get(path).status_code for path in paths] == [200, 503]


@pytest.mark.thorough
def test_replicas_on_one_volume_log_each_execution_once_and_change_version_together(tmp_path):
    data_dir = server_folder(tmp_path)
    task = make_task(data_dir)
    data_dir.deployment_file.parent.mkdir()
    data_dir.deployment_file.write_text("cloud: {api_url: 'http://127.0.0.1:9', api_key: none}\n")
    with (
        RunningRuntime(data_dir, workers=2, steward=True) as one,
        RunningRuntime(data_dir, workers=2, steward=True) as other,
    ):
        wait_until(lambda: read_report(data_dir))
        answered = []
        for number in range(150):
            for replica in (one, other):
                answered.append(replica.execute({"text": f"buy {number}"}).json())
        assert {answer["program_version"] for answer in answered} == {1}
        second = promote(data_dir, task, PROGRAM.replace("0.75", "0.5"))
        for replica in (one, other):
            wait_until(lambda: _version(replica, answered) == second, 10)  # noqa: B023
        ArtifactStore(data_dir).activate(TASK, 1, event="rolled_back")
        for replica in (one, other):
            wait_until(lambda: _version(replica, answered) == 1, 10)  # noqa: B023
        ids = [record["execution_id"] for record in logged(data_dir)]
        assert sorted(ids) == sorted(answer["execution_id"] for answer in answered)
        # Both have a steward; the one that waits its turn counts nothing twice.
        stewards = [
            pid
            for each in (one, other)
            for pid in filter(is_steward, children_of(each.process.pid))
        ]
        assert len(stewards) == 2
        wait_until(lambda: _counted(data_dir) == len(answered), 20)
        acting = _owner(steward_lock(data_dir))
        assert acting in stewards
        owner = one if acting in children_of(one.process.pid) else other
        heir = other if owner is one else one
        owner.stop()
        answered.append(heir.execute({"text": "buy once more"}).json())
        wait_until(lambda: _counted(data_dir) == len(answered), 30)
        assert _owner(steward_lock(data_dir)) in children_of(heir.process.pid)
        assert _owner(data_dir.state / "agent.lock") in children_of(heir.process.pid)


def _version(replica, answered):
    answer = replica.execute({"text": "which version?"}).json()
    answered.append(answer)
    return answer["program_version"]


def _counted(data_dir):
    """Executions in the steward's own statistics."""
    files = data_dir.analytics(TASK).glob("daily-stats-*.json")
    return sum(json.loads(file.read_text())["executions"] for file in files)


def _owner(lock):
    """The one process that holds a lock, as the kernel says; none for a moment while it changes."""
    inode = lock.stat().st_ino

    def owners():
        held = [line.split() for line in Path("/proc/locks").read_text().splitlines()]
        return [int(line[4]) for line in held if "->" not in line and line[5].endswith(f":{inode}")]

    (owner,) = wait_until(owners)
    return owner


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd is not installed")
def test_systemd_takes_the_unit_and_finds_it_closed(served_dir, tmp_path):
    unit = tmp_path / f"loopai-{TASK}.service"
    unit.write_text(deploy(served_dir, "systemd", TASK))
    done = subprocess.run(["systemd-analyze", "verify", str(unit)], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    # 0 is shut, 10 open; half of a usual service's 9.6 would be no achievement.
    security = ["systemd-analyze", "security", "--offline=true", "--threshold=25", str(unit)]
    done = subprocess.run(security, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout.splitlines()[-1]


def _expanded(group):
    """The system calls of a group of systemd's, groups within it too."""
    show = ["systemd-analyze", "syscall-filter", group]
    done = subprocess.run(show, capture_output=True, text=True, check=True)
    names = {line.strip() for line in done.stdout.splitlines()[1:]}
    groups = {name for name in names if name.startswith("@")}
    return names.union(*map(_expanded, groups))


@pytest.mark.thorough
@pytest.mark.skipif(
    not (shutil.which("systemd-analyze") and shutil.which("strace")),
    reason="systemd or strace is not installed",
)
def test_the_unit_allows_every_system_call_that_serving_makes(served_dir, tmp_path):
    unit = deploy(served_dir, "systemd", TASK)
    allowed = set()
    for filters in re.findall(r"^SystemCallFilter=(.*)$", unit, re.MULTILINE):
        for name in filters.split():
            allowed |= _expanded(name) if name.startswith("@") else {name}
    trace = tmp_path / "trace"
    under = ("strace", "-f", "-qq", "-o", str(trace))
    with RunningRuntime(served_dir, under=under, steward=True) as running:
        assert running.execute({"text": "buy"}).status_code == 200
        wait_until(lambda: read_report(served_dir), 60)
        (supervisor,) = children_of(running.process.pid)
        os.kill(supervisor, signal.SIGTERM)
        running.process.wait(60)
    made = set(re.findall(r"^\d+\s+(\w+)\(", trace.read_text(errors="replace"), re.MULTILINE))
    assert "unshare" in made and made - allowed == set()


def test_what_would_be_refused_there_is_refused_here_all_at_once(served_dir):
    wrong = ("--image", "a b", "--storage", "ten", "--most", "1", "--access-mode", "ReadWriteOnce")
    told = deploy(served_dir, "kubernetes", TASK, *wrong, code=2)
    assert "--image 'a b' is no image" in told
    assert "--storage 'ten' is no quantity" in told
    assert "--most 1 is fewer than --replicas 2" in told
    told = deploy(served_dir, "systemd", TASK, "--user", "me; rm", code=2)
    assert "'me; rm' cannot stand in a unit" in told


def test_a_secret_in_plain_words_is_not_copied_into_a_manifest(served_dir):
    served_dir.deployment_file.parent.mkdir()
    served_dir.deployment_file.write_text(CONFIGURATION.replace("${HOOK_SECRET}", "hunter2"))
    told = deploy(served_dir, "kubernetes", TASK, code=2)
    assert "alerts.webhooks.0.secret" in told and "hunter2" not in told
