"""A document of any declared kind with words in it, for what must work for every kind."""

from __future__ import annotations

from typing import Any

from iop_tui.kernel.declare import fields_of
from iop_tui.kernel.errors import DocumentInvalid


def filled(kind: Any) -> Any:
    """A document with something in every text field, umlauts and emoji among it."""
    words = "Größe, ñ, שלום 😀"
    values: dict[str, Any] = {
        info.name: info.choices[-1] if info.choices else words for info in fields_of(kind.struct) if info.type is str
    }
    for _ in range(100):
        try:
            return kind.parse(values)
        except DocumentInvalid as refused:
            name = refused.place.removeprefix("$.")
            missing = refused.message.partition("required field `")[2].partition("`")[0]
            if missing:
                values[missing] = 50 if missing == "minutes" else "2026-03-01"
            elif "Expected `array`" in refused.message:
                values[name] = []
            elif values.get(name) == words:
                values[name] = "ñ"
            else:
                values.pop(name, None)  # a field with a pattern
    raise AssertionError(f"{kind.kind} cannot be filled: {values}")
