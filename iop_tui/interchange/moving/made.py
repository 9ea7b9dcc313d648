"""The items that readers of other formats than FHIR hand over: one builder, so that fingerprints mean the same."""

from __future__ import annotations

from datetime import date
from typing import Any

import msgspec

from iop_tui.interchange.fhir import sensitivity
from iop_tui.interchange.items import PERSON, Mapped
from iop_tui.vault.digest import sha256

NO_PERSON = "no person named"


def item(
    kind: str,
    fields: dict[str, Any],
    *,
    file: str,
    place: str,
    raw: bytes,
    form: str,
    key: str | None,
    identity: str = "",
    usual: str = "IND",
    labels: frozenset[str] = frozenset(),
    flags: tuple[str, ...] = (),
    effective: str | None = None,
    aliases: tuple[str, ...] = (),
) -> Mapped:
    """One item. `form` names the format, `identity` the record at its source (its content where it has no name);
    `key` the person, None where the file names nobody.
    """
    digest = sha256(raw, msgspec.json.encode(fields, order="sorted")).hex()
    where = "DIR" if kind == PERSON else sensitivity.compartment_for(usual, labels)
    more = (NO_PERSON,) if key is None and usual != "ORG" else ()
    return Mapped(
        kind=kind, fields=fields, person_key=key, compartment=where, source_type=form, source_id=identity,
        fingerprint_parts=(form, key or "", identity or f"#{digest}", digest),
        effective=date.fromisoformat(effective) if effective else None, labels=tuple(sorted(labels)),
        flags=(*flags, *more), file=file, place=place, raw=raw, aliases=aliases,
    )  # fmt: skip


def hl7_day(text: str) -> str | None:
    """The ISO day of an HL7 time stamp (`20130820112000-0800`); None for what is no full day."""
    digits = text[:8]
    if len(digits) != 8 or not digits.isdigit():
        return None
    try:
        return date(int(digits[:4]), int(digits[4:6]), int(digits[6:])).isoformat()
    except ValueError:
        return None
