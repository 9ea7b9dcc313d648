"""The bytes of a pack: golden, padded, named by their hash; nothing cut, changed, moved or foreign is opened."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iop_tui.exchange import packs
from iop_tui.exchange.packs import AuditPart, Body, Entry
from iop_tui.kernel.canonical import encode
from iop_tui.kernel.errors import IopError, NeedsNewer, VaultDamaged
from iop_tui.kernel.secret import Secret
from iop_tui.store.rows import ActRow, FingerprintRow, RevisionRow, SessionRow
from iop_tui.vault import signing
from iop_tui.vault.digest import sha256

VECTORS = Path(__file__).parent.parent / "vectors" / "exchange" / "packs.json"
REALM, DEVICE, LANE = bytes(range(16)), b"d" * 16, b"l" * 16
KEY, SIGNER = Secret(bytes(range(32))), signing.from_seed(b"s" * 32)
SALT = b"salt" * 8
SECTIONS = {
    "acts": (ActRow(b"a" * 16, b"signed act"),),
    "revisions": (
        RevisionRow(b"r" * 16, b"R" * 16, b"c" * 16, 1 << 32 | 7, b"tagg", False, b"sealed row"),
        RevisionRow(b"q" * 16, b"Q" * 16, b"b" * 16, 1, b"tagg", True, b"deposit"),
    ),
    "sessions": (SessionRow(b"S" * 16, b"u" * 16, b"for auditors", b"for self"),),
    "fingerprints": (FingerprintRow(b"m" * 32, b"t" * 16),),
    "devices": (b"a certified card",),
    "keyslots": ((b"u" * 16, b"a slot"),),
    "keys": (b"a transport key",),
    "audit": AuditPart(5, bytes(32), (Entry(1000, b"S" * 16, bytes(32), b"x" * 32, False, b"sealed event"),)),
}


def body(format_: int = 1, **changes: object) -> Body:
    """A pack with one of everything."""
    streams, sections = packs.sections(**SECTIONS, format_=format_)  # type: ignore[arg-type]
    values: dict[str, object] = {
        "format": format_, "realm": REALM, "device": DEVICE, "lane": LANE, "n": 3, "prev": b"p" * 32,
        "seen": (b"o" * 32,),
        "clock_ms": 1_770_000_000_000, "streams": streams, "sections": sections, **changes,
    }  # fmt: skip
    return Body(**values)  # type: ignore[arg-type]


def sealed(format_: int = 1, **changes: object) -> bytes:
    return packs.seal(body(format_, **changes), SIGNER, key=KEY, number=1, salt=SALT)


@pytest.mark.parametrize(("format_", "pack", "name"), [(1, "pack", "name"), (2, "pack-2", "name-2")])
def test_golden_pack(format_: int, pack: str, name: str) -> None:
    """Packs of every format are read for ever, and made again as they were."""
    data, expected = sealed(format_), json.loads(VECTORS.read_text())
    assert data.hex() == expected[pack]
    assert packs.name_of(LANE, 3, sha256(data)) == expected[name]
    opened = packs.open_pack(bytes.fromhex(expected[pack]), REALM, KEY)
    opened.verify(SIGNER.public)
    found = packs.content(opened.body)
    assert found.acts == SECTIONS["acts"]
    assert found.revisions == SECTIONS["revisions"]
    assert (found.sessions, found.fingerprints) == (SECTIONS["sessions"], SECTIONS["fingerprints"])
    assert (found.devices, found.keyslots, found.keys) == (
        SECTIONS["devices"], SECTIONS["keyslots"], SECTIONS["keys"],
    )  # fmt: skip
    assert found.audit == SECTIONS["audit"]
    assert found.unknown == ()


def test_golden_head() -> None:
    head = packs.Head(DEVICE, LANE, 3, b"h" * 32, 9, 1000)
    data = packs.seal_head(head, REALM, SIGNER, key=KEY, number=1, salt=SALT)
    assert data.hex() == json.loads(VECTORS.read_text())["head"]
    found, stored, signature = packs.open_head(data, REALM, KEY)
    assert found == head
    signing.verify(SIGNER.public, packs.HEAD_CONTEXT, stored, signature)
    assert len(data) <= 1024


def test_the_same_rows_give_the_same_bytes_and_show_no_compartment() -> None:
    assert sealed() == sealed()
    assert b"c" * 16 not in sealed()


@given(st.integers(0, 10**7))
def test_padme(size: int) -> None:
    padded = packs.padme(size)
    assert padded >= max(size, 512)
    assert size <= 512 or padded <= size * 1.12
    assert packs.padme(padded) == padded


@given(st.data())
def test_no_changed_or_cut_pack_opens(data: st.DataObject) -> None:
    good = sealed()
    name = packs.parse_name(packs.name_of(LANE, 3, sha256(good)))
    assert name is not None
    if data.draw(st.booleans()):
        bad = bytearray(good)
        bad[data.draw(st.integers(0, len(good) - 1))] ^= 1 << data.draw(st.integers(0, 7))
        changed = bytes(bad)
    else:
        changed = good[: data.draw(st.integers(0, len(good) - 1))]
    assert not packs.fits(name, changed)
    with pytest.raises(IopError):
        packs.open_pack(changed, REALM, KEY)


@pytest.mark.parametrize(
    ("what", "raised"),
    [
        ({"format": 3}, NeedsNewer),
        ({"realm": b"x" * 16}, VaultDamaged),
    ],
)
def test_other_formats_and_programs_are_named(what: dict[str, object], raised: type[IopError]) -> None:
    with pytest.raises(raised):
        packs.open_pack(sealed(**what), REALM, KEY)


def test_newer_protocol_foreign_file_and_wrong_key() -> None:
    with pytest.raises(NeedsNewer):
        packs.key_number(b"CWX2" + sealed()[4:])
    with pytest.raises(packs.Foreign):
        packs.key_number(b"\xff\xd8\xff\xe0 a picture")
    with pytest.raises(VaultDamaged):
        packs.open_pack(sealed(), REALM, Secret(b"w" * 32))


def test_an_unknown_section_is_named_and_the_rest_is_read() -> None:
    more = (*body().sections, ("sparkles", encode((1, 2))))
    found = packs.content(packs.open_pack(sealed(sections=more), REALM, KEY).body)
    assert found.unknown == ("sparkles",)
    assert found.acts == SECTIONS["acts"]


@pytest.mark.parametrize(
    "sections",
    [
        (("acts", encode(((b"short", b"x"),))),),
        (("rows", encode(((b"r" * 16, b"R" * 16, 9, 1, b"tagg", False, b""),))),),
        (("rows", encode(((b"r" * 16, b"R" * 16, 0, 2**60, b"tagg", False, b""),))),),
        (("prints", encode(((b"m", b"t" * 16),))),),
        (("sessions", b"\x00"),),
    ],
)
def test_rows_no_vault_would_take_are_refused(sections: tuple[tuple[str, bytes], ...]) -> None:
    with pytest.raises(VaultDamaged):
        packs.content(packs.open_pack(sealed(sections=sections), REALM, KEY).body)


@pytest.mark.parametrize("name", ["p/x/00000001-aa", "../realm", "p/" + "a" * 26 + "/1-" + "a" * 26, "holiday.jpg"])
def test_other_names_are_no_packs(name: str) -> None:
    assert packs.parse_name(name) is None
