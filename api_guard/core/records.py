"""The parts of a ledger record, and their signatures."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from api_guard.core.ledger import Party, Who

Keys = Mapping[str, "Key"]

# Each signature contains its purpose, so that it cannot be used for another purpose.
RECORD, LINK, ID, HEAD, CHECKPOINT, PRUNED, VERIFIED = (
    f"api_guard.ledger.{name}"
    for name in ("record", "link", "id", "head", "checkpoint", "pruned", "verified")
)
# The digest before the first record.
GENESIS = "0" * 64
PARTS = ("who", "whom", "reason", "address")
_HALF = 32


@dataclass(frozen=True)
class Key:
    """A secret for signatures, and its id in the records."""

    id: str
    secret: bytes = field(repr=False)


@dataclass(frozen=True)
class Record:
    """A row of the ledger. The last three fields are None until it is chained."""

    id: str
    at: str
    event: str
    key_id: str
    content: str
    mac: str
    sequence: int | None = None
    previous: str | None = None
    digest: str | None = None


@dataclass(frozen=True)
class Detail:
    """A part of a record that can be erased. `key` names a party, for example `user:7`.

    `forgotten` is the id of the record of the erasure.
    """

    part: str
    key: str
    text: str
    salt: str
    forgotten: str = ""


@dataclass(frozen=True)
class Place:
    """A place in the chain: the number of a record, and the digest of all records up to it."""

    sequence: int
    digest: str


@dataclass(frozen=True)
class SignedPlace:
    """A place in the chain, with the time, the key and the signature."""

    place: Place
    at: str
    key_id: str
    mac: str


def canonical(value: object) -> str:
    """Return the canonical text of a JSON value."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True)


def sign(key: Key, purpose: str, *parts: str | int | None) -> str:
    """Return the signature (HMAC-SHA256) of the parts, which stay distinct."""
    text = canonical([purpose, *parts])
    return hmac.new(key.secret, text.encode(), hashlib.sha256).hexdigest()


def same(one: str | None, other: str | None) -> bool:
    """Whether two signatures are equal. None is not equal to anything."""
    if one is None or other is None:
        return False
    return hmac.compare_digest(one.encode(errors="replace"), other.encode(errors="replace"))


def new_id(key: Key, microseconds: int, chance: bytes) -> str:
    """Return the id of a new record: its time, random bytes, and a signature of both.

    Ids are sorted by time. Without the key, nobody can make a genuine id.
    """
    half = f"{microseconds:014x}{chance.hex():.18}"
    return half + sign(key, ID, half)[:_HALF]


def is_genuine(key: Key, id: str) -> bool:  # noqa: A002  # it is the id of a record
    """Whether `key` signed this id."""
    return same(sign(key, ID, id[:_HALF])[:_HALF], id[_HALF:])


def mac_of(key: Key, row: Record) -> str:
    """Return the correct signature of a record."""
    return sign(key, RECORD, row.id, row.at, row.event, row.key_id, row.content)


def link(key: Key, previous: str, sequence: int, mac: str) -> str:
    """Return the digest of the chain up to a record: previous digest, number and signature."""
    return sign(key, LINK, previous, sequence, mac)


def key_of(row: Record, keys: Keys) -> Key | None:
    """Return the key that signed a record, even if somebody changed its key id."""
    said = keys.get(row.key_id)
    candidates = [said, *keys.values()] if said else keys.values()
    return next((key for key in candidates if is_genuine(key, row.id)), said)


def sign_place(key: Key, purpose: str, place: Place, at: str) -> SignedPlace:
    """Return a place in the chain with a signature."""
    return SignedPlace(place, at, key.id, sign(key, purpose, place.sequence, place.digest, at))


def is_signed(signed: SignedPlace, purpose: str, keys: Keys) -> bool:
    """Whether a place in the chain was signed by one of the keys, for this purpose."""
    key = keys.get(signed.key_id)
    if key is None:
        return False
    return same(sign_place(key, purpose, signed.place, signed.at).mac, signed.mac)


def commitment(detail: Detail) -> str:
    """Return a hash that commits to a detail and reveals nothing about it.

    The salt prevents guessing: nobody can compute the hash for a known name.
    """
    text = canonical([detail.part, detail.salt, detail.key, detail.text])
    return hashlib.sha256(text.encode()).hexdigest()


def key_of_party(kind: str, pk: str) -> str:
    """Return the text by which the details of a party are found."""
    return f"{kind}:{pk}" if pk else ""


def content_of(
    who: Who,
    whom: Party | None,
    scope: str,
    facts: Mapping[str, str | None],
    details: Iterable[Detail],
) -> str:
    """Return the part that is never erased: no personal data, and a commitment to each detail."""
    said = {
        "known": who.known.value,
        "who": who.party.kind,
        "whom": None if whom is None else whom.kind,
        "scope": scope,
        "facts": dict(facts),
        "details": {detail.part: commitment(detail) for detail in details},
    }
    return canonical(said)
