"""The signed head and the key slots of `vault.head`, held against the database."""

from __future__ import annotations

from pathlib import Path

from iop_tui.kernel.canonical import decode, encode
from iop_tui.kernel.clock import Clock
from iop_tui.kernel.errors import VaultDamaged
from iop_tui.store.check import CheckFinding, HeadState
from iop_tui.store.vaultdb import Position, VaultDb
from iop_tui.vault import headfile, keystore, signing
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


def header_findings(path: Path, db: VaultDb, header: headfile.Header) -> list[CheckFinding]:
    """The key slots against the vault's own copy; an interrupted change is finished here."""
    raw = db.state.get("header")
    if raw is None or raw == encode(header):
        return []
    if db.state.get("header_before") == headfile.header_digest(header):
        headfile.write_header(path / headfile.NAME, decode(raw, headfile.Header))
        return [
            CheckFinding(
                "A change of key slots was interrupted, or older key slots were put back; it is finished now",
                "vault.head",
                alarm=False,
            )
        ]
    return [CheckFinding("The key slots are not those this vault last wrote", "vault.head")]


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
    return HeadState(position, signed.at_ms, problems)


def head_sink(
    path: Path, db: VaultDb, header: headfile.Header, device: bytes, signer: signing.SigningKey, clock: Clock
) -> HeadWriter:
    writer = HeadWriter(path / headfile.NAME, signer)
    digest = headfile.header_digest(header)

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
                header_digest=digest,
                at_ms=clock.now_ms(),
            )
        )

    db.set_head_sink(sink)
    return writer
