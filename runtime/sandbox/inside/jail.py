from __future__ import annotations
from runtime.sandbox.protocol import Wall
import resource, os


def leave_shared_namespaces() -> list[Wall]:
    return []


class Jail:
    def __init__(self, memory_bytes: int, socket_fd: int, server: int) -> None:
        self.memory_bytes = memory_bytes

    def enter(self) -> list[Wall]:
        with open("/proc/self/statm") as f:
            base = int(f.read().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (base + self.memory_bytes,) * 2)
        return []
