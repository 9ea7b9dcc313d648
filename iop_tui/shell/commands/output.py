"""Printing: one JSON document, or plain aligned lines without anything a terminal would obey."""

from __future__ import annotations

import json
import sys
import unicodedata
from collections.abc import Sequence
from typing import Any

from iop_tui.kernel.text import clean_line, escaped
from iop_tui.shell.commands.call import Answer

_WIDEST = 60


def show(answer: Answer, *, as_json: bool) -> None:
    """Print an answer on standard output."""
    if as_json:
        sys.stdout.write(dump(answer.value) + "\n")
    else:
        sys.stdout.writelines(f"{escaped(line)}\n" for line in answer.lines)
    sys.stdout.flush()


def dump(value: Any) -> str:
    """A JSON document in one line, without anything a terminal would obey: such characters are escaped."""
    return escaped(json.dumps(value, ensure_ascii=False, allow_nan=False))


def table(headings: Sequence[str], rows: Sequence[Sequence[object]], *, empty: str) -> list[str]:
    """Aligned columns with a heading, or one sentence where there is nothing."""
    if not rows:
        return [empty]
    cells = [list(headings), *([_cell(value) for value in row] for row in rows)]
    widths = [max(_width(row[column]) for row in cells) for column in range(len(headings))]
    return ["  ".join(_pad(text, width) for text, width in zip(row, widths, strict=True)).rstrip() for row in cells]


def pairs(fields: Sequence[tuple[str, object]]) -> list[str]:
    """Labels with their values below each other; several lines of a value are indented."""
    width = max((_width(label) for label, _ in fields), default=0)
    lines = []
    for label, value in fields:
        first, *rest = plain(value).split("\n")
        lines.append(f"{_pad(label, width)}  {first}".rstrip())
        lines += [" " * (width + 2) + more for more in rest]
    return lines


def plain(value: object) -> str:
    """Text of a value without control characters; line ends stay."""
    return "\n".join(clean_line(line) for line in str("" if value is None else value).split("\n"))


def _cell(value: object) -> str:
    text = clean_line(str("" if value is None else value))
    return text if len(text) <= _WIDEST else text[: _WIDEST - 1] + "…"


def _width(text: str) -> int:
    return sum(
        0 if unicodedata.combining(char) else 2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text
    )


def _pad(text: str, width: int) -> str:
    return text + " " * (width - _width(text))
