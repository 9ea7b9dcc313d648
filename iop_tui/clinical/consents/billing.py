"""What the biller must know of the consent for treatment, payment and operations: fixed fields, no word of it.

42 CFR 2.31 and 2.33: without it no claim shows substance use treatment; after its end no further one does.
"""

from __future__ import annotations

from iop_tui.access import charts
from iop_tui.access.policy import Kind
from iop_tui.access.primitives import project
from iop_tui.clinical.consents.model import PAYER_CONSENT, TPO, PayerConsent
from iop_tui.clinical.consents.queries import ConsentLine
from iop_tui.kernel.clock import local_date
from iop_tui.kernel.errors import NoKey, NotFound
from iop_tui.store.work import Work
from iop_tui.workspace import Workspace


def tell(ws: Workspace, work: Work, line: ConsentLine, leaf: bytes, *, state: str) -> None:
    """Tell billing that the consent for payment is in force, or that it ended. Does nothing for any other form, and
    where nobody bills for this person yet.
    """
    if line.document.variant != TPO:
        return
    value = PayerConsent(state=state, on=local_date(work.at_ms), until=line.until)
    try:
        place = charts.compartment_for(ws.session, line.person, Kind.PAY)
        origin = (line.id, leaf, line.compartment_kind)
        project(ws.session, work, place, PAYER_CONSENT, value, person=line.person, origin=origin)
    except (NoKey, NotFound):
        return  # the biller's program opens the payment part first
