#!/usr/bin/env python3
"""Verify signed documents outside iop-tui: python verify_signed.py proof.json (needs only `cryptography`).

Every signature is Ed25519 (RFC 8032) over lp(context, lp(record, version, SHA-256 of the stored bytes, meaning, role,
method, time)); lp writes each part behind its length as four bytes, big-endian. The keys are those in the file: compare
them with keys you were given by another way before you rely on a name.
"""

import base64
import hashlib
import json
import sys

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey


def lp(*parts: bytes | str) -> bytes:
    raw = [part.encode() if isinstance(part, str) else part for part in parts]
    return b"".join(len(part).to_bytes(4, "big") + part for part in raw)


def check(keys: dict, signer: str, context: str, message: bytes, signature: str) -> None:
    key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(keys[signer]["ed25519"]))
    key.verify(bytes.fromhex(signature), lp(context, message))


def verify(document: dict, keys: dict) -> list[str]:
    stored = base64.b64decode(document["stored"])
    digest = hashlib.sha256(stored)
    if document["text"].encode() not in stored:
        raise ValueError("the text shown is not part of the signed bytes")
    check(keys, document["author"], document["written"]["context"], stored, document["written"]["signature"])
    found = []
    for item in document["signatures"]:
        if item["sha256"] != digest.hexdigest() or item["target"] != digest.hexdigest()[:32]:
            raise ValueError("a signature is about other bytes")
        parts = bytes.fromhex(item["record"]), bytes.fromhex(item["target"]), digest.digest()
        message = lp(*parts, item["meaning"], item["role"], item["method"], item["signed_at"])
        check(keys, item["signer"], item["context"], message, item["signature"])
        found.append(f"{item['meaning']}: {keys[item['signer']]['name']}, {item['role']}, {item['signed_at']}")
    return found


def main(path: str) -> int:
    with open(path, encoding="utf-8") as file:
        proof = json.load(file)
    keys = {key["id"]: key for key in proof["keys"]}
    for number, document in enumerate(proof["documents"], 1):
        try:
            lines = verify(document, keys)
        except (InvalidSignature, ValueError, KeyError) as error:
            print(f"{number}. {document.get('kind', '?')}: NOT VALID ({error or 'a signature does not fit'})")
            return 1
        print(f"{number}. {document['kind']}: valid\n   " + "\n   ".join(lines))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
