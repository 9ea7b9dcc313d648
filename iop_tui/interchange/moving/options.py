"""What a person asked an import to do, as it goes to the reading process."""

from __future__ import annotations

import msgspec

PICKS = ("problems", "goals", "scores")
"""What can be taken out of a C-CDA document besides the document itself."""


class Options(msgspec.Struct, frozen=True):
    """`pick`: parts of C-CDA documents that become records of their own. `columns`: column heading → field, for
    client lists; it goes before what the headings suggest. An empty field leaves the column out. `must`: headings
    that were named for this very list and have to be in it.
    """

    pick: tuple[str, ...] = ()
    columns: dict[str, str] = {}
    must: tuple[str, ...] = ()


NOTHING_ASKED = Options()
