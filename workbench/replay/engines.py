"""Where parts are worked on: processes of this machine, or Dask workers on many.

An engine hands back what each part came to, in any order, each part once; what it lost on the
way is run again.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from functools import partial
from multiprocessing import get_context
from typing import Any, TypeVar

from runtime.errors import LoopaiError, Problem

P = TypeVar("P")
R = TypeVar("R")
Work = Callable[[Any], Any]
ATTEMPTS = 3
CONNECT_SECONDS = 10


def run_locally(work: Callable[[P], R], parts: Sequence[P], workers: int | None) -> Iterator[R]:
    """In `workers` processes (a processor each by default). A process that dies takes no part
    with it: what it had is run again, three times at most. Raises LoopaiError then."""
    left = dict(enumerate(parts))
    count = min(workers or len(os.sched_getaffinity(0)), len(parts))
    if count <= 1:
        yield from map(work, parts)
        return
    for _ in range(ATTEMPTS):
        # The work goes to each process once: it holds every program.
        with ProcessPoolExecutor(
            count, mp_context=get_context("spawn"), initializer=_take, initargs=(work,)
        ) as pool:
            futures = {pool.submit(_do, part): number for number, part in left.items()}
            try:
                for future in as_completed(futures):
                    found = future.result()
                    del left[futures.pop(future)]  # kept, it would hold what it came to
                    del future
                    yield found
                return
            except BrokenProcessPool:
                continue
            finally:
                pool.shutdown(wait=False, cancel_futures=True)
    raise LoopaiError(
        Problem(
            f"a process died {ATTEMPTS} times over; {len(left)} parts are left.",
            remedy="Is there enough memory? Try --workers 1; with --output, what is done stays.",
        )
    )


def run_on_dask(
    work: Callable[[P], R], parts: Sequence[P], workers: int | None, scheduler: str | None
) -> Iterator[R]:
    """On the workers of the scheduler at `scheduler` (`tcp://host:8786`), or of one started here
    for the while. Raises LoopaiError where it cannot be reached or gives up on a part."""
    with _client(workers, scheduler) as client:
        import distributed
        from distributed.scheduler import KilledWorker

        as_done: Any = distributed.as_completed

        # As a result it goes to each worker once, and is made again when one that had it dies.
        shared = client.submit(_itself, work, pure=False, retries=ATTEMPTS - 1)
        futures = [
            # Not pure: what a part comes to also lies in files, which Dask does not know of.
            client.submit(_apply, shared, part, pure=False, retries=ATTEMPTS - 1)
            for part in parts
        ]
        try:
            for future, found in as_done(futures, with_results=True):
                yield found
                future.release()
        except KilledWorker as error:
            raise LoopaiError(
                Problem(
                    f"Dask gave up on a part whose workers kept dying: {error}.",
                    remedy="Look at the workers' logs; with --output, what is done stays.",
                )
            ) from None


_taken: list[Work] = []


def _take(work: Work) -> None:
    _taken[:] = [work]


def _do(part: Any) -> Any:
    return _taken[0](part)


def _itself(work: Work) -> Work:
    return work


def _apply(work: Work, part: Any) -> Any:
    return work(part)


@contextmanager
def _client(workers: int | None, scheduler: str | None) -> Iterator[Any]:
    try:
        import distributed
    except ImportError:
        raise LoopaiError(
            Problem("Dask is not installed.", remedy="pip install 'loopai-workbench[scale]'")
        ) from None
    # Its classes are not typed.
    make_cluster: Any = distributed.LocalCluster
    make_client: Any = distributed.Client
    if scheduler is None:
        with (
            make_cluster(
                n_workers=workers, threads_per_worker=1, dashboard_address=None
            ) as cluster,
            make_client(cluster) as client,
        ):
            yield client
        return
    try:
        client = make_client(scheduler, timeout=CONNECT_SECONDS)
    except (OSError, TimeoutError, ValueError) as error:
        raise LoopaiError(
            Problem(
                f"no Dask scheduler answers there ({error}).",
                scheduler,
                remedy="Start one with `dask scheduler`, and workers with `dask worker ADDRESS`.",
            )
        ) from None
    with client:
        yield client


def choose_engine(
    name: str, workers: int | None = None, scheduler: str | None = None
) -> Callable[[Work, Sequence[Any]], Iterator[Any]]:
    """`local` or `dask`, as a function of the work and its parts."""
    if name == "dask":
        return partial(run_on_dask, workers=workers, scheduler=scheduler)
    return partial(run_locally, workers=workers)
