"""What a record of the ledger is made of, and how each part is told from a forged one."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from api_guard.core.ledger import Party, Who

Keys = Mapping[str, "Key"]

# What a signature is for stands in it, so that none can be used in the place of another.
RECORD, LINK, ID, HEAD, CHECKPOINT, PRUNED = (
    f"api_guard.ledger.{name}" for name in ("record", "link", "id", "head", "checkpoint", "pruned")
)
# What the first record follows.
GENESIS = "0" * 64
PARTS = ("who", "whom", "reason", "address")
_HALF = 32


@dataclass(frozen=True)
class Key:
    """A secret that signs, and the name by which records say that it did."""

    id: str
    secret: bytes = field(repr=False)


@dataclass(frozen=True)
class Record:
    """A row of the ledger, as it is stored. The last three are None until it is chained."""

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
    """What can be erased of a record: one part of it. `key` names a party, as `user:7`.

    `forgotten` is the id of the record that says it was erased.
    """

    part: str
    key: str
    text: str
    salt: str
    forgotten: str = ""


@dataclass(frozen=True)
class Place:
    """A place in the chain: the number of a record and the digest of all up to it."""

    sequence: int
    digest: str


@dataclass(frozen=True)
class SignedPlace:
    """A place in the chain, when it was signed, by which key, and the signature."""

    place: Place
    at: str
    key_id: str
    mac: str


def canonical(value: object) -> str:
    """Return the one text that stands for a value of JSON."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True)


def sign(key: Key, purpose: str, *parts: str | int | None) -> str:
    """Return the signature (HMAC-SHA256) of some parts, which are told apart."""
    text = canonical([purpose, *parts])
    return hmac.new(key.secret, text.encode(), hashlib.sha256).hexdigest()


def same(one: str | None, other: str | None) -> bool:
    """Whether two signatures are the same text; None is like nothing."""
    if one is None or other is None:
        return False
    return hmac.compare_digest(one.encode(errors="replace"), other.encode(errors="replace"))


def new_id(key: Key, microseconds: int, chance: bytes) -> str:
    """Return the id of a new record: its time, then chance, then a signature of both.

    Ids are in the order of their time; and nobody without the key makes one that is genuine.
    """
    half = f"{microseconds:014x}{chance.hex():.18}"
    return half + sign(key, ID, half)[:_HALF]


def is_genuine(key: Key, id: str) -> bool:  # noqa: A002  # it is the id of a record
    """Whether `key` has made this id."""
    return same(sign(key, ID, id[:_HALF])[:_HALF], id[_HALF:])


def mac_of(key: Key, row: Record) -> str:
    """Return the signature that a record ought to have."""
    return sign(key, RECORD, row.id, row.at, row.event, row.key_id, row.content)


def link(key: Key, previous: str, sequence: int, mac: str) -> str:
    """Return the digest of the chain up to a record: of all before it, its number and itself."""
    return sign(key, LINK, previous, sequence, mac)


def key_of(row: Record, keys: Keys) -> Key | None:
    """Return the key that made a record, whatever has become of what it says of its key."""
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
    """Return what says nothing of a detail, and can be had of no other one.

    Without the salt it cannot be guessed from a name either.
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
    """Return what stays of a record: nothing of a person, and a commitment to each detail."""
    said = {
        "known": who.known.value,
        "who": who.party.kind,
        "whom": None if whom is None else whom.kind,
        "scope": scope,
        "facts": dict(facts),
        "details": {detail.part: commitment(detail) for detail in details},
    }
    return canonical(said)
