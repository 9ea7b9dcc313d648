"""Buckets and web folders as carriers, in words: what is asked, what they can do, what they see."""

from __future__ import annotations

from collections.abc import Sequence

from iop_tui.exchange.remotes import places

SEES = "Its provider sees names, sizes and times of packs, never a word in them."


def access_labels(kind: str) -> tuple[str, str]:
    """What a server's key and secret are called."""
    if kind == places.S3:
        return "Access key id", "Secret access key"
    return "User name", "Password"


def abilities(able: Sequence[str]) -> list[str]:
    """What a server was seen to do, as far as it makes a difference."""
    proven, ranges, unchanged = ("proves" in able, "ranges" in able, "unchanged" in able)
    return [
        "It was tried: packs are put, read, listed and deleted there." if "lists" in able else
        "It was tried: packs are put, read and deleted there; what is put is not listed.",
        "It proves what arrived, so nothing is read back." if proven else "Everything sent is read back.",
        "A transfer that breaks off goes on where it stopped." if ranges else "A transfer that breaks off begins anew.",
        "Small files that did not change are not sent again." if unchanged else "Its marks of change say nothing here.",
        SEES,
    ]  # fmt: skip


def kept(where: str) -> str:
    """Where the key of a server lies."""
    if where == "keyring":
        return "It is kept in the keyring of this computer."
    return "It is kept in the vault, sealed under this device's secret."
