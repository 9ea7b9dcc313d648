"""Correcting a signed document: the form with what it says now, the reason, and a correction that stands beside it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any

import msgspec

from iop_tui.clinical.notes.starting import called
from iop_tui.clinical.people import api as people
from iop_tui.clinical.records import api as records
from iop_tui.clinical.signing import service as signing
from iop_tui.clinical.signing.model import AMEND_REASONS, AMENDMENT, Amendment
from iop_tui.kernel.declare import Document, DocumentType, F, Widget, fields_of
from iop_tui.kernel.errors import AlreadySigned, NotFound, Refused
from iop_tui.shell.charting.documents import DocumentEditor, Sheet, declared_only
from iop_tui.workspace import Workspace, unsaved

REASON, EXPLANATION = "amend_reason", "amend_explanation"
_KIND: DocumentType[Any] = AMENDMENT


class _Why(Document, frozen=True, kw_only=True):
    """What a correction says besides the corrected text."""

    amend_reason: Annotated[str, F("Why it is corrected", choices=AMEND_REASONS, required=True)] = ""
    amend_explanation: Annotated[
        str, F("Explanation", required=True, widget=Widget.LINE, max_length=2000, source="45 CFR 164.526")
    ] = ""


@dataclass(frozen=True, slots=True)
class Correction:
    """A correction to write on: `sheet` has the form's values, `target` is the signed document of kind `of`."""

    sheet: Sheet
    target: bytes
    of: DocumentType[Any]


def correction(ws: Workspace, record: bytes) -> Correction:
    """A correction of an own signed document, or the unsigned one to go on with. Raises `Refused`, `NotFound`."""
    view = records.read(ws, record)
    line = view.line
    if line.kind == _KIND.kind and isinstance(view.document, Amendment):
        return _resumed(ws, record, view)
    if line.status != "signed" or view.type is None:
        raise Refused("Only a signed document is corrected.", "Edit it until it is signed.")
    if line.author != ws.user.user:
        raise Refused("Only its author corrects a document.", "Write an addendum instead.")
    for draft in signing.amendments(ws, record, signed=False):
        if draft.status == "draft" and draft.author == ws.user.user:
            return _resumed(ws, draft.id, records.read(ws, draft.id))
    values = {**msgspec.to_builtins(signing.current(ws, record)), **msgspec.to_builtins(_Why())}
    sheet = Sheet(line.person, called(people.header(ws, line.person)), _KIND, b"", ws.rng.token(16), values)
    return Correction(sheet, record, view.type)


def _resumed(ws: Workspace, record: bytes, view: records.RecordView) -> Correction:
    if view.line.status == "signed":
        raise AlreadySigned("This correction is signed.", "Correct the document again.")
    if not isinstance(view.document, Amendment):
        raise NotFound
    of, target = ws.registry.need(view.document.kind), bytes.fromhex(view.document.record)
    text = of.decode(view.document.document.encode(), view.document.version)
    slot, kept = next(((s, item) for s, item in unsaved.kept(ws).items() if item.record == target), (record, None))
    values = {**msgspec.to_builtins(text), REASON: view.document.reason, EXPLANATION: view.document.explanation}
    if kept is not None:
        values |= {name: value for name, value in kept.fields.items() if not name.startswith("$")}
    name = called(people.header(ws, view.line.person))
    sheet = Sheet(view.line.person, name, _KIND, record, slot, values, kept.at_ms if kept else 0)
    return Correction(sheet, target, of)


def restored(ws: Workspace, slot: bytes) -> Correction:
    """An unsaved correction. Raises `NotFound` where it was saved or given up."""
    kept = unsaved.kept(ws).get(slot)
    if kept is None:
        raise NotFound
    found = correction(ws, kept.record)
    fields = {name: value for name, value in kept.fields.items() if not name.startswith("$")}
    sheet = replace(found.sheet, slot=slot, values={**found.sheet.values, **fields}, restored_at_ms=kept.at_ms)
    return replace(found, sheet=sheet)


class CorrectionEditor(DocumentEditor):
    """The corrected text, its reason, and the signature under it."""

    def __init__(self, ws: Workspace, given: Correction) -> None:
        self.given = given
        super().__init__(ws, given.sheet)
        self._first = REASON

    def fields_shown(self) -> Sequence[Any]:
        """The reason, then the document's own fields."""
        return (*fields_of(_Why), *self.given.of.fields())

    def named(self) -> str:
        """What is corrected."""
        return f"Correction of the {self.given.of.label.lower()}: {self.sheet.name}"

    def held(self, values: dict[str, Any], at_ms: int) -> unsaved.Unsaved:
        """The journal remembers which document it belongs to."""
        fields = {**values, unsaved.KIND: _KIND.kind}
        return unsaved.Unsaved(self.sheet.person, self.given.target, fields, at_ms)

    def parsed(self) -> Document | None:
        """Nothing is judged while it is typed: what counts is what the correction adds, at the signature."""
        return None

    async def save(self, values: dict[str, Any]) -> bool:
        """A version of the correction."""
        of = self.given.of
        document = of.parse(declared_only(of, values))
        saved = await self.desk.write(
            signing.amend, self.given.target, document, reason=str(values.get(REASON) or ""),
            explanation=str(values.get(EXPLANATION) or ""), amendment=self.sheet.record or None, slot=self.sheet.slot,
        )  # fmt: skip
        self.sheet = replace(self.sheet, record=saved.record)
        self.saved_now()
        return False
