"""What a server or the way to it can do wrong, as plain sentences with what to do next.

`CarrierGone` and what comes from it may pass by itself: it is worth another try. Everything else needs a person.
The text of the library is read here and nowhere else, and is never shown: it holds addresses and answers of servers.
"""

from __future__ import annotations

import re
from typing import ClassVar

from iop_tui.exchange.remotes.port import CarrierGone, Cut
from iop_tui.kernel.errors import DiskFull, IopError, MediumUnusable

_KEPT = "Nothing is lost and charting goes on."


class NoAnswer(CarrierGone):
    """The server cannot be reached, or says nothing."""

    code = "carrier_no_answer"
    default_hint = f"Check the network and exchange again. {_KEPT}"


class NameUnknown(NoAnswer):
    """The name of the server leads nowhere."""

    code = "carrier_name"
    default_hint = f"Check the network; if it works, check the name in `iop-tui remotes list`. {_KEPT}"


class ProxyRefused(MediumUnusable):
    """The proxy of a carrier does not open a way to its server."""

    code = "carrier_proxy"
    default_hint = (
        "Ask whoever runs the proxy to let it pass without a password, or forget the carrier and add it again with"
        f" another `--proxy`. {_KEPT}"
    )


class ServerFailed(CarrierGone):
    """The server answered that something in it failed."""

    code = "carrier_failed"
    default_hint = f"Exchange again later; if it stays so, tell whoever runs the server. {_KEPT}"


class CarrierBusy(CarrierGone):
    """The server asks to come more slowly."""

    code = "carrier_busy"
    default_hint = f"Exchange again in some minutes. {_KEPT}"


class CredentialsRefused(MediumUnusable):
    """The server does not accept the key or password, or it does not allow what was asked."""

    code = "carrier_credentials"
    default_hint = f"Enter them anew: `iop-tui remotes key NAME`. {_KEPT}"


class ClockRefused(MediumUnusable):
    """The server refuses because this computer's clock is wrong."""

    code = "carrier_clock"
    default_hint = f"Set the clock of this computer and exchange again. {_KEPT}"


class CertificateRefused(MediumUnusable):
    """The server did not prove who it is."""

    code = "carrier_certificate"
    default_hint = f"Do not go on: somebody may be in between. Tell whoever runs the server. {_KEPT}"


class Redirected(MediumUnusable):
    """The server sends to another one; that one is never asked."""

    code = "carrier_redirect"
    default_hint = (
        "If the carrier has moved, add it again at its new place. On a guest network, open its login page in a browser"
        f" first. {_KEPT}"
    )


class OtherRegion(Redirected):
    """The bucket is in another region than its place says."""

    code = "carrier_region"
    default_hint = f"Forget the carrier and add it with the right region: s3://bucket?region=name. {_KEPT}"


class BucketGone(MediumUnusable):
    """The bucket or folder on the server is not there."""

    code = "carrier_bucket"
    default_hint = f"Ask whoever runs it to make it again, and exchange: what is here is brought again. {_KEPT}"


class CarrierFull(DiskFull):
    """The server takes nothing more: its space, or what was paid for, is used up."""

    code = "carrier_full"
    default_hint = f"Have the space enlarged, or add another carrier; what was sent is kept. {_KEPT}"


class Rewritten(MediumUnusable):
    """Something else came back than what was put there, or than what such a server answers."""

    code = "carrier_rewritten"
    default_hint = f"Use another network or ask whether a proxy or filter changes what passes. {_KEPT}"


class Endless(MediumUnusable):
    """The server answers with more than anything in an exchange is, or never comes to an end."""

    code = "carrier_endless"
    default_hint = (
        "What came was thrown away. Exchange over another carrier, and ask whoever runs the server; if it stays so,"
        f" forget this one. {_KEPT}"
    )


class Unable(MediumUnusable):
    """The server does not do what a carrier must do."""

    code = "carrier_unable"
    default_hint = "Choose another server, or a folder or stick."


class NotHere(Exception):
    """Nothing is behind a name. Never leaves this package."""


class Unchanged(Exception):
    """The bytes are still those of the tag. Never leaves this package."""


class Taken(Exception):
    """Something is there already. Never leaves this package."""


class NoRange(Exception):
    """The server sent everything where a part was asked for. Never leaves this package."""


class BeyondEnd(Exception):
    """The part asked for begins behind the last byte. Never leaves this package."""


_STATUS = re.compile(r"status code: (\d{3})|status: (\d{3})")
_CODE = re.compile(r"<Code>([A-Za-z.]{1,64})</Code>")
_FOREIGN = ("header missing", "invalidpropfind", "invalidlistresponse", "missingsize", "propstatus", "invalidhref")
"""Words of an answer that no such server gives."""
NOWHERE = "127.0.0.1:1"
"""Where everything goes that is not for the carrier's own host (`clients.py`): nothing ever listens there."""


