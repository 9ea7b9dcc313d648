"""What this copy of the vault knows of its exchange: packs, devices, its own lane, its transport keys."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from iop_tui.exchange import cards, deciding, keys, packs
from iop_tui.exchange.cards import DeviceCard, Devices
from iop_tui.exchange.deciding import Decision
from iop_tui.exchange.keys import DeviceKeys, TransportKeys
from iop_tui.kernel.errors import Refused
from iop_tui.store import exchangelog
from iop_tui.store.exchangelog import DEVICE, LATE, Sealed
from iop_tui.store.order import PackEntry, forks, missing
from iop_tui.store.session import Session

LANE = "exchange:lane"


@dataclass
class Ledger:
    """Read once per exchange and kept up while it runs."""

    session: Session
    device: DeviceKeys
    entries: dict[bytes, PackEntry]
    sealed: list[Sealed]
    devices: Devices
    transport: TransportKeys
    lane: bytes
    cards: list[bytes]
    decisions: dict[bytes, Decision] = field(default_factory=dict)
    target: int = field(default_factory=lambda: packs.TARGET)
    """About how many bytes a pack may have that is sealed now: what the links of this copy's carriers need."""

    @classmethod
    def read(cls, session: Session, device: DeviceKeys) -> Ledger:
        """From the vault. Raises `Refused` where the program has not begun to exchange."""
        found = exchangelog.entries(session.db)
        state = session.db.state
        ledger = cls(
            session,
            device,
            {entry.hash: entry for entry, _ in found},
            [sealed for _, sealed in found if sealed is not None],
            cards.directory(stored(session, DEVICE), session.root_public),
            keys.load(state.get(keys.STATE, b"")),
            state.get(LANE, b""),
            stored(session, DEVICE),
        )
        ledger.learn_decisions(stored(session, LATE))
        ledger.own_card()
        return ledger

    def own_card(self) -> DeviceCard:
        """This device's card. Raises `Refused`."""
        card = self.devices.cards.get(self.device.device)
        if card is None or not self.transport.by_number:
            raise Refused(
                "This program does not exchange yet.", "An administrator sets it up once: `iop-tui remotes add FOLDER`."
            )
        return card

    def learn(self, stored_cards: Iterable[bytes]) -> None:
        """Take certified cards into account that a pack brings."""
        fresh = [data for data in stored_cards if data not in self.cards]
        if fresh:
            self.cards += fresh
            self.devices = cards.directory(self.cards, self.session.root_public)

    def learn_decisions(self, stored_decisions: Iterable[bytes]) -> None:
        """Take into account what people decided of late work, as far as it is certified."""
        self.decisions = deciding.decided(
            self.decisions, stored_decisions, self.session.realm, self.session.root_public
        )

    def accepted(self) -> list[bytes]:
        """The late packs that a person accepted."""
        return [pack for pack, decision in self.decisions.items() if decision.accepted]

    def own_lane(self) -> list[Sealed]:
        """The packs of the present lane of this device, in order."""
        return [item for item in self.sealed if item.entry.lane == self.lane]

    def missing(self) -> set[bytes]:
        """Packs that others took in and nobody brought here."""
        return missing(self.entries.values())

    def forks(self) -> dict[tuple[bytes, int], list[PackEntry]]:
        """Lanes with two packs of one number."""
        return forks(self.entries.values())


def stored(session: Session, kind: str) -> list[bytes]:
    """The data of all exchange rows of a kind, in order."""
    return [bytes(row[0]) for row in session.db.read("SELECT data FROM exchange WHERE kind = ? ORDER BY seq", (kind,))]
