"""Fictional clients: invented family names, telephone numbers kept for fiction, addresses that do not exist."""

from __future__ import annotations

from datetime import date, timedelta

from iop_tui.clinical.people.model import Person
from iop_tui.shell.demo.dice import Dice

_GIVEN = (
    ("Ana", "she/her"), ("Borja", "he/him"), ("Célia", "she/her"), ("Dmitri", "he/him"), ("Eun-ji", "she/her"),
    ("Faisal", "he/him"), ("Greta", "she/her"), ("Hugo", "he/him"), ("Imani", "she/her"), ("Jonas", "he/him"),
    ("Keiko", "she/her"), ("Lamar", "he/him"), ("Minh", "they/them"), ("Nadège", "she/her"), ("Oskar", "he/him"),
    ("Paloma", "she/her"), ("Quinn", "they/them"), ("Rasmus", "he/him"), ("Sunniva", "she/her"), ("Thiago", "he/him"),
    ("Ulrike", "she/her"), ("Vikram", "he/him"), ("Wanjiru", "she/her"), ("Xavier", "he/him"), ("Yara", "she/her"),
    ("Zdeněk", "he/him"), ("Aoife", "she/her"), ("Bastian", "he/him"), ("Chloe", "she/her"), ("Dário", "he/him"),
    ("Elif", "she/her"), ("Finn", "he/him"), ("Gwen", "she/her"), ("Håkon", "he/him"), ("Ida", "she/her"),
    ("Jamal", "he/him"), ("Kasia", "she/her"), ("Luca", "he/him"), ("Marisol", "she/her"), ("Noa", "they/them"),
)  # fmt: skip
_FIRST = (
    "Quo", "Vam", "Tess", "Bri", "Lor", "Mar", "Ols", "Zan", "Fen", "Kal", "Dro", "Hib", "Jun", "Pel", "Ruv", "Sil",
    "Wex", "Yar", "Ond", "Ebb", "Thra", "Gla", "Nim", "Ost", "Cam",
)  # fmt: skip
_LAST = (
    "bryn", "delle", "imond", "kovar", "lund", "mera", "nard", "osk", "pling", "quist", "rado", "stell", "tamo",
    "velle", "wick", "zano", "harth", "fern", "goss", "dane",
)  # fmt: skip
_STREETS = ("Nowhere Lane", "Example Street", "Paper Road", "Invention Way", "Placeholder Avenue")
_SAFE = (
    "Text first; no voicemail", "Calls after 5 pm only", "E-mail is fine", "Do not call the house; mobile only",
    "Video link by text message", "Ask for the person by first name only",
)  # fmt: skip
_LANGUAGES = ("English", "English", "English", "Spanish", "Korean", "Arabic")


class Crowd:
    """Makes people, no two of the same name."""

    def __init__(self, dice: Dice, today: date) -> None:
        self._dice = dice
        self._today = today
        self._taken: set[tuple[str, str]] = set()

    def person(self) -> Person:
        """Another client, adult."""
        dice = self._dice
        given, pronouns = dice.pick(_GIVEN)
        family = dice.pick(_FIRST) + dice.pick(_LAST)
        if (given, family) in self._taken:
            return self.person()
        self._taken.add((given, family))
        number = dice.between(100, 199)
        return Person(
            given=given,
            family=family,
            preferred_name=given[:2] if dice.chance(8) else "",
            birth_date=self._today - timedelta(days=dice.between(19 * 366, 67 * 365)),
            sex_at_birth={"she/her": "female", "he/him": "male"}.get(pronouns, "unknown"),
            pronouns=pronouns,
            phone=f"(555) 555-0{number}",
            email=f"{_ascii(given)}.{family.lower()}@example.org",
            address=f"{dice.between(1, 200)} {dice.pick(_STREETS)}\nFictionville 00000",
            safe_contact=dice.pick(_SAFE) if dice.chance(85) else "",
            language=dice.pick(_LANGUAGES),
        )


def _ascii(name: str) -> str:
    return "".join(char for char in name.lower() if char.isascii() and char.isalpha())