class Reader:
    """Failures of one server as sentences; `host` is its name."""

    by_status: ClassVar[dict[int, type[IopError]]] = {
        401: CredentialsRefused, 403: CredentialsRefused, 405: Unable, 408: NoAnswer, 409: BucketGone, 413: CarrierFull,
        425: CarrierBusy, 429: CarrierBusy, 501: Unable, 503: CarrierBusy, 507: CarrierFull, 509: CarrierFull,
    }  # fmt: skip
    by_code: ClassVar[dict[str, type[IopError]]] = {
        "NoSuchBucket": BucketGone, "AllAccessDisabled": BucketGone, "QuotaExceeded": CarrierFull,
        "XMinioStorageFull": CarrierFull, "XMinioAdminBucketQuotaExceeded": CarrierFull, "StorageFull": CarrierFull,
        "SlowDown": CarrierBusy, "ServiceUnavailable": CarrierBusy, "Throttling": CarrierBusy,
        "RequestTimeTooSkewed": ClockRefused, "PermanentRedirect": OtherRegion, "TemporaryRedirect": OtherRegion,
        "AuthorizationHeaderMalformed": OtherRegion, "InternalError": ServerFailed, "OperationAborted": ServerFailed,
    }  # fmt: skip

    def __init__(self, host: str) -> None:
        self._host = host

    def read(self, error: Exception) -> Exception:
        """What to raise instead of an error of the library."""
        text = str(error)
        found = _STATUS.search(text)
        status = int(found[1] or found[2]) if found else 0
        coded = _CODE.search(text)
        code = coded[1] if coded else ""
        return self._marker(error, text, status, code) or self._failure(text, status, code)

    def unexpected(self, marker: Exception) -> IopError:
        """What a marker means where nobody waits for it."""
        if isinstance(marker, NotHere):
            return BucketGone(self._sentence(BucketGone, "", 0))
        return Unable(f"{self._host} does not do what a carrier must do ({type(marker).__name__}).")

    def _marker(self, error: Exception, text: str, status: int, code: str) -> Exception | None:
        if code in self.by_code:
            return None
        if status == 404 or (isinstance(error, FileNotFoundError) and not status):
            return NotHere()
        if status == 416 or "StartTooLarge" in text:
            return BeyondEnd()
        if status == 304:
            return Unchanged()
        if status == 412 or code == "ConditionalRequestConflict":
            return Taken()
        return NoRange() if "non-partial response" in text else None

    def _failure(self, text: str, status: int, code: str) -> IopError:
        kind = self.by_code.get(code) or self.by_status.get(status)
        if status == 409 and code and code not in self.by_code:
            kind = ServerFailed  # a bucket is busy; a web folder without a code has no folder to put into
        if kind is None and 300 <= status < 400:
            kind = Redirected
        if kind is None and status >= 500:
            kind = ServerFailed
        if kind is not None:
            return kind(self._sentence(kind, code, status))
        if status:
            return Unable(f"{self._host} refused with answer {status}.")
        return self._way(text)

    def _sentence(self, kind: type[IopError], code: str, status: int) -> str:
        sentences: dict[type[IopError], str] = {
            BucketGone: f"The {'bucket' if code else 'folder'} is not there: {self._host} does not know it.",
            OtherRegion: f"The bucket is in another region than its place says ({self._host}).",
            NoAnswer: f"{self._host} does not answer.",
            CarrierFull: f"{self._host} takes nothing more: the space there is used up.",
            CarrierBusy: f"{self._host} asks to come more slowly.",
            ClockRefused: f"{self._host} refused: the clock of this computer is wrong.",
            Redirected: f"{self._host} sends to another place; nothing was sent there.",
            ServerFailed: f"{self._host} failed (answer {status or code}).",
            Unable: f"{self._host} does not do what a carrier must do (answer {status}).",
            CredentialsRefused: f"{self._host} does not accept the key or password, or does not allow this.",
        }
        return sentences[kind]

    def _way(self, text: str) -> IopError:
        """Failures before any answer: name, connection, certificate, silence."""
        low = text.lower()
        if "redirect without location" in low:  # a bucket elsewhere: S3 servers say no more than that
            return OtherRegion(self._sentence(OtherRegion, "", 0))
        if NOWHERE in text or "too many redirects" in low:
            return Redirected(f"{self._host} sends to another place; nothing was sent there.")
        if "certificate" in low or "unknownissuer" in low:
            return self._certificate(low)
        if "dns error" in low or "failed to lookup" in low:
            return NameUnknown(f"The name {self._host} leads nowhere.")
        if "timedout" in low or "timed out" in low or "timeout" in low.replace("retry_timeout", ""):
            return NoAnswer(f"{self._host} does not answer.")
        if "tls" in low or "handshake" in low or "corrupt message" in low or "invalidcontenttype" in low:
            return CertificateRefused(f"{self._host} does not speak TLS as it should.")
        if "connect" in low and "kind: connect" in low:
            return NoAnswer(f"{self._host} cannot be reached.")
        if any(word in low for word in _FOREIGN):
            return Rewritten(f"What answers under the name {self._host} is not this carrier's server.")
        return Cut(f"The connection to {self._host} broke off.")

    def _certificate(self, low: str) -> IopError:
        if "expired" in low:
            return CertificateRefused(
                f"The certificate of {self._host} has expired.",
                f"Check this computer's clock; if it is right, tell whoever runs the server. {_KEPT}",
            )
        if "notvalidyet" in low or "not valid yet" in low:
            return CertificateRefused(
                f"The certificate of {self._host} is not valid yet.", f"Check the clock of this computer. {_KEPT}"
            )
        if "notvalidforname" in low or "not valid for name" in low:
            return CertificateRefused(f"The certificate that answers for {self._host} is another server's.")
        return CertificateRefused(
            f"The certificate of {self._host} comes from nobody this computer trusts.",
            "If the server has an authority of its own, add the carrier with its certificate (`--ca FILE`); if not,"
            f" somebody may be in between. {_KEPT}",
        )
