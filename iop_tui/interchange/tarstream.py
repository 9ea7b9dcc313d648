"""An export as one tar archive (POSIX.1-2001), made piece by piece: no file of it is ever on the disk unsealed."""

from __future__ import annotations

import tarfile
from collections.abc import Iterable, Iterator

from iop_tui.kernel.streamed import Content, pieces_of

_BLOCK = tarfile.BLOCKSIZE
_END = bytes(2 * _BLOCK)


def tar_pieces(files: Iterable[tuple[str, Content]], made_ms: int) -> Iterator[bytes]:
    """The archive of these (name, content) files, taken one at a time; readable by their owner alone, dated alike."""
    for name, content in files:
        info = tarfile.TarInfo(name)
        info.size, info.mtime, info.mode = len(content), made_ms // 1000, 0o600
        yield info.tobuf(tarfile.PAX_FORMAT)
        yield from pieces_of(content)
        yield bytes(-len(content) % _BLOCK)
    yield _END
