"""What a program accepts when a key is offered: only what the policy lets this author give to this user."""

from __future__ import annotations

from iop_tui.access import policy, roles
from iop_tui.access.policy import Kind
from iop_tui.kernel.errors import Unexpected
from iop_tui.store.members.acts import SealedKey, UserCard

MEMBER, SHARE = "member", "share"
# Who ends other people's access without holding the key: by taking them off a care team, or off the program.
_ENDERS = frozenset(
    {roles.ADMINISTRATOR, roles.FRONT_DESK, roles.MEDICAL_DIRECTOR, roles.PRIVACY_OFFICER, roles.SUPERVISOR}
)


_CARE = frozenset({*policy.PERSON_KINDS, *policy.AUTHOR_KINDS, Kind.JNT, Kind.SHARE}) - {Kind.DIR}
_CHART = frozenset({*policy.PERSON_KINDS, *policy.AUTHOR_KINDS, Kind.JNT})
_OFFICES = frozenset(policy.PROGRAM_KINDS) - {Kind.INTAKE}
# Records that name people, care teams and keys are believed in their own place only.
_HOMES: dict[str, frozenset[str]] = {
    "person": frozenset({Kind.DIR}),
    "chart_map": frozenset({Kind.DIR}),
    "care_member": frozenset({Kind.DIR, Kind.REG}),
    "couple_link": frozenset({Kind.DIR, Kind.REG}),
    "couple_end": frozenset({Kind.DIR, Kind.REG}),
    "conflict_clearance": frozenset({Kind.DIR}),
    "registration": frozenset({Kind.REG}),
    "supervision_exception": frozenset({Kind.REG}),
    "private_receipt": frozenset({Kind.DIR}),
    "identity_decision": frozenset({Kind.DIR}),
    "appointment": frozenset({Kind.DIR}),
    "succession": frozenset({Kind.DIR}),
    "succession_approval": frozenset({Kind.DIR}),
    "caseload_transfer": frozenset({Kind.REG}),
    "leaver": frozenset({Kind.REG}),
    "restriction": frozenset({Kind.DIR}),
    "restriction_decision": frozenset({Kind.DIR}),
    "arrival": frozenset({Kind.DESK}),
    "root_key": frozenset({Kind.ORG}),
    "forwarded": frozenset({Kind.INTAKE}),
    "wizard_state": _CARE | {Kind.DESK, Kind.OPS},
    "consent": _CARE,
    "revocation": _CARE,
    "payer_consent": frozenset({Kind.PAY}),
    "staff_profile": frozenset({Kind.PROG}),
    "program_profile": frozenset({Kind.PROG}),
    "on_call_entry": frozenset({Kind.ONCALL}),
    "emergency_access": frozenset({Kind.CRISIS, Kind.AUD}),
    "emergency_review": frozenset({Kind.CRISIS, Kind.AUD}),
}
_NEVER_DEPOSITED = frozenset(
    {
        "person", "identity_decision", "chart_map", "couple_link", "couple_end", "conflict_clearance", "root_key",
        "forwarded", "supervision_exception", "succession", "succession_approval", "private_receipt",
        "staff_profile", "program_profile", "caseload_transfer", "leaver", "restriction", "restriction_decision",
        "on_call_entry", "appointment",
    }
)


class PolicyGate:
    """Refuses keys the matrix does not foresee, whoever sealed them."""

    def refuses(self, key: SealedKey, author: UserCard, recipient: UserCard, primitive: str) -> str | None:
        """None, or why the key is not accepted. A key made by somebody who may not read it is not accepted either."""
        if primitive == SHARE:
            return None if key.kind == Kind.SHARE else "a share was offered for a compartment that is not one"
        try:
            row = policy.rule(key.kind)
        except Unexpected:
            return "its kind is not known to the policy"
        if not any(cell in policy.MEMBER_CELLS for relation, cell in row.cells.items() if relation in recipient.roles):
            return "the recipient's roles do not allow it"
        if author.user != recipient.user and not any(
            cell in policy.MEMBER_CELLS for relation, cell in row.cells.items() if relation in author.roles
        ):
            return "its author's roles do not allow giving it"
        if key.kind in policy.AUTHOR_KINDS and author.user != recipient.user:
            return "what an author keeps alone is never given as a key"
        return None

    def misplaced(
        self, kind: str, compartment_kind: str, *, deposit: bool, home: str = "", about: bool = False,
        copied: bool = False,
    ) -> bool:  # fmt: skip
        """Whether a kind of record has no business in a kind of compartment, or may not come as a deposit there.

        `home` is the kind of compartment it is declared for, `about` whether it names a person, `copied` whether it
        says what it is a copy of. What belongs into a chart is believed there; a share holds copies of it, and what a
        whole office writes into holds nothing of it.
        """
        homes = _HOMES.get(kind)
        if homes is not None:
            stray = compartment_kind not in homes
        elif compartment_kind == Kind.SHARE:
            stray = home in _CHART and not copied
        else:
            stray = home in _CHART and about and compartment_kind in _OFFICES
        return stray or (deposit and kind in _NEVER_DEPOSITED)

    def may_found(self, kind: str, roles: tuple[str, ...]) -> bool:
        """Whether somebody of these roles may make the first key of a compartment: only who may hold it."""
        try:
            return kind == Kind.SHARE or policy.may_be_member(kind, roles)
        except Unexpected:
            return False

    def alone(self, kind: str) -> bool:
        """Whether every author keeps a key of their own in compartments of this kind."""
        return kind in policy.AUTHOR_KINDS

    def may_end(self, roles: tuple[str, ...]) -> bool:
        """Whether these roles end other people's access without holding the key."""
        return bool(_ENDERS & set(roles))
