"""Where examinations run: processes of this machine, or a dask cluster.

This module imports little, so that processes start, and import what they need, while their parent still imports.
"""

import ctypes
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from multiprocessing import connection, forkserver, get_context, parent_process

from perflab.course.errors import CourseError

LOCAL = "local"  # in place of a cluster's address
PR_SET_PDEATHSIG = 1
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # of malloc.h


@dataclass(frozen=True)
class Pool:
    """Where examinations run.

    Attributes
    ----------
    open : callable
        Returns an executor; called again if that breaks.
    workers : int
        Of that executor.
    """

    open: Callable[[], Executor]
    workers: int


def local_pool(jobs: int) -> Pool:
    """Return a pool of processes on this machine.

    One process imports what examines, from now on and beside its parent, and forks workers before it does anything
    else. Where nothing is to be examined nobody waits for it.
    """
    context = get_context("forkserver")
    context.set_forkserver_preload(["perflab.judge.examine", "perflab.judge.warm"])
    forkserver.ensure_running()
    return Pool(partial(ProcessPoolExecutor, jobs, mp_context=context, initializer=_begin), jobs)


@contextmanager
def cluster(address: str, jobs: int) -> Iterator[Pool]:
    """Connect to a dask cluster, or start one on this machine; yield a pool there.

    Parameters
    ----------
    address : str
        Of the scheduler, e.g. ``tcp://10.0.0.5:8786``, or "local".
    jobs : int
        Workers of a local cluster.

    Raises
    ------
    CourseError
        If nobody answers there.
    """
    from dask.distributed import Client, LocalCluster

    try:
        own = {"n_workers": jobs, "threads_per_worker": 1, "dashboard_address": None, "host": "127.0.0.1"}
        client = Client(LocalCluster(**own)) if address == LOCAL else Client(address, timeout=5)
    except (OSError, ValueError) as error:
        raise CourseError(f"{address}: no dask scheduler answers ({error}). Start one: dask scheduler.") from error
    with client:
        workers = sum(client.ncores().values())
        if not workers:
            raise CourseError(f"{address}: the cluster has no workers. Start some: dask worker {address}.")
        yield Pool(lambda: client.get_executor(pure=False), workers)
        if address == LOCAL:
            client.cluster.close()


def _begin() -> None:
    """Make this process end with the grader, even if that is killed, and keep the memory that it once got."""
    grader = parent_process()
    if grader is not None:
        threading.Thread(target=_end_with, args=(grader.sentinel,), daemon=True).start()
    if sys.platform == "linux":
        libc = ctypes.CDLL(None)
        libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        # Arrays come and go by the hundred; fresh pages for each took a fifth of all time.
        libc.mallopt(M_MMAP_THRESHOLD, 1 << 30)
        libc.mallopt(M_TRIM_THRESHOLD, 1 << 30)


def _end_with(sentinel: int) -> None:
    """Wait for the grader's end. The process that forks workers lives as long as one of them does."""
    connection.wait([sentinel])
    os._exit(1)
