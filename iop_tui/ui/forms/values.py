"""Between typed text and plain values: one reader and writer per field type, errors in words."""

from __future__ import annotations

import re
import types
import typing
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from textual.widget import Widget

from iop_tui.kernel.declare import Document, FieldInfo, show_value
from iop_tui.kernel.declare import Widget as Entry
from iop_tui.ui.forms.answers import AnswerField
from iop_tui.ui.forms.fields import ChoiceField, LineInput, SeveralField, YesNoField
from iop_tui.ui.frame.bars import Bar
from iop_tui.ui.text.editor import NoteText

_DATE = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})$")
_YES_NO = ("yes", "no")
_TIME = re.compile(r"(\d{1,2})[:.h]?(\d{2})?(?::\d{2})?\s*(am|pm)?$")


@dataclass(frozen=True, slots=True)
class Binding:
    """An input and how its value is read (`value`, raising `ValueError` in words) and shown (`load`)."""

    widget: Widget
    value: Callable[[], Any]
    load: Callable[[Any], None]
    hint: str = ""


def read_date(text: str, today: date) -> date:
    """A date from `2026-03-09`, `today`, `yesterday`, `tomorrow`, `+7` or `-1` (days)."""
    word = text.strip().lower()
    named = {"today": 0, "yesterday": -1, "tomorrow": 1}
    if word in named:
        return today + timedelta(days=named[word])
    if re.fullmatch(r"[+-]\d{1,4}", word):
        return today + timedelta(days=int(word))
    match = _DATE.match(word)
    if match is None:
        raise ValueError(f"Write the date as {today.isoformat()}, or today, or +7.")
    try:
        return date(int(match[1]), int(match[2]), int(match[3]))
    except ValueError:
        raise ValueError("There is no such day in the calendar.") from None


def read_time(text: str) -> time:
    """A time from `14:30`, `1430`, `2:30 pm` or `9am`."""
    match = _TIME.match(text.strip().lower())
    if match is None:
        raise ValueError("Write the time as 14:30 or 2:30 pm.")
    hour, minute, half = int(match[1]), int(match[2] or 0), match[3]
    if half:
        if not 1 <= hour <= 12:
            raise ValueError("With am or pm the hour is 1 to 12.")
        hour = hour % 12 + (12 if half == "pm" else 0)
    if hour > 23 or minute > 59:
        raise ValueError("A day has hours 0 to 23 and minutes 0 to 59.")
    return time(hour, minute)


def _read_moment(text: str, today: date) -> str:
    day, _, clock = text.strip().replace("T", " ").partition(" ")
    moment = datetime.combine(read_date(day, today), read_time(clock) if clock else time())
    return moment.isoformat()


def _read_int(text: str) -> int:
    try:
        return int(text.strip())
    except ValueError:
        raise ValueError("Write a whole number, for example 3.") from None


def _read_number(text: str) -> float:
    try:
        number = float(text.strip().replace(",", "."))
    except ValueError:
        raise ValueError("Write a number, for example 72.5.") from None
    if number != number or number in (float("inf"), float("-inf")):
        raise ValueError("Write a number, for example 72.5.")
    return number


def unwrapped(annotation: Any) -> tuple[Any, bool]:
    """(type without None, whether None is allowed)."""
    annotation = _bare(annotation)
    if typing.get_origin(annotation) in (typing.Union, types.UnionType):
        inner = [part for part in typing.get_args(annotation) if part is not type(None)]
        optional = len(inner) < len(typing.get_args(annotation))
        return (_bare(inner[0]) if len(inner) == 1 else annotation), optional
    return annotation, False


def _bare(annotation: Any) -> Any:
    """The type without its constraints: `Annotated[int, Meta(ge=1)]` is an `int`."""
    return typing.get_args(annotation)[0] if typing.get_origin(annotation) is typing.Annotated else annotation


def binding_for(info: FieldInfo, value: Any, today: date) -> Binding:
    """The input that fits a declared field, showing `value` (a typed value or its JSON form)."""
    kind, optional = unwrapped(info.type)
    if typing.get_origin(kind) is tuple:
        return _for_tuple(info, _bare(typing.get_args(kind)[0]), value, today)
    if info.widget is Entry.KEYS and (kind is bool or info.choices):
        return _for_keys(info, value, optional)
    if info.choices and kind is str:
        return _for_choice(info, value, optional)
    if kind is bool:
        return _for_bool(value, optional)
    if kind is str:
        return _for_text(info, value, optional)
    if isinstance(kind, type) and issubclass(kind, Document):
        return _for_record(info, kind, value, optional, today)
    readers: dict[Any, tuple[Callable[[str], Any], str]] = {
        int: (_read_int, "A whole number."),
        float: (_read_number, "A number."),
        date: (lambda text: read_date(text, today).isoformat(), "A date: 2026-03-09, today, +7."),
        time: (lambda text: read_time(text).isoformat(), "A time: 14:30 or 2:30 pm."),
        datetime: (lambda text: _read_moment(text, today), "Date and time: 2026-03-09 14:30."),
    }
    if kind in readers:
        return _for_line(value, *readers[kind])
    return _fixed(value)


