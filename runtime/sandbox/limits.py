"""How much one execution may use; the parent's clock and the kernel hold programs to it."""

from __future__ import annotations

from dataclasses import dataclass

MEGABYTE = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits of one sandbox.

    `timeout_ms` is wall-clock time per execution; `memory_mb` is what a program may allocate
    on top of the bare interpreter; `load_timeout_ms` bounds the module level of a program,
    which runs once in each worker process. `output_bytes` bounds one output, `batch_output_bytes`
    all that one call of `Sandbox.run` returns. A worker holds `programs_per_worker` programs, the
    ones used last, and is replaced after `executions_per_worker`.
    """

    timeout_ms: float = 1000
    memory_mb: int = 512
    load_timeout_ms: float = 5000
    input_bytes: int = 16 * MEGABYTE
    output_bytes: int = 4 * MEGABYTE
    batch_output_bytes: int = 256 * MEGABYTE
    programs_per_worker: int = 32
    executions_per_worker: int = 10_000_000

    def __post_init__(self) -> None:
        for name in self.__slots__:
            if getattr(self, name) <= 0:
                raise ValueError(f"{name} must be above 0")
