"""`vault.head`: damage, replays, torn writes, attempts, file modes."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from iop_tui.kernel import canonical
from iop_tui.kernel.errors import (
    DiskFull,
    IopError,
    MediumUnusable,
    NeedsNewer,
    ReadOnlyMedium,
    Refused,
    VaultDamaged,
    VaultMissing,
)
from iop_tui.vault import areas, glance, headfile, signing
from iop_tui.vault.headfile import HeadWriter
from tests.unit.vault.support import Head, Member

AREA = 4096
TAG = bytes(range(16))


def flip(path: Path, at: int, bits: int = 0x01) -> None:
    data = bytearray(path.read_bytes())
    data[at] ^= bits
    path.write_bytes(data)


def test_create_read_and_glance(head: Head) -> None:
    found = headfile.read(head.path)
    assert found.header == head.header
    assert found.newest is None
    assert found.problems == ()
    seen = glance.glance(head.path)
    assert (seen.demo, seen.single_user) == (False, True)
    assert stat.S_IMODE(head.path.stat().st_mode) == 0o600
    assert [entry.name for entry in head.path.parent.iterdir()] == ["vault.head"]


def test_a_vault_is_never_created_over_another(head: Head) -> None:
    with pytest.raises(Refused, match="already"):
        headfile.create(head.path, head.header)


def test_mode_does_not_depend_on_the_umask(tmp_path: Path, head: Head) -> None:
    before = os.umask(0)
    try:
        other = tmp_path / "other" / "vault.head"
        other.parent.mkdir()
        headfile.create(other, head.header)
    finally:
        os.umask(before)
    assert stat.S_IMODE(other.stat().st_mode) == 0o600


class TestHeader:
    def test_next_generation_keeps_heads_and_attempts(self, head: Head) -> None:
        with HeadWriter(head.path, head.device) as writer:
            written = writer.write(head.signed(1))
        headfile.note_failure(head.path, TAG, 1000)
        newer = head.header.with_slots(head.header.slots * 2)
        headfile.write_header(head.path, newer)
        found = headfile.read(head.path)
        assert found.header == newer
        assert found.newest == written
        assert headfile.failures(head.path, TAG) == headfile.Failures(1, 1000)
        assert stat.S_IMODE(head.path.stat().st_mode) == 0o600

    def test_going_back_or_sideways_is_refused(self, head: Head) -> None:
        newer = head.header.with_slots(())
        headfile.write_header(head.path, newer)
        before = head.path.read_bytes()
        for stale in (head.header, msgspec.structs.replace(newer, demo=True)):
            with pytest.raises(VaultDamaged, match="would undo changes"):
                headfile.write_header(head.path, stale)
        headfile.write_header(head.path, newer)
        with pytest.raises(VaultDamaged, match="another vault"):
            headfile.write_header(
                head.path, headfile.Header(vault_id=b"v" * 16, demo=False, created_ms=0, generation=9),
            )
        assert head.path.read_bytes() == before

    def test_found_by_name_tag(self, head: Head, member: Member) -> None:
        assert head.header.find(member.slot.name_tag) == (member.slot,)
        assert head.header.find(bytes(16)) == ()

    def test_digest_changes_with_everything(self, head: Head) -> None:
        changed = (
            head.header, head.header.with_slots(()), msgspec.structs.replace(head.header, demo=True),
            head.header.with_slots(head.header.slots),
        )
        assert len({headfile.header_digest(header) for header in changed}) == 4

    @pytest.mark.parametrize(("copy", "intact"), [(1, 2), (2, 1)])
    def test_a_damaged_copy_is_named_and_repaired(self, head: Head, copy: int, intact: int) -> None:
        whole = head.path.read_bytes()
        half = (len(whole) - 3 * AREA) // 2
        flip(head.path, 3 * AREA + (copy - 1) * half + 40)
        sentence = f"Header copy {copy} of vault.head is damaged; copy {intact} is intact."
        for look in (headfile.read, glance.glance):
            with pytest.raises(VaultDamaged) as caught:
                look(head.path)
            assert caught.value.message == sentence
        assert f"copy {copy}" in headfile.repair(head.path)
        assert head.path.read_bytes() == whole
        assert "nothing was changed" in headfile.repair(head.path)

    def test_both_copies_damaged(self, head: Head) -> None:
        flip(head.path, 3 * AREA + 40)
        flip(head.path, head.path.stat().st_size - AREA + 40)
        for look in (headfile.read, glance.glance, headfile.repair):
            with pytest.raises(VaultDamaged, match="Both header copies"):
                look(head.path)

    def test_contradicting_copies(self, head: Head) -> None:
        mine = areas.pack_header(head.header)
        other = areas.pack_header(msgspec.structs.replace(head.header, demo=True))
        mixed = mine[:len(mine) // 2] + other[len(other) // 2:]
        head.path.write_bytes(head.path.read_bytes()[:3 * AREA] + mixed)
        for look in (headfile.read, glance.glance, headfile.repair):
            with pytest.raises(VaultDamaged, match="contradict"):
                look(head.path)

    def test_a_slot_of_another_vault_and_wrong_flags_are_refused(self, head: Head) -> None:
        foreign = msgspec.structs.replace(head.header, vault_id=b"v" * 16)
        with pytest.raises(VaultDamaged, match="another vault"):
            areas.parse_header(areas.pack_header(foreign))
        frame = glance.header_frame(areas.pack_header(head.header)[:AREA])
        assert frame is not None
        lying = frame[:5] + b"\x01" + frame[6:]
        copy = lying + glance.checksum(lying)
        with pytest.raises(VaultDamaged, match="does not describe"):
            areas.parse_header(2 * (copy + bytes(-len(copy) % AREA)))

    def test_a_newer_format_is_left_alone(self, head: Head) -> None:
        frame = bytearray(areas.pack_header(head.header)[:AREA])
        end = glance.HEADER_FRAME.size + glance.HEADER_FRAME.unpack_from(frame)[3]
        frame[4] = 2
        frame[end:end + 32] = glance.checksum(bytes(frame[:end]))
        head.path.write_bytes(head.path.read_bytes()[:3 * AREA] + 2 * bytes(frame))
        for look in (headfile.read, glance.glance):
            with pytest.raises(NeedsNewer):
                look(head.path)


class TestWholeFile:
    def test_missing(self, tmp_path: Path) -> None:
        for look in (headfile.read, glance.glance):
            with pytest.raises(VaultMissing):
                look(tmp_path / "vault.head")

    def test_a_folder_in_its_place(self, tmp_path: Path) -> None:
        with pytest.raises(MediumUnusable):
            headfile.read(tmp_path)

    @pytest.mark.parametrize("size", [0, 1, AREA, 3 * AREA, 5 * AREA - 1, 6 * AREA])
    def test_cut(self, head: Head, size: int) -> None:
        data = head.path.read_bytes()
        head.path.write_bytes((data * 2)[:size])
        for look in (headfile.read, glance.glance):
            with pytest.raises(VaultDamaged, match="which no vault has"):
                look(head.path)

    def test_a_huge_sparse_file_is_refused_unread(self, head: Head) -> None:
        os.truncate(head.path, 2**40)
        with pytest.raises(VaultDamaged):
            headfile.read(head.path)

    def test_every_flipped_byte_is_reported(self, head: Head, scale: Callable[[int, int], int]) -> None:
        """In a header copy: refused. In a signed head or the attempts: reported, and the rest still serves."""
        with HeadWriter(head.path, head.device) as writer:
            writer.write(head.signed(1))
            writer.write(head.signed(2))
        whole = head.path.read_bytes()
        for at in range(0, len(whole), scale(1, 61)):
            head.path.write_bytes(whole)
            flip(head.path, at)
            if at >= 3 * AREA:
                with pytest.raises(VaultDamaged, match="Header copy"):
                    headfile.read(head.path)
            else:
                found = headfile.read(head.path)
                assert len(found.problems) == 1
                assert found.newest is not None
                headfile.verify_head(found.newest, head.device.public)

    @settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(data=st.binary(max_size=300), at=st.integers(0, 6 * AREA), cut=st.integers(0, 6 * AREA))
    def test_any_garbage_is_refused_plainly_or_harmless(self, head: Head, data: bytes, at: int, cut: int) -> None:
        whole = head.path.read_bytes()
        changed = (whole[:at] + data + whole[at + len(data):])[:cut or None]
        target = head.path.with_name("fuzzed")
        target.write_bytes(changed)
        try:
            found = headfile.read(target)
        except IopError:
            return
        assert found.header == head.header

    @given(st.binary(max_size=400))
    def test_any_body_under_a_right_checksum_is_a_plain_refusal(self, body: bytes) -> None:
        frame = glance.HEADER_FRAME.pack(b"IOPH", 1, 0, len(body)) + body
        copy = frame + glance.checksum(frame)
        with pytest.raises(VaultDamaged):
            areas.parse_header(2 * (copy + bytes(-len(copy) % AREA)))


class TestSignedHeads:
    def test_alternate_and_survive_reopening(self, head: Head) -> None:
        for seq in range(1, 6):
            with HeadWriter(head.path, head.device) as writer:
                writer.write(head.signed(seq))
            found = headfile.read(head.path)
            assert [stored.head.seq for stored in found.heads] == ([seq, seq - 1] if seq > 1 else [1])
            assert found.problems == ()
            assert headfile.verify_head(found.heads[0], head.device.public) == head.signed(seq)

    def test_a_torn_write_leaves_the_older_one(self, head: Head) -> None:
        with HeadWriter(head.path, head.device) as writer:
            writer.write(head.signed(1))
            before = head.path.read_bytes()
            writer.write(head.signed(2))
        after = head.path.read_bytes()
        slot = slice(0, AREA)
        assert before[AREA:] == after[AREA:]
        for cut in (1, 100, 500, 4000, 4095):
            head.path.write_bytes(after[slot][:cut] + (b"\xaa" * AREA)[cut:] + after[AREA:])
            found = headfile.read(head.path)
            assert [stored.head.seq for stored in found.heads] == [1]
            assert "Head slot A" in found.problems[0]
        with HeadWriter(head.path, head.device) as writer:
            writer.write(head.signed(2))
        assert headfile.read(head.path).problems == ()

    def test_both_torn_is_damage(self, head: Head) -> None:
        with HeadWriter(head.path, head.device) as writer:
            writer.write(head.signed(1))
            writer.write(head.signed(2))
        flip(head.path, 100)
        flip(head.path, AREA + 100)
        for look in (headfile.read, glance.glance):
            with pytest.raises(VaultDamaged, match="No signed head"):
                look(head.path)

    def test_an_older_slot_put_back_or_erased_is_reported(self, head: Head) -> None:
        states = []
        with HeadWriter(head.path, head.device) as writer:
            for seq in range(1, 6):
                writer.write(head.signed(seq))
                states.append(head.path.read_bytes())
        newest = states[-1]
        head.path.write_bytes(newest[:AREA] + states[0][AREA:2 * AREA] + newest[2 * AREA:])
        assert "put back" in headfile.read(head.path).problems[0]
        head.path.write_bytes(newest[:AREA] + bytes(AREA) + newest[2 * AREA:])
        assert "erased" in headfile.read(head.path).problems[0]
        head.path.write_bytes(newest[AREA:2 * AREA] + newest[:AREA] + newest[2 * AREA:])
        with pytest.raises(VaultDamaged):
            headfile.read(head.path)

    def test_only_the_device_s_signature_counts(self, head: Head) -> None:
        with HeadWriter(head.path, signing.from_seed(b"s" * 32)) as writer:
            stored = writer.write(head.signed(1))
        with pytest.raises(signing.BadSignature):
            headfile.verify_head(stored, head.device.public)

    def test_every_field_and_the_count_are_signed(self, head: Head) -> None:
        stored = areas.sign_head(head.signed(1), 1, head.device)
        forged = [areas.StoredHead(2, stored.head, stored.signature)]
        for name in stored.head.__struct_fields__:
            value = getattr(stored.head, name)
            other = value + 1 if isinstance(value, int) else b"\x01" * 16
            changed = msgspec.structs.replace(stored.head, **{name: other})
            forged.append(areas.StoredHead(1, changed, stored.signature))
        for forgery in forged:
            with pytest.raises(signing.BadSignature):
                headfile.verify_head(forgery, head.device.public)

    def test_a_head_of_another_vault_is_refused(self, head: Head) -> None:
        with HeadWriter(head.path, head.device) as writer:
            writer.write(msgspec.structs.replace(head.signed(1), vault_id=b"v" * 16))
        with pytest.raises(VaultDamaged, match="another vault"):
            headfile.read(head.path)

    def test_follows_the_file_that_a_header_change_replaced(self, head: Head) -> None:
        with HeadWriter(head.path, head.device) as writer:
            writer.write(head.signed(1))
            headfile.write_header(head.path, head.header.with_slots(head.header.slots))
            writer.write(head.signed(2))
        found = headfile.read(head.path)
        assert [stored.head.seq for stored in found.heads] == [2, 1]
        assert found.header.generation == 2

    def test_a_newer_head_format(self, head: Head) -> None:
        area = bytearray(areas.pack_head(areas.sign_head(head.signed(1), 1, head.device)))
        area[4] = 2
        newer = glance.close_area(bytes(area[:-32]))
        with pytest.raises(NeedsNewer):
            areas.parse_heads(bytes(AREA), newer, head.header.vault_id)

    @pytest.mark.skipif(not hasattr(os, "fdatasync"), reason="this system has only fsync")
    def test_every_write_reaches_the_disk_before_it_returns(self, head: Head, monkeypatch: pytest.MonkeyPatch) -> None:
        order: list[str] = []
        for name in ("pwrite", "fdatasync", "fsync"):
            original = getattr(os, name)

            def spy(*args: object, name: str = name, original: Callable[..., object] = original) -> object:
                order.append(name)
                return original(*args)

            monkeypatch.setattr(os, name, spy)
        with HeadWriter(head.path, head.device) as writer:
            writer.write(head.signed(1))
        assert order == ["pwrite", "fdatasync"]
        order.clear()
        headfile.write_header(head.path, head.header.with_slots(()))
        assert order == ["pwrite", "fsync", "fsync"]

    def test_errors_of_the_medium_are_typed(self, head: Head, monkeypatch: pytest.MonkeyPatch) -> None:
        writer = HeadWriter(head.path, head.device)
        for number, kind in (
            (errno.ENOSPC, DiskFull), (errno.EROFS, ReadOnlyMedium), (errno.EIO, MediumUnusable),
        ):
            def fail(*_: object, number: int = number) -> int:
                raise OSError(number, "no")

            with monkeypatch.context() as patch:
                patch.setattr(os, "pwrite", fail)
                with pytest.raises(kind):
                    writer.write(head.signed(1))
        assert headfile.read(head.path).newest is None
        assert writer.write(head.signed(1)).count == 1
        writer.close()
        writer.close()

    def test_a_failing_replacement_leaves_the_old_file(self, head: Head, monkeypatch: pytest.MonkeyPatch) -> None:
        before = head.path.read_bytes()

        def fail(_: int) -> None:
            raise OSError(errno.EIO, "no")

        monkeypatch.setattr(os, "fsync", fail)
        with pytest.raises(MediumUnusable):
            headfile.write_header(head.path, head.header.with_slots(()))
        assert head.path.read_bytes() == before
        monkeypatch.undo()
        headfile.write_header(head.path, head.header.with_slots(()))
        assert [entry.name for entry in head.path.parent.iterdir()] == ["vault.head"]


class TestAttempts:
    def test_growing_delay_with_a_cap(self) -> None:
        assert [headfile.delay_ms(count) for count in (0, 1, 2, 3, 10)] == [0, 1000, 2000, 4000, 512_000]
        assert {headfile.delay_ms(count) for count in (11, 12, 64, 10_000)} == {900_000}

    def test_counted_across_restarts_and_cleared(self, head: Head) -> None:
        for number in range(1, 4):
            assert headfile.note_failure(head.path, TAG, 5000) == headfile.Failures(number, 5000)
        kept = headfile.failures(head.path, TAG)
        assert headfile.wait_ms(kept, 6500) == 2500
        assert headfile.wait_ms(kept, 60_000) == 0
        assert headfile.failures(head.path, b"\xff" * 16).count == 0
        headfile.clear_failures(head.path, TAG)
        assert headfile.failures(head.path, TAG).count == 0

    def test_a_clock_set_back_waits_once_more_and_no_longer(self) -> None:
        assert headfile.wait_ms(headfile.Failures(3, 10**15), 1000) == 4000

    def test_damage_means_the_longest_wait_from_the_last_change(self, head: Head) -> None:
        flip(head.path, 2 * AREA + 50)
        os.utime(head.path, (1000, 1000))
        found = headfile.failures(head.path, TAG)
        assert "failed unlocks" in headfile.read(head.path).problems[0]
        assert headfile.wait_ms(found, 1_000_000) == 900_000
        assert headfile.wait_ms(found, 1_900_000) == 0
        headfile.clear_failures(head.path, TAG)
        assert headfile.read(head.path).problems == ()
        assert headfile.failures(head.path, TAG).count == 0
        assert headfile.wait_ms(headfile.failures(head.path, b"\xff" * 16), 1_000_000) == 900_000

    def test_zeroed_is_damaged(self, head: Head) -> None:
        data = head.path.read_bytes()
        head.path.write_bytes(data[:2 * AREA] + bytes(AREA) + data[3 * AREA:])
        assert headfile.wait_ms(headfile.failures(head.path, TAG), 0) == 900_000

    def test_a_medium_that_cannot_be_written_still_counts_for_now(
        self, head: Head, monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        original = os.open

        def refuse(path: str, flags: int, mode: int = 0o777) -> int:
            if flags & os.O_RDWR:
                raise OSError(errno.EROFS, "read-only")
            return original(path, flags, mode)

        monkeypatch.setattr(os, "open", refuse)
        assert headfile.note_failure(head.path, TAG, 1000).count == 1
        monkeypatch.undo()
        assert headfile.failures(head.path, TAG).count == 0

    def test_the_count_stops_growing(self, head: Head) -> None:
        entries = (headfile.Failures(areas.FAILURE_CAP, 1),) * areas.BUCKETS
        data = head.path.read_bytes()
        head.path.write_bytes(data[:2 * AREA] + areas.pack_attempts(entries) + data[3 * AREA:])
        assert headfile.note_failure(head.path, TAG, 2).count == areas.FAILURE_CAP


def test_header_survives_the_canonical_form(head: Head) -> None:
    stored = canonical.encode(head.header)
    assert canonical.decode(stored, headfile.Header) == head.header
