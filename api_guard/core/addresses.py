"""Finds the address of a request's client behind trusted proxies."""

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

# Longer chains are forged; the hops nearest to us count.
_MOST_HOPS = 32
_LONGEST_HOP = 256
# A subscriber has at least a /64 (RFC 6177), and may use a new address for every request.
_SUBSCRIBER = 64
# About the size of a provider's network. If there are too many addresses to count each one, the
# addresses of a provider share a count.
_PROVIDER = {4: 16, 6: 32}
# Proxies and RFC 7239 §6 write `1.2.3.4:80`, `[2001:db8::1]:80` and `[2001:db8::1]`.
_WITH_PORT = re.compile(r"([0-9.]+):[0-9]+|\[([^\]]+)\](?::[0-9]+)?", re.ASCII)
_FOR = re.compile(r"(?:^|;)\s*for\s*=\s*(\"?)([^\";]+)\1\s*(?:;|$)", re.ASCII | re.IGNORECASE)


@dataclass(frozen=True)
class Proxies:
    """The trusted proxies: their networks, and whether a proxy on a Unix socket is trusted."""

    networks: tuple[Network, ...] = ()
    is_unix_trusted: bool = False

    @classmethod
    def parse(cls, values: Sequence[str]) -> Proxies:
        """Read networks (`10.0.0.0/8`), addresses and `unix`. Raise ValueError on anything else."""
        networks = tuple(ip_network(value) for value in values if value != UNIX)
        return cls(networks, UNIX in values)

    def trust(self, address: Address | None) -> bool:
        """Whether `address` is trusted; None is a peer without an address."""
        if address is None:
            return self.is_unix_trusted
        return any(address in network for network in self.networks)


def client_address(peer: str, hops: Iterator[str], proxies: Proxies) -> str:
    """Return the address to count by: for IPv6 its /64; "unknown" without an address.

    `peer` is the other end of the connection. `hops` are the addresses before it, the nearest
    first. A hop counts only if the proxy that wrote it is trusted.
    """
    address = _parse(peer)
    while proxies.trust(address):
        earlier = _parse(next(hops, ""))
        if earlier is None:
            break  # our proxies do not write unreadable addresses
        address = earlier
    return UNKNOWN if address is None else _bucket(address)


def counted_address(text: str) -> str:
    """Return the address that a person writes as it is counted: of IPv6, its /64.

    It may be such a /64 already, or "unknown". "" if it is none of these.
    """
    if text == UNKNOWN:
        return UNKNOWN
    address = _parse(text.removesuffix(f"/{_SUBSCRIBER}"))
    return "" if address is None else _bucket(address)


def provider_of(address: str) -> str:
    """Return the network around an address from `client_address`: a /16, or a /32 for IPv6."""
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
    # Split from the right: an open quote from a client must not swallow the text that a proxy
    # appended. A proxy writes addresses without commas.
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
    # ::ffff:10.0.0.1 is 10.0.0.1, seen through an IPv6 socket.
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


def _bucket(address: Address) -> str:
    if isinstance(address, IPv4Address):
        return str(address)
    # By number, so that a zone (fe80::1%eth0) does not make it a different address.
    packed = int(address) >> (128 - _SUBSCRIBER) << (128 - _SUBSCRIBER)
    return f"{IPv6Address(packed)}/{_SUBSCRIBER}"
