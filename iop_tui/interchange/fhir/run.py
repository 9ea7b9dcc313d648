"""One import run over files and folders: `read_run` is the whole interface for the importing service."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import TracebackType

from iop_tui.interchange import items
from iop_tui.interchange.items import FileReport, Ignored, Mapped, Progress, Rejection
from iop_tui.interchange.limits import DEFAULT, READABLE_ENDINGS, Limits
from iop_tui.interchange.moving.options import NOTHING_ASKED, Options
from iop_tui.interchange.sandbox import OpenFile, Sandbox, open_regular
from iop_tui.kernel.errors import InputRejected, MediumUnusable, Usage
from iop_tui.kernel.text import clean_line

MANIFEST = "manifest.json"


def _no_progress(progress: Progress) -> None:
    del progress


def _never() -> bool:
    return False


def expand(paths: Sequence[Path]) -> tuple[list[Path], list[Ignored]]:
    """The files to read: named ones as they are, folders with everything inside, sorted, links not followed.

    In a folder only names of files that can be read count; the others are listed as ignored. Raises `MediumUnusable`
    for a path that is not there.
    """
    files: list[Path] = []
    ignored: list[Ignored] = []
    for path in paths:
        if not path.exists():
            raise MediumUnusable(f"There is no file {clean_line(str(path))}.", "Check the path.")
        for each in _inside(path) if path.is_dir() else [path]:
            if each == path or each.name.lower().endswith(READABLE_ENDINGS):
                files.append(each)
            else:
                ignored.append(Ignored(clean_line(str(each)), "", "Its name is not that of a file that is read."))
    return list(dict.fromkeys(files)), ignored


def _inside(folder: Path) -> Iterator[Path]:
    for where, folders, names in os.walk(folder):
        # What an export keeps beside its records is inside them, too.
        beside = {"attachments"} if MANIFEST in names else set()
        folders[:] = sorted(each for each in folders if not each.startswith(".") and each not in beside)
        for name in sorted(names):
            found = Path(where) / name
            if not name.startswith(".") and not found.is_symlink():
                yield found


class ImportRun:
    """A run whose containers and resources have all been checked; iterate once to get the items.

    `rejected` is complete for containers and for invalid resources before the first item comes; content that
    cannot be mapped may still add to it. `ignored`, `files`, `kept` and `flagged` likewise grow while
    iterating. Use as a context manager: leaving it ends the reading process.
    """

    def __init__(
        self, sandbox: Sandbox, ignored: list[Ignored], rejected: list[Rejection], progress: Callable[[Progress], None],
    ) -> None:
        self.files: list[FileReport] = []
        self.columns: list[items.Columns] = []
        self.ignored = ignored
        self.rejected = rejected
        self.kept = 0
        self.flagged = 0
        self._sandbox = sandbox
        self._progress = progress
        self._frames = sandbox.frames()
        self._first: Mapped | None = None

    def start(self) -> ImportRun:
        """Run the checks, up to the first item. Raises `InputRejected` if the reading process fails, `Cancelled`."""
        self._first = self._next()
        return self

    @property
    def has_items(self) -> bool:
        """Whether anything can be taken; known before the first item was asked for."""
        return self._first is not None

    def __enter__(self) -> ImportRun:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the reading process."""
        self._sandbox.close()

    def __iter__(self) -> Iterator[Mapped]:
        """The items: people first, then every other resource in file order."""
        item, self._first = self._first, None
        while item is not None:
            self.kept += item.kept
            self.flagged += bool(item.flags)
            yield item
            item = self._next()
        self.close()

    @property
    def items(self) -> Iterator[Mapped]:
        """The same as iterating over the run."""
        return iter(self)

    def _next(self) -> Mapped | None:
        for frame in self._frames:
            match frame:
                case items.Item(item):
                    return item
                case items.Rejected(rejection):
                    self.rejected.append(rejection)
                case items.Skipped(ignored):
                    self.ignored.append(ignored)
                case items.Read(report):
                    self.files.append(report)
                case items.Step(progress):
                    self._progress(progress)
                case items.Columns():
                    self.columns.append(frame)
                case items.Done():
                    return None
        return None


def _open_all(paths: list[Path], rejected: list[Rejection]) -> list[OpenFile]:
    opened: list[OpenFile] = []
    for path in paths:
        name = clean_line(str(path))
        try:
            descriptor, size = open_regular(path)
        except InputRejected as refused:
            rejected.append(Rejection(name, "", refused.message))
        except OSError:
            _close_all(opened)
            raise MediumUnusable(f"The file {name} cannot be read.", "Check the path and its permissions.") from None
        else:
            opened.append(OpenFile(name, descriptor, size))
    return opened


def _close_all(opened: list[OpenFile]) -> None:
    for each in opened:
        os.close(each.fd)


def read_run(
    paths: Sequence[Path | str],
    *,
    progress: Callable[[Progress], None] = _no_progress,
    cancelled: Callable[[], bool] = _never,
    limits: Limits = DEFAULT,
    options: Options = NOTHING_ASKED,
) -> ImportRun:
    """Check all files and folders and return the run, ready to be iterated.

    Raises `MediumUnusable` (no such file, unreadable), `InputRejected` (the reading process failed, or the
    run as a whole is too large), `Cancelled`, `Usage` (too many files). Damaged files and invalid resources
    raise nothing: they are in `rejected`, and an empty place there means the whole file.
    """
    files, ignored = expand([Path(each) for each in paths])
    if len(files) > limits.files:
        raise Usage(f"More than {limits.files} files at once.", "Import the folder in parts.")
    rejected: list[Rejection] = []
    opened = _open_all(files, rejected)
    sandbox = Sandbox(opened, limits=limits, options=options, cancelled=cancelled)
    run = ImportRun(sandbox, ignored, rejected, progress)
    try:
        return run.start()
    except BaseException:  # also a stop by the user: the process that reads the files ends
        run.close()
        raise
    finally:
        _close_all(opened)
