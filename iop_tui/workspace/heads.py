"""The signed head and the key slots of `vault.head`, held against the database."""

from __future__ import annotations

from pathlib import Path

from iop_tui.kernel.canonical import decode, encode
from iop_tui.kernel.clock import Clock
from iop_tui.kernel.errors import VaultDamaged
from iop_tui.store.check import CheckFinding, HeadState
from iop_tui.store.vaultdb import Position, VaultDb
from iop_tui.vault import headfile, keystore, signing, slots
from iop_tui.vault.digest import sha256
from iop_tui.vault.headfile import HeadWriter, SignedHead
from iop_tui.workspace.environment import Environment


def anchor_findings(env: Environment, db: VaultDb, realm: bytes, device: bytes) -> list[CheckFinding]:
    """A head kept outside the folder shows when the whole folder was put back."""
    if not env.use_keyring or not keystore.available():
        return []
    try:
        raw = keystore.load_anchor(realm, device)
    except keystore.KeyringUnusable as error:
        return [CheckFinding(f"The head kept in the keyring was not compared: {error.message}", "keyring", alarm=False)]
    if raw is None:
        return []
    seq, chain = decode(raw, tuple[int, bytes])
    rows = db.read("SELECT hash FROM audit WHERE seq = ?", (seq,))
    if not rows or bytes(rows[0][0]) != chain:
        return [CheckFinding("The whole vault was put back to an older state", "vault folder")]
    return []


def header_findings(
    path: Path, db: VaultDb, header: headfile.Header, head: HeadState, *, by_kit: bool
) -> list[CheckFinding]:
    """The key slots against the vault's own copy and the signed head; an interrupted change is finished here.

    Slots from before the last change are never gone on with: whoever holds an older copy of `vault.head` could
    use a slot that was taken away. Raises `VaultDamaged` after putting the right ones in their place.
    """
    own = own_header(db)
    if header == own:
        return _signed_slots(db, head, headfile.header_digest(header))
    if db.state.get("header_before") != headfile.header_digest(header):
        return [CheckFinding("The key slots are not those this vault last wrote", "vault.head")]
    headfile.write_header(path / headfile.NAME, own)
    if by_kit and db.state.get("header_at") == encode(db.position.audit_seq):
        # A lost phone: the new passphrase, code and kit were shown to nobody when the program stopped, so the
        # kit counts once more. Nothing was written since, or it would not.
        what = "A change of key slots was interrupted; it is finished now"
        return [CheckFinding(what, "vault.head", alarm=False)]
    raise VaultDamaged(
        "Key slots were older than the vault; this was repaired. Unlock again.",
        "A change of key slots was interrupted, or an older vault.head was put back. If it comes again, ask your"
        " privacy officer.",
    )


def own_header(db: VaultDb) -> headfile.Header:
    """The key slots as the vault itself keeps them. Raises `VaultDamaged`."""
    raw = db.state.get("header")
    try:
        return decode(raw or b"", headfile.Header)
    except VaultDamaged:
        raise VaultDamaged("The vault's own copy of the key slots cannot be read (vault.db state header).") from None


def refuse_old_slot(db: VaultDb, header: headfile.Header, slot: slots.Slot, head: HeadState) -> None:
    """For looking at a damaged vault: the slot used is one the vault knows, or a newer one that a head vouches for.

    Raises `VaultDamaged`.
    """
    own = own_header(db)
    newer = header.generation > own.generation and head.header == headfile.header_digest(header)
    if slot not in own.slots and not newer:
        raise VaultDamaged("The key slots are not those this vault last wrote (vault.head).")


def _signed_slots(db: VaultDb, head: HeadState, digest: bytes) -> list[CheckFinding]:
    if head.position is None or head.header == digest:
        return []
    # The power may fail between a change of slots and its head; then the head is behind the log.
    behind = head.position.audit_seq < db.position.audit_seq
    if behind and head.header == db.state.get("header_before"):
        return []
    return [CheckFinding("The signed head names other key slots", "vault.head")]


def head_state_of(path: Path, db: VaultDb) -> HeadState:
    head = headfile.read(path / headfile.NAME)
    public = db.meta("device_public")
    signed = []
    for stored in head.heads:
        try:
            signed.append(headfile.verify_head(stored, public))
        except VaultDamaged:
            problem = "A signed head was forged or damaged"
            if not signed:
                return HeadState(None, 0, (problem, *head.problems))
            return _state(signed[0], (problem, *head.problems))
    return _state(signed[0], head.problems) if signed else HeadState(None, 0, head.problems)


def _state(signed: SignedHead, problems: tuple[str, ...]) -> HeadState:
    position = Position(signed.audit_seq, signed.audit_hash, signed.revisions, signed.acts, signed.journal_digest)
    return HeadState(position, signed.at_ms, problems, signed.header_digest)


def head_sink(
    path: Path, db: VaultDb, header: headfile.Header, device: bytes, signer: signing.SigningKey, clock: Clock
) -> HeadWriter:
    writer = HeadWriter(path / headfile.NAME, signer)
    first = encode(header)

    def sink(position: Position) -> None:
        writer.write(
            SignedHead(
                vault_id=header.vault_id,
                device_id=device,
                seq=position.audit_seq,
                audit_seq=position.audit_seq,
                audit_hash=position.audit_hash,
                revisions=position.revisions,
                acts=position.acts,
                journal_digest=position.journal,
                header_digest=sha256(db.state.get("header", first)),
                at_ms=clock.now_ms(),
            )
        )

    db.set_head_sink(sink)
    return writer
