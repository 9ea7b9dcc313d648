"""The mental status of a session: all normal, said as such, or what was seen. Pure."""

from __future__ import annotations

from typing import Annotated, Any

from iop_tui.kernel.declare import Document, F, Finding, Severity, Widget, fields_of

NORMAL, DESCRIBED = "all normal", "described"
SOURCE = "42 CFR 410.44"


class MentalStatus(Document, frozen=True, kw_only=True):
    """What was seen in each domain of the examination; an empty domain was not remarkable."""

    summary: Annotated[
        str, F("Mental status", choices=(NORMAL, DESCRIBED), required=True, widget=Widget.KEYS, source=SOURCE,
               help="All normal stands in the note as such; otherwise describe what is not.")
    ] = ""  # fmt: skip
    appearance: Annotated[str, F("Appearance", max_length=200, widget=Widget.LINE)] = ""
    behavior: Annotated[str, F("Behavior", max_length=200, widget=Widget.LINE)] = ""
    speech: Annotated[str, F("Speech", max_length=200, widget=Widget.LINE)] = ""
    mood: Annotated[str, F("Mood", help="In the client's words.", max_length=200, widget=Widget.LINE)] = ""
    affect: Annotated[str, F("Affect", max_length=200, widget=Widget.LINE)] = ""
    thought_process: Annotated[str, F("Thought process", max_length=200, widget=Widget.LINE)] = ""
    thought_content: Annotated[str, F("Thought content", max_length=200, widget=Widget.LINE)] = ""
    perception: Annotated[str, F("Perception", max_length=200, widget=Widget.LINE)] = ""
    cognition: Annotated[
        str, F("Orientation, cognition", help="Oriented, attention, memory.", max_length=200, widget=Widget.LINE)
    ] = ""
    insight: Annotated[str, F("Insight, judgment", max_length=200, widget=Widget.LINE)] = ""

    def shown(self) -> str:
        """One line for read views: the summary, then each domain that says something."""
        said = [f"{info.label.lower()}: {text}" for info, text in self._domains() if text]
        return "; ".join(part for part in (self.summary if self.summary == NORMAL else "", *said) if part)

    def described(self) -> bool:
        """Whether any domain says something."""
        return any(text for _, text in self._domains())

    def _domains(self) -> list[tuple[Any, str]]:
        return [(info, str(getattr(self, info.name))) for info in fields_of(MentalStatus) if info.name != "summary"]


def findings(status: MentalStatus | None) -> tuple[Finding, ...]:
    """What is missing in a mental status, or contradicts itself. One that is absent altogether is `required`'s."""
    if status is None:
        return ()
    if not status.summary:
        return (_refuse("mental_status", "Mental status: say all normal, or describe what was not."),)
    if status.summary == DESCRIBED and not status.described():
        return (_refuse("mental_status_empty", "Mental status: describe what was not normal."),)
    if status.summary == NORMAL and status.described():
        message = "Mental status says all normal and describes something, too."
        return (Finding(Severity.WARN, "mental_status_both", message, "mental_status", SOURCE),)
    return ()


def _refuse(code: str, message: str) -> Finding:
    return Finding(Severity.REFUSE, code, message, "mental_status", SOURCE)
