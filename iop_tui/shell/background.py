"""Work on a thread while a person types: its end can be waited for with `select`, its failure is raised where asked."""

from __future__ import annotations

import os
import threading

from iop_tui.shell.process.harden import quiet_libraries

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Generic, TypeVar

    T = TypeVar("T")
else:  # `typing` itself would take a third of the time until the first key
    T = None

    class Generic:
        """As `typing.Generic`, for subscripts that only the type checker reads."""

        def __class_getitem__(cls, _: object) -> type:
            return cls


class Background(Generic[T]):
    """One call on a thread of its own. Imports are the usual work: Textual and the slices behind the prompt."""

    def __init__(self, work: Callable[[], T]) -> None:
        self._work = work
        self._thread: threading.Thread | None = None
        self._outcome: tuple[T] | BaseException | None = None
        self._ended, self._ending = os.pipe()

    def start(self) -> None:
        """Start; a second call does nothing."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="background", daemon=True)
            self._thread.start()

    def fileno(self) -> int:
        """A descriptor that becomes readable when the work has ended."""
        return self._ended

    @property
    def done(self) -> bool:
        """Whether the work has ended, well or not."""
        return self._outcome is not None

    def result(self) -> T:
        """What the work returned; waits for it (and starts it if nobody did). Raises what it raised."""
        self.start()
        if self._thread is not None:
            self._thread.join()
        if isinstance(self._outcome, tuple):
            return self._outcome[0]
        raise self._outcome or RuntimeError("the work ended without an outcome")

    def _run(self) -> None:
        try:
            quiet_libraries()
            self._outcome = (self._work(),)
        except BaseException as error:  # whatever it is: it is raised again by `result`
            self._outcome = error
        finally:
            os.close(self._ending)
