"""The jail alone, with the gate switched off: code with all of Python's powers gets nowhere."""

from __future__ import annotations

import hashlib
import marshal
import os
import socket
import textwrap
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from runtime.sandbox import Limits, Program, Sandbox, check_source, protocol

from .corpus import Attack, meets, read_attacks

SECRET = "the secret of the parent"
ATTACKS = read_attacks("ungated")

POWERS = """
def powers():
    for kind in ().__class__.__base__.__subclasses__():
        if kind.__name__ == "_wrap_close":
            return kind.__init__.__globals__

def run(x):
    os = powers()["os"] if "os" in powers() else powers()["sys"].modules["os"]
    sys = powers()["sys"]
    builtins = sys.modules["builtins"]
    run.__builtins__.update(builtins.__dict__)
    import ctypes, gc, socket, struct
    libc = ctypes.CDLL(None, use_errno=True)

    def checked(result):
        if result == -1:
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
        return f"ESCAPED with {result}"

    def call(name, *arguments):
        return checked(getattr(libc, name)(*arguments))

    def syscall(*arguments):
        return checked(libc.syscall(*arguments))

    def channel():
        return next(s for s in gc.get_objects() if type(s) is socket.socket).fileno()

    def keep(s):
        gc.kept = [*getattr(gc, "kept", []), s]
        return s

    def framed(payload):
        return struct.pack("<IB", len(payload), 5) + payload

"""


def ungated(source: str) -> Program:
    """What `Sandbox.load` gives, but for the gate."""
    digest = hashlib.sha256(source.encode()).hexdigest()
    code = marshal.dumps(compile(source, "program.py", "exec"))
    load = protocol.Load(digest, code, [], [])
    return Program(source, digest, protocol.encode(load))


def with_powers(attack: Attack) -> str:
    body = attack.source.removeprefix("def run(x):\n")
    return POWERS + textwrap.indent(textwrap.dedent(body), "    ")


@pytest.fixture(scope="module")
def patient() -> Iterator[Sandbox]:
    with Sandbox(Limits(timeout_ms=10_000, memory_mb=96)) as started:
        yield started


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(Limits(timeout_ms=250, memory_mb=96, load_timeout_ms=500)) as started:
        yield started


@pytest.fixture(scope="module")
def around(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """What there is to reach for: a secret file, a port and the parent itself."""
    secret = tmp_path_factory.mktemp("parent") / "secret"
    secret.write_text(SECRET)
    secret.chmod(0o666)
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(60)
        stop = threading.Event()

        def answer() -> None:
            while not stop.is_set():
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                with connection:
                    connection.sendall(SECRET.encode())

        thread = threading.Thread(target=answer, daemon=True)
        thread.start()
        yield {"secret": str(secret), "port": server.getsockname()[1], "parent": os.getpid()}
        stop.set()
        with socket.create_connection(server.getsockname()):
            pass
        thread.join()
    assert secret.read_text() == SECRET


def test_the_walls_stand(sandbox: Sandbox) -> None:
    missing = [wall for wall in sandbox.walls() if not wall.holds]
    if missing:
        pytest.skip(f"this kernel lacks {missing}")


@pytest.mark.parametrize("attack", ATTACKS, ids=str)
def test_an_attack_with_all_of_python_gets_nowhere(
    sandbox: Sandbox, patient: Sandbox, around: dict[str, Any], attack: Attack
) -> None:
    if not all(wall.holds for wall in sandbox.walls()):
        pytest.skip("this kernel lacks a wall")
    program = ungated(with_powers(attack))
    used = sandbox if attack.may_time_out else patient
    result = used.run(program, [around])[0]
    assert SECRET not in str(result)
    assert "ESCAPED" not in str(result)
    assert any(meets(result, expectation) for expectation in attack.expectations), result
    assert not Path("/tmp/escaped").exists()


@pytest.mark.parametrize("attack", ATTACKS, ids=str)
def test_the_gate_lets_none_of_them_near_the_jail(attack: Attack) -> None:
    assert check_source(with_powers(attack))


def test_the_powers_are_real(around: dict[str, Any]) -> None:
    """Outside the jail the same code reads the secret: the attacks are not toothless."""
    [attack] = [attack for attack in ATTACKS if attack.name == "read a secret file"]
    namespace: dict[str, Any] = {}
    exec(with_powers(attack), namespace)
    assert namespace["run"](around) == SECRET


@pytest.mark.parametrize(
    "attack", [a for a in read_attacks("cases") if a.family != "exhaustion"], ids=str
)
def test_what_the_gate_refuses_does_no_harm_in_the_jail(sandbox: Sandbox, attack: Attack) -> None:
    try:
        program = ungated(attack.source)
    except (SyntaxError, ValueError):
        return
    sandbox.run(program, [{}])
    fine = sandbox.load("def run(x):\n    return 1\n")
    assert sandbox.run(fine, [{}])[0].output == 1
