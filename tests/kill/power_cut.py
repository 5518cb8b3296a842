"""What a power cut would leave: system calls are traced, and only what was synced counts.

A file keeps what a completed fsync or fdatasync covered, if its name, and that of every folder
above it that was made meanwhile, was made lasting by syncing the folder it stands in. Stricter
than any real disk, which may keep more.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

CALLS = "?mkdir,mkdirat,write,pwrite64,writev,sendto,sendmsg,fsync,fdatasync,ftruncate,flock"
CALL = re.compile(
    r"(?P<pid>\d+) +(?:<\.\.\. (?P<resumed>\w+) resumed>|(?P<name>\w+)\()(?P<rest>.*)"
)
UNFINISHED = "<unfinished ...>"
RESULT = re.compile(r"\) += (\d+)")
TEXT = re.compile(r'"((?:\\x[0-9a-f]{2})*)"')
HANDLE = re.compile(r"\d+<((?:\\x[0-9a-f]{2})*)>")
EXECUTION_ID = re.compile(rb'"execution_id":"([0-9a-f-]{36})"')
WRITES = {"write", "pwrite64", "writev", "sendto", "sendmsg"}


def tracer(output: Path) -> list[str]:
    """The command that traces another one as its grandparent; everything in hexadecimal."""
    trace = ["-e", f"trace={CALLS}", "-e", "signal=none", "-s", "10000000"]
    return ["strace", "-D", "-f", "-q", "-y", "-xx", "--seccomp-bpf", *trace, "-o", str(output)]


@dataclass(frozen=True, slots=True)
class Call:
    """A system call: `begins` when it was entered, `ends` when its result was there (or both)."""

    name: str
    place: str
    data: bytes
    begins: bool
    ends: bool
    result: int


@dataclass
class File:
    """One file of the log: what was written to it, and how much of that is on the disk."""

    content: bytearray = field(default_factory=bytearray)
    synced: int = 0


@dataclass
class Answer:
    """The moment an answer left: which of its executions were where, if the power went then."""

    execution_ids: list[str]
    written: bool
    on_disk: bool


class Machine:
    """The disk and the kernel of a box, as a trace tells; it begins with what lies in `root`."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.files: dict[Path, File] = {}
        self.answers: list[Answer] = []
        self.syncs = 0
        self._new_names: set[Path] = set()
        self._place: dict[str, tuple[File, Path, int]] = {}
        self._syncing: dict[Path, int] = {}
        self._known = {root, *root.rglob("*")}

    def replay(self, trace: Path) -> Iterator[Answer]:
        """Take one system call after the other; yields at each answer, before it has left."""
        for call in _calls(trace):
            if call.name in ("mkdir", "mkdirat"):
                if call.ends and call.result == 0:
                    self._name(Path(call.data.decode()))
            elif call.name in WRITES and call.place.startswith("socket:"):
                ids = [match.decode() for match in EXECUTION_ID.findall(call.data)]
                if call.begins and ids:
                    self.answers.append(self._answer(ids))
                    yield self.answers[-1]
            elif (path := Path(call.place)).is_relative_to(self.root):
                self._file_call(call, path)

    def left(self) -> Iterator[tuple[str, bytes, bytes]]:
        """Each file there would be: its name, what is certain of it, and what may be of it."""
        for path, file in self.files.items():
            if self._lasts(path):
                content = bytes(file.content)
                yield path.name, content[: file.synced], content[file.synced :]

    def is_on_disk(self, execution_id: str) -> bool:
        """Whether this execution would be there after a power cut now."""
        if execution_id not in self._place:
            return False
        file, path, end = self._place[execution_id]
        return file.synced >= end and self._lasts(path)

    def _answer(self, ids: list[str]) -> Answer:
        written = all(one in self._place for one in ids)
        return Answer(ids, written, all(self.is_on_disk(one) for one in ids))

    def _file_call(self, call: Call, path: Path) -> None:
        if call.name in ("fsync", "fdatasync"):
            if call.begins:
                self._syncing[path] = len(self.files[path].content) if path in self.files else 0
            if call.ends:
                self._synced(path)
        elif path.suffix != ".jsonl" or not call.ends:
            return
        elif call.name == "ftruncate":
            raise NotImplementedError("no line was torn, so nothing is cut")
        else:
            # Every file is locked as soon as it is opened, so a lock tells of a new one too.
            self._name(path)
            if call.name == "flock":
                return
            file = self.files.setdefault(path, File())
            start = len(file.content)
            file.content += call.data[: call.result]
            for match in EXECUTION_ID.finditer(file.content, start):
                end = file.content.find(b"\n", match.end()) + 1
                self._place[match[1].decode()] = (file, path, end)

    def _synced(self, path: Path) -> None:
        self.syncs += 1
        covered = self._syncing.pop(path)
        if path in self.files:
            self.files[path].synced = max(self.files[path].synced, covered)
        self._new_names = {name for name in self._new_names if name.parent != path}

    def _name(self, path: Path) -> None:
        if path not in self._known:
            self._known.add(path)
            self._new_names.add(path)

    def _lasts(self, path: Path) -> bool:
        return not self._new_names.intersection((path, *path.parents))


def _calls(trace: Path) -> Iterator[Call]:
    """The calls of a trace in their order; one that another thread interrupted comes twice."""
    waiting: dict[str, tuple[str, str, bytes]] = {}
    for line in trace.read_text(encoding="ascii").splitlines():
        found = CALL.match(line)
        if found is None:
            continue  # a process that ended
        pid, rest = found["pid"], found["rest"]
        begins = found["resumed"] is None
        if begins:
            handle = HANDLE.match(rest)
            data = b"".join(_bytes(text) for text in TEXT.findall(rest))
            waiting[pid] = (found["name"], _bytes(handle[1]).decode() if handle else "", data)
        name, place, data = waiting[pid]
        result = RESULT.search(rest.rpartition('"')[2])
        ends = UNFINISHED not in rest and result is not None
        yield Call(name, place, data, begins, ends, int(result[1]) if result else -1)


def _bytes(text: str) -> bytes:
    return bytes.fromhex(text.replace("\\x", ""))
