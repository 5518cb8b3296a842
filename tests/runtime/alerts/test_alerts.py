"""Alerts: raised when something stays wrong, cleared when it stays well, sent until they arrive."""

from __future__ import annotations

import json
import threading
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.alerts.deliveries import TABLES, count_by_state, enqueue, take_due
from runtime.alerts.hysteresis import CRITICAL, WARNING, WELL, Standing, next_standing
from runtime.alerts.observer import AlertObserver
from runtime.alerts.settings import Levels
from runtime.alerts.signature import is_signed, sign
from runtime.alerts.standings import read_alerts
from runtime.alerts.webhooks import Target, WebhookSender
from runtime.config import DeploymentConfig
from runtime.data_dir import DataDir
from runtime.server.steward_metrics import steward_metrics
from runtime.steward.observer import Batch, StewardContext
from runtime.steward.state import State, open_state
from tests.support import TASK, log_line, make_task, wait_until

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
LEVELS = Levels(warning=0.1, critical=0.2)
SECRET = "a secret of some length"


class Receiver:
    """A webhook's far end: keeps what it gets and answers as it is told."""

    def __init__(self) -> None:
        self.codes = [200]
        self.messages: list[tuple[dict[str, str], bytes]] = []
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                receiver.messages.append((dict(self.headers), body))
                code = receiver.codes.pop(0) if len(receiver.codes) > 1 else receiver.codes[0]
                self.send_response(code)
                if code == 302:
                    self.send_header("Location", "http://127.0.0.1:1/elsewhere")
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *arguments: object) -> None: ...

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/hook"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def receiver():
    receiver = Receiver()
    yield receiver
    receiver.close()


@pytest.fixture
def data_dir(tmp_path: Path) -> DataDir:
    data_dir = DataDir(tmp_path / "data")
    make_task(data_dir)
    return data_dir


@pytest.fixture
def state(data_dir: DataDir):
    with open_state(data_dir, TABLES) as state:
        yield state


class Watch:
    """An alert observer whose time a test moves."""

    def __init__(self, data_dir: DataDir, state: State, **alerts) -> None:
        self.data_dir = data_dir
        self.state = state
        self.moment = NOW
        self.alerts = {"hold_sec": 10, "disk_used_percent": {}, **alerts}
        self.start()

    def start(self) -> None:
        config = DeploymentConfig.model_validate({"alerts": self.alerts})
        context = StewardContext(self.data_dir, config, self.state, lambda: self.moment)
        self.observer = AlertObserver(context)
        self.state.create(self.observer.tables)

    def execute(self, count: int, status: str = "success", latency_ms: float = 1.0) -> None:
        stamp = self.moment.strftime("%Y-%m-%dT%H:%M:%S.000000Z")
        line = json.loads(log_line(1, stamp, status=status, latency_ms=latency_ms))
        with self.state.transaction() as connection:
            self.observer.observe(TASK, Batch([line] * count, day=NOW.date()), connection)

    def pass_time(self, seconds: int) -> None:
        for _ in range(0, seconds, 5):
            self.moment += timedelta(seconds=5)
            self.observer.tick(self.moment)

    def raised(self) -> dict[str, str]:
        return {alert["alert"]: alert["level"] for alert in read_alerts(self.data_dir)}


def test_failures_are_raised_and_cleared(data_dir: DataDir, state: State):
    watch = Watch(data_dir, state, window_minutes=2)
    watch.execute(90)
    watch.execute(10, "error")
    watch.pass_time(5)
    assert watch.raised() == {}  # not yet for long enough
    watch.pass_time(15)
    assert watch.raised() == {"failure-rate": "warning"}
    watch.execute(40, "timeout")
    watch.pass_time(20)
    assert watch.raised() == {"failure-rate": "critical", "timeout-rate": "critical"}
    (first, *_) = read_alerts(data_dir)
    assert first["task"] == TASK
    assert "140 executions in 2 min" in first["message"]
    text = steward_metrics(data_dir).decode()
    assert f'loopai_alert{{alert="failure-rate",task="{TASK}"}} 2.0' in text
    watch.moment += timedelta(minutes=3)
    watch.execute(200)
    watch.pass_time(20)
    assert watch.raised() == {}


def test_slow_programs_are_raised_by_their_own_target(data_dir: DataDir, state: State):
    watch = Watch(data_dir, state)
    watch.execute(100, latency_ms=150)
    watch.pass_time(20)
    assert watch.raised() == {"latency": "warning"}  # the target is 10 ms


def test_few_executions_say_nothing(data_dir: DataDir, state: State):
    watch = Watch(data_dir, state)
    watch.execute(49, "error")
    watch.pass_time(30)
    assert watch.raised() == {}


def test_an_alert_outlives_a_restart_and_is_said_once(data_dir: DataDir, state: State, receiver):
    hook = {"url": receiver.url, "secret": SECRET}
    watch = Watch(data_dir, state, webhooks=[hook])
    watch.execute(100, "error")
    watch.pass_time(20)
    wait_until(lambda: receiver.messages)
    watch.observer.close()
    watch.start()
    watch.pass_time(20)
    assert watch.raised() == {"failure-rate": "critical"}
    wait_until(lambda: count_by_state(state.connection)["waiting"] == 0)
    watch.observer.close()
    assert len(receiver.messages) == 1
    headers, body = receiver.messages[0]
    message = json.loads(body)
    assert (message["alert"], message["level"], message["before"]) == (
        "failure-rate", "critical", "well")  # fmt: skip
    stamp = headers["X-Loopai-Timestamp"]
    assert is_signed(SECRET, stamp, body, headers["X-Loopai-Signature"], int(stamp))
    assert not is_signed(SECRET, stamp, body + b" ", headers["X-Loopai-Signature"], int(stamp))
    assert not is_signed("another", stamp, body, headers["X-Loopai-Signature"], int(stamp))
    assert not is_signed(SECRET, stamp, body, headers["X-Loopai-Signature"], int(stamp) + 301)


