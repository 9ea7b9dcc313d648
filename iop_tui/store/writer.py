"""One thread owns the vault's connection; everybody else hands it jobs and waits.

Textual's exclusive workers overlap, so serialising writes is done here and nowhere else.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, TypeVar

from iop_tui.kernel.errors import Unexpected
from iop_tui.store.memory import limit_locked_memory

T = TypeVar("T")
_Job = tuple[Callable[[], Any], "Future[Any]"]


class Writer:
    """A thread with a queue of jobs, run in the order given."""

    def __init__(self, name: str = "vault-writer") -> None:
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._closed = False
        self._thread = threading.Thread(target=self._work, name=name, daemon=True)
        self._thread.start()

    @property
    def closed(self) -> bool:
        """Whether no job is taken any more."""
        return self._closed

    @property
    def waited_for(self) -> bool:
        """Whether a job waits for the one that runs."""
        return not self._jobs.empty()

    def submit(self, job: Callable[[], T]) -> Future[T]:
        """Queue a job; its future carries the result or the error."""
        future: Future[T] = Future()
        if self._closed:
            future.set_exception(Unexpected("The vault is closed."))
            return future
        self._jobs.put((job, future))
        return future

    def submit_two(self, first: Callable[[], T], then: Callable[[], object]) -> tuple[Future[T], Future[None]]:
        """Queue a job of two steps: one future carries what the first step gave, as soon as it did; the other is done
        after both. An error of either is in the second future, one of the first step in both.
        """
        early: Future[T] = Future()

        def job() -> None:
            early.set_result(first())
            then()

        def ended(whole: Future[None]) -> None:
            if not early.done():
                early.set_exception(whole.exception())

        done = self.submit(job)
        done.add_done_callback(ended)
        return early, done

    def run(self, job: Callable[[], T]) -> T:
        """Queue a job and wait for it. Called on the writer's own thread it runs at once."""
        if threading.current_thread() is self._thread:
            return job()
        return self.submit(job).result()

    def close(self) -> None:
        """Finish what is queued, then end the thread."""
        if not self._closed:
            self._closed = True
            self._jobs.put(None)
            self._thread.join()

    def _work(self) -> None:
        limit_locked_memory()
        while (item := self._jobs.get()) is not None:
            job, future = item
            if not future.set_running_or_notify_cancel():
                continue
            try:
                result = job()
            except BaseException as error:  # handed to whoever waits; nothing is swallowed
                future.set_exception(error)
            else:
                future.set_result(result)
