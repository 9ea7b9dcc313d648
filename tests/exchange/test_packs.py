"""The bytes of a pack: golden, padded, named by their hash; nothing cut, changed, moved or foreign is opened."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iop_tui.exchange import heads, packing, packs
from iop_tui.exchange.packs import AuditPart, Body, Entry
from iop_tui.kernel.canonical import encode
from iop_tui.kernel.errors import IopError, NeedsNewer, VaultDamaged
from iop_tui.kernel.secret import Secret
from iop_tui.store.order import PackEntry
from iop_tui.store.rows import EMPTY_DIGEST, ActRow, FingerprintRow, RevisionRow, SessionRow, changes_digest
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


@pytest.mark.parametrize(
    ("format_", "pack", "name"), [(1, "pack", "name"), (2, "pack-2", "name-2"), (3, "pack-3", "name-3")]
)
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


def entry(n: int, size: int = 1000) -> PackEntry:
    """A pack of the lane, as heads name it."""
    return PackEntry(sha256(n.to_bytes(4, "big")), DEVICE, LANE, n, bytes(32), (), (), False, (), 1000 + n, size)


def test_golden_head() -> None:
    head = heads.make([entry(n) for n in range(30)], counter=77, known=9, asks=1, visits=b"v" * 24)
    data = heads.seal(head, REALM, SIGNER, key=KEY, number=1, salt=SALT)
    assert data.hex() == json.loads(VECTORS.read_text())["head-2"]
    found, stored, signature = heads.unseal(data, REALM, KEY)
    assert found == head
    signing.verify(SIGNER.public, heads.CONTEXT, stored, signature)
    named = [packs.name_of(LANE, n, sha256(n.to_bytes(4, "big"))) for n in range(29, 29 - heads.KEPT, -1)]
    assert list(found.named().items()) == [(name, 1000) for name in named]
    assert (found.n, found.total, found.asks) == (29, 30_000, 1)


def test_heads_of_the_first_format_are_read() -> None:
    data = bytes.fromhex(json.loads(VECTORS.read_text())["head"])
    found, stored, signature = heads.unseal(data, REALM, KEY)
    signing.verify(SIGNER.public, heads.CONTEXT, stored, signature)
    assert (found.lane, found.n, found.at_ms) == (LANE, 3, 1000)
    assert found.named() == {packs.name_of(LANE, 3, b"h" * 32): 0}


@pytest.mark.parametrize("lane", [[entry(0)], [entry(2**32 - 1, 2**24) for _ in range(40)]])
def test_every_head_has_one_size(lane: list[PackEntry]) -> None:
    head = heads.make(lane, counter=2**53, known=2**32, asks=9, visits=b"v" * 72)
    assert len(heads.seal(head, REALM, SIGNER, key=KEY, number=1, salt=SALT)) == 489


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
        ({"format": packs.FORMAT + 1}, NeedsNewer),
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


def written(*blobs: bytes) -> tuple[RevisionRow, ...]:
    return tuple(
        RevisionRow(bytes([at]) * 16, b"R" * 16, b"c" * 16, 1, b"tagg", False, blob) for at, blob in enumerate(blobs)
    )


def logged(*changes: bytes) -> AuditPart:
    return AuditPart(5, bytes(32), tuple(Entry(1000, b"S" * 16, one, b"x" * 32, False, b"event") for one in changes))


def test_an_entry_names_the_rows_it_brought_and_gets_its_digest_back() -> None:
    """Format 3: runs of rows in order, out of order, unknown to the pack, and none."""
    rows = written(*(bytes([1, 1]) + b"row" * 9 for _ in range(6)))
    digest = [changes_digest([row.digest() for row in part]) for part in (rows[:1], rows[1:3], rows[4:6], rows[3:4])]
    part = logged(digest[0], EMPTY_DIGEST, digest[1], digest[2], b"\x07" * 32, digest[3])
    brief, plain = packing.audit_section(part, 3, rows), packing.audit_section(part, 2)
    assert packing.read_audit(brief, 3, rows) == packing.read_audit(plain, 2) == part
    assert len(brief) == len(plain) - 2 * 31 - 2 * 27
    with pytest.raises(VaultDamaged, match="rows of an entry"):
        packing.read_audit(brief, 3, rows[:2])
    changed = (rows[0], written(b"", b"\1\1other")[1], *rows[2:])
    found = packing.read_audit(brief, 3, changed)
    assert found is not None
    assert found.entries[2].changes != digest[1]


def test_a_row_names_its_base_by_its_place() -> None:
    alone, base = b"\1\1" + b"a" * 40, bytes([0]) * 16
    rows = written(alone, bytes((1, 2)) + base + b"patch" * 9, bytes((1, 2)) + b"\xee" * 16 + b"elsewhere" * 4)
    brief, plain = (packing.rows_section(rows, (b"c" * 16,), format_) for format_ in (3, 2))
    assert len(brief) == len(plain) - 16
    assert packing.read_rows(brief, (b"c" * 16,), 3) == packing.read_rows(plain, (b"c" * 16,), 2) == rows


@given(st.binary(max_size=60), st.integers(0, 200))
def test_no_bytes_in_the_place_of_rows_are_taken_for_others(noise: bytes, at: int) -> None:
    """What is read from changed bytes encodes to exactly those bytes again, or is refused."""
    good = packing.rows_section(written(b"\1\1" + b"a" * 40, bytes((1, 2)) + bytes(16) + b"patch"), (b"c" * 16,), 3)
    bad = good[: at % len(good)] + noise + good[at % len(good) + len(noise) :]
    with contextlib.suppress(VaultDamaged):
        packing.read_rows(bad, (b"c" * 16,), 3)