def test_drift_and_a_stalled_sync_and_lag_are_raised(data_dir: DataDir, state: State):
    analytics = data_dir.analytics(TASK)
    analytics.mkdir(parents=True)
    feature = {"feature": "output", "drift": 0.2, "psi": 0.22}
    at = NOW.isoformat()
    (analytics / "drift.json").write_text(
        json.dumps({"at": at, "hours": 24, "features": [feature]})
    )
    old = (NOW - timedelta(hours=3)).isoformat()
    (data_dir.state / "sync.json").write_text(json.dumps({"last_success": old}))
    report = {"v": 1, "at": at, "tasks": {TASK: {"lag_bytes": 10, "lag_seconds": 90.0}}}
    (data_dir.state / "steward.json").write_text(json.dumps(report))
    watch = Watch(data_dir, state, disk_used_percent={"critical": 0.001})
    watch.pass_time(20)
    assert watch.raised() == {
        "drift": "warning", "sync": "critical", "steward-lag": "warning", "disk": "critical"
    }  # fmt: skip


def test_nothing_is_measured_where_alerts_are_off(data_dir: DataDir, state: State):
    watch = Watch(data_dir, state, enabled=False)
    watch.execute(100, "error")
    watch.pass_time(60)
    assert watch.raised() == {}


def test_a_webhook_that_lacks_its_variable_leaves_the_others(data_dir: DataDir, state, receiver):
    hooks = [
        {"url": "${NOT_SET_ANYWHERE}", "secret": SECRET},
        {"url": receiver.url, "secret": SECRET},
    ]
    watch = Watch(data_dir, state, webhooks=hooks)
    watch.execute(100, "error")
    watch.pass_time(20)
    wait_until(lambda: receiver.messages)
    watch.observer.close()
    assert len(receiver.messages) == 1


def test_a_message_is_sent_again_until_it_arrives(state: State, receiver: Receiver):
    now = [1000.0]
    sender = WebhookSender(state.path, [Target(receiver.url, SECRET)], lambda: now[0])
    receiver.codes = [500, 429, 302, 200]
    enqueue(state.connection, 0, '{"n":1}', now[0])
    for _ in range(3):
        assert sender.send_due(state) == 0
        assert sender.send_due(state) == 0  # not due yet
        now[0] += 100
    assert sender.send_due(state) == 1
    assert len(receiver.messages) == 4
    assert len({headers["X-Loopai-Delivery"] for headers, _ in receiver.messages}) == 1
    assert count_by_state(state.connection) == {"waiting": 0, "sent": 1, "given up": 0}


def test_a_far_end_that_is_gone_is_given_up_after_a_day(state: State):
    now = [1000.0]
    sender = WebhookSender(state.path, [Target("http://127.0.0.1:1/", SECRET)], lambda: now[0])
    enqueue(state.connection, 0, "{}", now[0])
    attempts = 0
    while count_by_state(state.connection)["waiting"]:
        attempts += 1
        assert sender.send_due(state) == 0
        now[0] += 900
    assert now[0] - 1000 == pytest.approx(24 * 3600, abs=1801)
    assert attempts > 90


def test_too_many_messages_push_the_oldest_out(state: State):
    with state.transaction() as connection:
        for number in range(1010):
            enqueue(connection, 0, str(number), float(number))
    assert count_by_state(state.connection)["waiting"] == 1000
    assert take_due(state.connection, 2000.0, 1)[0].body == "10"


steps = st.lists(
    st.tuples(st.one_of(st.none(), st.floats(0, 0.4)), st.floats(0, 30)), min_size=1, max_size=40
)


@given(steps)
def test_a_level_changes_only_after_the_value_stayed_there(values):
    standing, now = Standing(), 0.0
    history: list[tuple[float, float]] = []
    for value, wait in values:
        now += wait
        before = standing
        standing = next_standing(standing, value, LEVELS, now, hold=10, clear=0.8)
        history.append((now, -1.0 if value is None else value))
        if standing.level > before.level:
            recent = [v for at, v in history if at > now - 10]
            assert all(v >= (0.08 if before.level == WELL else 0.16) for v in recent)
            assert standing.level == (CRITICAL if history[-1][1] >= 0.2 else WARNING)
        if standing.level < before.level:
            bound = {WARNING: 0.1, CRITICAL: 0.2}[before.level]
            assert all(v < bound for at, v in history if at > now - 10)


@given(st.floats(0.0801, 0.0999), st.floats(0, 1000))
def test_between_the_bounds_nothing_changes(value, now):
    assert next_standing(Standing(WARNING), value, LEVELS, now, 0, 0.8).level == WARNING
    assert next_standing(Standing(WELL), value, LEVELS, now, 0, 0.8).level == WELL


def test_a_signature_is_a_plain_hmac_of_timestamp_dot_body():
    expected = "v1=6b4c7e66d3b69c810f27c4aa67ee370757d4dfdabf1fbb338ea7cf6aba9e0494"
    assert sign("secret", 1795000000, b"{}") == expected
