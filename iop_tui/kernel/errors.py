"""Every failure a person can meet: a stable code, a plain sentence, what to do next, an exit code.

An error carries identifiers at most, never a word of a record. Each class is named for the rule
that was broken; scripts rely on `code` and `exit_code`.
"""

from __future__ import annotations

from typing import ClassVar

EXIT_FAILURE = 1
EXIT_USAGE = 2
EXIT_REFUSED = 3
EXIT_SECRETS = 4
EXIT_DAMAGED = 5
EXIT_IN_USE = 6
EXIT_MEDIUM = 7
EXIT_REJECTED = 8
EXIT_NEWER = 9
EXIT_CANCELLED = 130


class IopError(Exception):
    """Base of all expected failures; never raised itself."""

    code: ClassVar[str] = "failure"
    exit_code: ClassVar[int] = EXIT_FAILURE
    default_hint: ClassVar[str] = ""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint or self.default_hint


class Unexpected(IopError):
    """Something failed that nobody foresaw; details stay out of sight, a reference is shown."""

    code = "unexpected"


class Usage(IopError):
    """The command line or the terminal does not fit."""

    code = "usage"
    exit_code = EXIT_USAGE


class Refused(IopError):
    """A rule of the program says no (consent, grant, signature, wall)."""

    code = "refused"
    exit_code = EXIT_REFUSED


class RuleRefused(Refused):
    """A named rule says no. Scripts see `rule` (for example `consent.expired`) as the code."""

    code = "rule"

    def __init__(self, rule: str, message: str, hint: str = "") -> None:
        super().__init__(message, hint)
        self.rule = rule


class NotFound(Refused):
    """No such id for this user. Unknown, malformed, foreign and unreadable look the same."""

    code = "not_found"
    default_hint = "Check the id, or ask the person's clinician whether you should have access."

    def __init__(self, hint: str = "") -> None:
        super().__init__("There is nothing with this id that you can open.", hint)


def rule_of(error: IopError) -> str:
    """The code of a failure: the rule's where a named rule refused."""
    return error.rule if isinstance(error, RuleRefused) else error.code


class WallRefused(Refused):
    """CR-1: one user would hold keys to both partners' protected compartments."""

    code = "wall"
    default_hint = "Choose a clinician who does not treat the other partner."


class RoleRefused(Refused):
    """The act needs a role this user does not hold, or roles that may not be held together."""

    code = "role"


class NoKey(Refused):
    """This user holds no key to the compartment the act needs."""

    code = "no_key"


class AlreadySigned(Refused):
    """A signed document takes addenda and amendments only."""

    code = "already_signed"
    default_hint = "Write an addendum instead; the signed text stays as it is."


class NotReady(Refused):
    """A document lacks what its rules require before it can be signed."""

    code = "not_ready"


class ConflictOpen(Refused):
    """The record has two versions that a person must resolve first."""

    code = "conflict"


class ReauthNeeded(Refused):
    """The act asks for the passphrase (or code) again."""

    code = "reauthentication"


class WrongSecrets(IopError):
    """Passphrase, code, kit or user name do not fit; which one is not said."""

    code = "wrong_secrets"
    exit_code = EXIT_SECRETS
    default_hint = "Check Caps Lock and the clock of your phone, then try again."

    def __init__(self, message: str = "User, passphrase or code is wrong.", hint: str = "") -> None:
        super().__init__(message, hint)


class CodeUsed(WrongSecrets):
    """A one-time code was used before, or is older than the last one used (RFC 6238, 5.2)."""

    code = "code_used"
    default_hint = "Wait for the next code on your phone (at most 30 seconds)."


class LockedOut(WrongSecrets):
    """Too many failures; the wait grows with each."""

    code = "locked_out"


class Suspended(WrongSecrets):
    """The account is suspended on this copy: its vault key was taken away."""

    code = "suspended"
    default_hint = "Ask the program's administrator."


class VaultDamaged(IopError):
    """The vault is damaged, rolled back or incomplete."""

    code = "vault_damaged"
    exit_code = EXIT_DAMAGED
    default_hint = "Do not write to this copy. Restore the newest verified backup, or ask your privacy officer."


class VaultMissing(VaultDamaged):
    """There is no vault here, or part of it is missing."""

    code = "vault_missing"


class VaultInUse(IopError):
    """Another process has the vault open."""

    code = "vault_in_use"
    exit_code = EXIT_IN_USE
    default_hint = "Close or lock the other session first."


class MediumUnusable(IopError):
    """A disk, file or remote cannot be used; nothing was lost."""

    code = "medium"
    exit_code = EXIT_MEDIUM


class DiskFull(MediumUnusable):
    """No space left on the device."""

    code = "disk_full"
    default_hint = "Free some space on this disk; your unsaved text is still here."


class ReadOnlyMedium(MediumUnusable):
    """The vault lies on a medium that cannot be written."""

    code = "read_only"


class InputRejected(IopError):
    """Input was not accepted: file, place and reason."""

    code = "input_rejected"
    exit_code = EXIT_REJECTED

    def __init__(self, message: str, hint: str = "", *, file: str = "", place: str = "") -> None:
        super().__init__(message, hint)
        self.file = file
        self.place = place


class DocumentInvalid(InputRejected):
    """A document does not fit its declaration; `place` is the path of the field."""

    code = "document_invalid"


class NeedsNewer(IopError):
    """Written by a newer program than this one; left untouched."""

    code = "needs_newer"
    exit_code = EXIT_NEWER
    default_hint = "Install the current version of iop-tui."


class Cancelled(IopError):
    """The person cancelled; nothing was changed beyond what was already reported."""

    code = "cancelled"
    exit_code = EXIT_CANCELLED
