"""Runs a function in several processes, and starts them again when they die."""

import ctypes
import multiprocessing
import os
import signal
import time
from collections.abc import Callable
from multiprocessing.context import SpawnProcess
from typing import Any

from isbitcoinlit.log import get_logger

PAUSE_SECONDS = 1.0
"""Between a worker's death and its successor, so that a worker that cannot live is no storm."""
STOP_SECONDS = 3.0
"""How long workers may take to finish; longer than the server's own limits."""
_LOOK_SECONDS = 0.05
_PR_SET_PDEATHSIG = 1

log = get_logger()


def run_workers(count: int, target: Callable[..., None], arguments: tuple[Any, ...]) -> None:
    """Keep `count` processes running `target(*arguments)` until SIGTERM or SIGINT."""
    stop = _StopSignal()
    workers = [_start(target, arguments) for _ in range(count)]
    while not stop.comes_within(_LOOK_SECONDS):
        for place, worker in enumerate(workers):
            if not worker.is_alive() and not stop.came:
                log.warning("worker-died", pid=worker.pid, exit_status=worker.exitcode)
                if not stop.comes_within(PAUSE_SECONDS):
                    workers[place] = _start(target, arguments)
    _stop(workers)


class _StopSignal:
    """Whether SIGTERM or SIGINT came.

    A plain flag: a handler that takes the lock of a `threading.Event`, while the code that it
    interrupts holds that lock, never returns.
    """

    def __init__(self) -> None:
        self.came = False
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._come)

    def comes_within(self, seconds: float) -> bool:
        """Wait for it, looking often enough."""
        deadline = time.monotonic() + seconds
        while not self.came and time.monotonic() < deadline:
            time.sleep(_LOOK_SECONDS)
        return self.came

    def _come(self, *_: object) -> None:
        self.came = True


def _start(target: Callable[..., None], arguments: tuple[Any, ...]) -> SpawnProcess:
    # Spawned, not forked: a fork copies threads' locks in whatever state they are.
    context = multiprocessing.get_context("spawn")
    worker = context.Process(target=_run, args=(os.getpid(), target, arguments))
    worker.start()
    return worker


def _run(parent: int, target: Callable[..., None], arguments: tuple[Any, ...]) -> None:
    """Work in the new process, which ends with its parent however that ends."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() == parent:
        target(*arguments)


def _stop(workers: list[SpawnProcess]) -> None:
    for worker in workers:
        worker.terminate()
    deadline = time.monotonic() + STOP_SECONDS
    for worker in workers:
        worker.join(max(0.0, deadline - time.monotonic()))
        if worker.is_alive():
            worker.kill()
            worker.join()
