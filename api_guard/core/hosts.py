"""Finds out which hosts are on the public internet, in every notation of an address."""

from __future__ import annotations

import re
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_network

from api_guard.core.names import words

Address = IPv4Address | IPv6Address


def _networks(text: str) -> tuple[IPv4Network | IPv6Network, ...]:
    return tuple(ip_network(network) for network in text.split())


# IANA's special-purpose registry, without globally reachable networks; multicast; and the address
# of Azure's platform for its machines, which is not in the registry.
_NOT_PUBLIC_4 = _networks(
    "0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 168.63.129.16/32 169.254.0.0/16 172.16.0.0/12"
    " 192.0.0.0/24 192.0.2.0/24 192.88.99.0/24 192.168.0.0/16 198.18.0.0/15 198.51.100.0/24"
    " 203.0.113.0/24 224.0.0.0/4 240.0.0.0/4"
)
# Global unicast is 2000::/3 without protocol assignments (with Teredo), documentation and 6to4.
_GLOBAL_6 = ip_network("2000::/3")
_NOT_PUBLIC_6 = _networks("2001::/23 2001:db8::/32 2002::/16 3fff::/20")
# IPv6 addresses that contain an IPv4 address: mapped addresses, and NAT64 (from DNS64).
_CARRIES_IPV4 = _networks("::ffff:0:0/96 64:ff9b::/96")
# Names that are not in the public DNS: IANA's special-use registry, names reserved by ICANN, and
# names that private networks, routers and clusters use.
_LOCAL_NAMES = words(
    "localhost local localdomain test invalid alt onion arpa internal corp home mail intranet intra"
    " lan private priv workgroup domain router gateway"
    " svc cluster pod node service kube kubernetes k8s consul nomad docker vagrant default"
)
# Home routers, which answer for these names, even if the public DNS has them.
_LOCAL_HOSTS = words(
    "fritz.box fritz.nas fritz.repeater fritz.powerline easy.box kabel.box o2.box vodafone.box"
    " vodafone.station giga.cube speedport.ip mafreebox.freebox.fr routerlogin.net routerlogin.com"
    " orbilogin.com orbilogin.net tplinkwifi.net tplinklogin.net router.asus.com miwifi.com"
)
_NUMBER = re.compile(r"0[xX][0-9a-fA-F]*|[0-9]+")


def is_public_address(address: Address) -> bool:
    """Whether `address` is on the public internet, not on this machine, network or cloud."""
    if isinstance(address, IPv6Address):
        if any(address in network for network in _CARRIES_IPV4):
            return is_public_address(IPv4Address(int(address) & 0xFFFFFFFF))
        return address in _GLOBAL_6 and not any(address in network for network in _NOT_PUBLIC_6)
    return not any(address in network for network in _NOT_PUBLIC_4)


def is_public_name(name: str) -> bool:
    """Whether `name` may be in the public DNS. It does not resolve the name."""
    labels = name.split(".")
    ends = {".".join(labels[start:]) for start in range(len(labels))}
    return len(labels) > 1 and labels[-1] not in _LOCAL_NAMES and not ends & _LOCAL_HOSTS


def ends_in_a_number(host: str) -> bool:
    """Whether a browser reads `host` as an IPv4 address (URL standard, "ends in a number")."""
    return _NUMBER.fullmatch(host.rpartition(".")[2]) is not None


def read_ipv4(host: str) -> IPv4Address:
    """Read an address as inet_aton() and browsers do: 127.1, 0x7f.1, 017700000001.

    Raises ValueError if it is not an address.
    """
    parts = [_read_number(part) for part in host.split(".")]
    *firsts, last = parts
    if len(parts) > 4 or any(part > 255 for part in firsts) or last >= 256 ** (5 - len(parts)):
        raise ValueError(host)
    value = last
    for place, part in enumerate(firsts):
        value += part * 256 ** (3 - place)
    return IPv4Address(value)


def _read_number(text: str) -> int:
    if not _NUMBER.fullmatch(text) or len(text) > 64:
        raise ValueError(text)
    if text[:2] in ("0x", "0X"):
        return int(text[2:] or "0", 16)
    return int(text, 8) if text[0] == "0" else int(text)
