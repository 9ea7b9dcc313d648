"""Reading the rule packs that ship with the program."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from importlib.resources import files

import msgspec

from iop_tui.clinical.compliance.rules import DEFAULT, Pack, check_pack
from iop_tui.kernel.errors import InputRejected

FOLDER = "rulepacks"


def read(data: bytes, file: str) -> Pack:
    """A rule pack from TOML. Raises `InputRejected` naming the file and the place."""
    try:
        pack = msgspec.toml.decode(data, type=Pack, strict=True)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        message, _, place = str(error).partition(" - at ")
        raise InputRejected(f"A rule pack was not accepted: {message}.", file=file, place=place.strip("`")) from None
    return check_pack(pack, file)


@cache
def shipped() -> dict[str, Pack]:
    """All packs of this installation by id."""
    folder = files("iop_tui") / "data" / FOLDER
    found = [read(item.read_bytes(), item.name) for item in folder.iterdir() if item.name.endswith(".toml")]
    packs = {pack.id: pack for pack in sorted(found, key=lambda pack: pack.id)}
    if len(packs) != len(found):
        raise InputRejected("Two rule packs share an id.", file=FOLDER)
    return packs


def in_force(ids: Iterable[str]) -> tuple[Pack, ...]:
    """The named packs and the defaults. Raises `InputRejected` for an id nobody ships."""
    wanted, packs = list(dict.fromkeys(ids)), shipped()
    unknown = [item for item in wanted if item not in packs]
    if unknown:
        raise InputRejected(f"There is no rule pack called {unknown[0]!r}.", f"Known: {', '.join(packs)}.")
    defaults = [pack for pack in packs.values() if pack.kind == DEFAULT and pack.id not in wanted]
    return (*(packs[item] for item in wanted), *defaults)