def _as_text(value: Any) -> str:
    return value if isinstance(value, str) else show_value(value)


def _short_time(value: Any) -> str:
    """`18:10` of a time or of its JSON form `18:10:00`."""
    text = _as_text(value)
    return text[:5] if re.fullmatch(r"\d\d:\d\d:\d\d(\.\d+)?", text) else text


def _for_line(value: Any, read: Callable[[str], Any], hint: str) -> Binding:
    line = LineInput(_short_time(value))

    def current() -> Any:
        return read(line.value) if line.value.strip() else None

    def load(new: Any) -> None:
        line.value = _short_time(new)

    return Binding(line, current, load, hint)


def _for_text(info: FieldInfo, value: Any, optional: bool) -> Binding:
    if info.widget is Entry.LINE:
        line = LineInput(_as_text(value))

        def load_line(new: Any) -> None:
            line.value = _as_text(new)

        return Binding(line, lambda: line.value.strip() or (None if optional else ""), load_line)
    text = NoteText(_as_text(value))
    return Binding(text, lambda: text.text.rstrip() or (None if optional else ""), lambda new: text.load(_as_text(new)))


def _for_choice(info: FieldInfo, value: Any, optional: bool) -> Binding:
    field = ChoiceField(info.choices, _as_text(value), title=info.label)
    return Binding(field, lambda: field.value or (None if optional else ""), lambda new: field.set_value(_as_text(new)),
                   "Left and Right step, a letter jumps, Enter opens the list.")


def _for_keys(info: FieldInfo, value: Any, optional: bool) -> Binding:
    """One key per answer: of the choices, or of yes and no."""
    words = info.choices or _YES_NO
    spoken = {True: "yes", False: "no", None: ""}

    def said(new: Any) -> str:
        return spoken.get(new, "") if not info.choices else _as_text(new)

    def current() -> Any:
        if info.choices:
            return field.value or (None if optional else "")
        return {"yes": True, "no": False}.get(field.value)

    field = AnswerField(words, said(value))
    return Binding(field, current, lambda new: field.set_value(said(new)), "A digit answers and goes on.")


def _for_bool(value: Any, optional: bool) -> Binding:
    field = YesNoField(value if isinstance(value, bool) else None, optional=optional)
    return Binding(field, lambda: field.value, field.set_value, "Space switches; y and n say it.")


def _for_tuple(info: FieldInfo, item: Any, value: Any, today: date) -> Binding:
    given = tuple(value or ())
    if isinstance(item, type) and issubclass(item, Document):
        return _for_rows(info, item, given, today)
    if item is not str:
        return _fixed(value)
    if info.choices:
        several = SeveralField(info.choices, given, title=info.label)
        return Binding(several, lambda: list(several.value), lambda new: several.set_value(tuple(new or ())),
                       "Enter opens the list; Space marks.")
    text = NoteText("\n".join(given))

    def lines() -> list[str]:
        return [line.strip() for line in text.text.split("\n") if line.strip()]

    return Binding(text, lines, lambda new: text.load("\n".join(new or ())), "One per line.")


def _for_rows(info: FieldInfo, item: type[Document], given: tuple[Any, ...], today: date) -> Binding:
    """A list of records, edited in a list of its own. Its widgets need the form, which needs this module."""
    from iop_tui.ui.lists.rows import RowsField

    field = RowsField(item, given, title=info.label, today=today)
    return Binding(field, lambda: [dict(row) for row in field.value], lambda new: field.set_value(tuple(new or ())),
                   "Enter opens the list: + adds, Enter changes, d removes.")  # fmt: skip


def _for_record(info: FieldInfo, kind: type[Document], value: Any, optional: bool, today: date) -> Binding:
    """A single record with a form of its own."""
    from iop_tui.ui.lists.rows import RecordField

    field = RecordField(kind, value, title=info.label, optional=optional, today=today)
    return Binding(field, lambda: None if field.value is None else dict(field.value), field.set_value,
                   "Enter opens its form.")  # fmt: skip


def _fixed(value: Any) -> Binding:
    """A value this form shows but does not change: it is edited on a screen of its own."""
    bar = Bar([(show_value(value).replace("\n", "; ") or "none", "text")])
    bar.ground = "text"
    kept = [value]

    def load(new: Any) -> None:
        kept[0] = new
        bar.show([(show_value(new).replace("\n", "; ") or "none", "text")])

    return Binding(bar, lambda: kept[0], load, "Edited on a screen of its own.")
