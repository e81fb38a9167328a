"""Whose address a request has, behind the proxies that are trusted and no others."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Network = IPv4Network | IPv6Network
Address = IPv4Address | IPv6Address
UNKNOWN = "unknown"
# The word for a proxy that comes through a Unix socket, where the connection has no address.
UNIX = "unix"

# Longer chains are forged; the hops nearest to us are the ones that count.
_MOST_HOPS = 32
_LONGEST_HOP = 256
# One subscriber is given a /64 at least (RFC 6177), and may use a new address for every request.
_SUBSCRIBER = 64
# What a provider is given, more or less: whom an address shares a count with, where there are too
# many addresses to count each.
_PROVIDER = {4: 16, 6: 32}
# `1.2.3.4:80`, `[2001:db8::1]:80` and `[2001:db8::1]`, as proxies and RFC 7239 §6 write them.
_WITH_PORT = re.compile(r"([0-9.]+):[0-9]+|\[([^\]]+)\](?::[0-9]+)?", re.ASCII)
_FOR = re.compile(r"(?:^|;)\s*for\s*=\s*(\"?)([^\";]+)\1\s*(?:;|$)", re.ASCII | re.IGNORECASE)


@dataclass(frozen=True)
class Proxies:
    """The proxies that are trusted: by network, and whether those on a Unix socket are."""

    networks: tuple[Network, ...] = ()
    is_unix_trusted: bool = False

    @classmethod
    def parse(cls, values: Sequence[str]) -> Proxies:
        """Read networks (`10.0.0.0/8`), addresses and `unix`. Raise ValueError on anything else."""
        networks = tuple(ip_network(value) for value in values if value != UNIX)
        return cls(networks, UNIX in values)

    def trust(self, address: Address | None) -> bool:
        """Whether the word of `address` is taken; None is a peer that has no address."""
        if address is None:
            return self.is_unix_trusted
        return any(address in network for network in self.networks)


def client_address(peer: str, hops: Iterator[str], proxies: Proxies) -> str:
    """Return the address to count by: of an IPv6 caller its /64, "unknown" without an address.

    `peer` is the other end of the connection; `hops` are those that came before, the nearest
    first, which are believed for as long as those who wrote them are trusted.
    """
    address = _parse(peer)
    while proxies.trust(address):
        earlier = _parse(next(hops, ""))
        if earlier is None:
            break  # what cannot be read was not written by a proxy of ours
        address = earlier
    return UNKNOWN if address is None else _bucket(address)


def provider_of(address: str) -> str:
    """Return the network around an address as `client_address` returns it: a /16, of IPv6 a /32."""
    try:
        network = ip_network(address)
    except ValueError:
        return UNKNOWN
    return str(network.supernet(new_prefix=_PROVIDER[network.version]))


def hops_of_list(field: str) -> Iterator[str]:
    """Yield the hops of `X-Forwarded-For`, the nearest first."""
    yield from reversed(field.rsplit(",", _MOST_HOPS)[-_MOST_HOPS:] if field else [])


def hops_of_forwarded(field: str) -> Iterator[str]:
    """Yield the nodes of `Forwarded` (RFC 7239 §4), the nearest first; "" for one without `for`."""
    # Split from the right, because a quote that a client left open must not swallow what a proxy
    # appended. What a proxy writes of an address has no comma in it.
    for element in hops_of_list(field):
        found = _FOR.search(element)
        yield found[2] if found else ""


def _parse(text: str) -> Address | None:
    text = text.strip()
    if len(text) > _LONGEST_HOP:
        return None
    found = _WITH_PORT.fullmatch(text)
    try:
        address = ip_address((found[1] or found[2]) if found else text)
    except ValueError:
        return None
    # ::ffff:10.0.0.1 is 10.0.0.1, seen through a socket of the other family.
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


def _bucket(address: Address) -> str:
    if isinstance(address, IPv4Address):
        return str(address)
    # By number, so that a zone (fe80::1%eth0) makes no other address of it.
    packed = int(address) >> (128 - _SUBSCRIBER) << (128 - _SUBSCRIBER)
    return f"{IPv6Address(packed)}/{_SUBSCRIBER}"
