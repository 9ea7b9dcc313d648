"""Secrets of a command: from the terminal, or JSON lines of a descriptor. Never from arguments or the environment."""

from __future__ import annotations

from collections.abc import Callable

from iop_tui.kernel.errors import Usage
from iop_tui.shell.process.card import Card
from iop_tui.shell.process.prompt import Answers
from iop_tui.shell.process.secrets_fd import SecretsChannel
from iop_tui.shell.process.terminal import open_line
from iop_tui.shell.questions import Questions
from iop_tui.vault import recovery


class Secrets:
    """Asks a person, or reads the descriptor."""

    def __init__(self, descriptor: int | None) -> None:
        self._channel = None if descriptor is None else SecretsChannel(descriptor)

    @property
    def at_terminal(self) -> bool:
        """Whether a person is asked."""
        return self._channel is None

    def unlock(self, card: Callable[[], Card]) -> Answers:
        """User, passphrase and code for an unlock. The user comes from the card where nobody is asked."""
        known = card()
        if self._channel is None:
            with Questions(open_line()) as ask:
                return ask.card(known)
        if known.ask_user:
            raise Usage("This vault has several users.", "Say who you are with --user NAME.")
        phrase = self._channel.take("passphrase")
        return Answers(known.default_user, phrase, "".join(self._channel.take_text("totp").split()))

    def passphrase(self) -> bytearray:
        """The passphrase again, for acts that ask for it."""
        return self._one("passphrase", "Passphrase")

    def new_passphrase(self, label: str = "New passphrase") -> bytearray:
        """A new passphrase; a person types it twice."""
        if self._channel is not None:
            return self._channel.take("new_passphrase")
        with Questions(open_line()) as ask:
            while True:
                first, second = ask.secret(label), ask.secret("The same again")
                if first == second:
                    second[:] = bytes(len(second))
                    return first
                ask.say("They differ. Once more.")

    def kit(self) -> str:
        """A recovery kit as it was printed."""
        return self._one("kit", "Recovery kit").decode(errors="replace")

    def shares(self) -> list[str]:
        """As many recovery shares as the first one says are needed."""
        if self._channel is not None:
            return [part.decode(errors="replace") for part in self._channel.take_all("shares")]
        found: list[str] = []
        with Questions(open_line()) as ask:
            while not found or len(found) < recovery.needed(found[0]):
                found.append(ask.secret(f"Recovery share {len(found) + 1}").decode(errors="replace"))
                try:
                    recovery.needed(found[-1])
                except recovery.SharesWrong as error:
                    ask.say(error.message)
                    found.pop()
        return found

    def first(self, *keys: str) -> str:
        """Which of these the descriptor gives first; the first one where a person is asked."""
        return keys[0] if self._channel is None else self._channel.first(*keys)

    def code(self) -> str:
        """A one-time code."""
        return "".join(self._one("totp", "Code").decode(errors="replace").split())

    def recipient_passphrase(self) -> str:
        """The passphrase of a packet's receiver."""
        return self._one("recipient_passphrase", "Passphrase of the receiver").decode(errors="replace")

    def access(self, key_label: str, secret_label: str) -> tuple[bytearray, bytearray]:
        """What a carrier's server asks for; a person may leave the first one empty where it asks for nothing."""
        if self._channel is not None:
            return self._channel.take("carrier_key"), self._channel.take("carrier_secret")
        with Questions(open_line()) as ask:
            key = bytearray(ask.line(key_label).encode())
            return key, ask.secret(secret_label) if key.strip() else bytearray()

    def words(self) -> str:
        """The six words another screen shows."""
        if self._channel is not None:
            return self._channel.take_text("words")
        with Questions(open_line()) as ask:
            return ask.line("The six words the other device shows")

    def has(self, key: str) -> bool:
        """Whether the descriptor has a value for `key`; a person is always asked."""
        return self._channel is None or self._channel.has(key)

    def _one(self, key: str, label: str) -> bytearray:
        if self._channel is not None:
            return self._channel.take(key)
        with Questions(open_line()) as ask:
            return ask.secret(label)
