"""Whose address a request has, behind the proxies that are trusted and no others."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Network = IPv4Network | IPv6Network
UNKNOWN = "unknown"

# Longer chains are forged; the hops nearest to us are the ones that count.
_MOST_HOPS = 32
# One subscriber is given a /64 at least (RFC 6177), and may use a new address for every request.
_SUBSCRIBER = 64


def client_address(peer: str, forwarded_for: str, trusted: Sequence[Network]) -> str:
    """Return the address to count by: of an IPv6 caller its /64, "unknown" without an address.

    `peer` is the other end of the connection; `forwarded_for` the X-Forwarded-For field, which is
    read from the right, for as long as those who wrote it are `trusted`.
    """
    address = _parse(peer)
    if address is None:
        return UNKNOWN
    hops = forwarded_for.split(",")[-_MOST_HOPS:] if forwarded_for else []
    for hop in reversed(hops):
        if not _is_in(address, trusted):
            break
        earlier = _parse(hop)
        if earlier is None:
            break  # what cannot be read was not written by a proxy of ours
        address = earlier
    return _bucket(address)


def parse_networks(values: Sequence[str]) -> tuple[Network, ...]:
    """Read networks such as `10.0.0.0/8` or single addresses. Raise ValueError on anything else."""
    return tuple(ip_network(value) for value in values)


def _parse(text: str) -> IPv4Address | IPv6Address | None:
    try:
        address = ip_address(text.strip())
    except ValueError:
        return None
    # ::ffff:10.0.0.1 is 10.0.0.1, seen through a socket of the other family.
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


def _is_in(address: IPv4Address | IPv6Address, networks: Sequence[Network]) -> bool:
    return any(address in network for network in networks)


def _bucket(address: IPv4Address | IPv6Address) -> str:
    if isinstance(address, IPv4Address):
        return str(address)
    packed = int(address) >> (128 - _SUBSCRIBER) << (128 - _SUBSCRIBER)
    return f"{IPv6Address(packed)}/{_SUBSCRIBER}"
