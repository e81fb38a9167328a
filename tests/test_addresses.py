"""Whose address a request has: by tables, by properties, and through a view."""

from __future__ import annotations

import logging

import pytest
from django.urls import path
from hypothesis import given
from hypothesis import strategies as st
from rest_framework.decorators import api_view
from rest_framework.response import Response

from api_guard import PUBLIC, guard
from api_guard.core.addresses import Proxies, client_address, hops_of_forwarded, hops_of_list
from api_guard.limits import addresses

PROXIES = Proxies.parse(["10.0.0.0/8", "2001:db8:ffff::/48"])
BEHIND_A_SOCKET = Proxies.parse(["unix", "10.0.0.0/8"])


@guard(read=PUBLIC, throttle="3/h")
@api_view(["GET"])
def ping(request):
    return Response(addresses.address_of(request))


urlpatterns = [path("ping", ping)]


@pytest.mark.parametrize(
    ("peer", "forwarded_for", "address"),
    [
        ("203.0.113.1", "", "203.0.113.1"),
        ("203.0.113.1:4711", "", "203.0.113.1"),
        ("203.0.113.1", "198.51.100.7", "203.0.113.1"),
        ("10.0.0.1", "198.51.100.7", "198.51.100.7"),
        ("10.0.0.1", "6.6.6.6, 198.51.100.7", "198.51.100.7"),
        ("10.0.0.1", "6.6.6.6, 198.51.100.7, 10.0.0.2", "198.51.100.7"),
        ("10.0.0.1", "10.0.0.3, 10.0.0.2", "10.0.0.3"),
        ("10.0.0.1", "", "10.0.0.1"),
        ("10.0.0.1", "garbage", "10.0.0.1"),
        ("10.0.0.1", "6.6.6.6, garbage, 10.0.0.2", "10.0.0.2"),
        ("10.0.0.1", "198.51.100.7:8080", "198.51.100.7"),
        ("10.0.0.1", "[2001:db8:1:2::9]:8080", "2001:db8:1:2::/64"),
        ("10.0.0.1", "[2001:db8:1:2::9]", "2001:db8:1:2::/64"),
        ("10.0.0.1", "198.51.100.7:8080:9", "10.0.0.1"),
        ("10.0.0.1", ", ".join(["6.6.6.6"] * 9999), "6.6.6.6"),
        ("10.0.0.1", "6.6.6.6," + ",".join(["10.0.0.2"] * 40), "10.0.0.2"),
        ("10.0.0.1", "1" * 9999, "10.0.0.1"),
        ("::ffff:10.0.0.1", "198.51.100.7", "198.51.100.7"),
        ("2001:db8:ffff::1", "2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff::", "", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "", "fe80::/64"),
        ("10.0.0.1", "fe80::1%eth0", "fe80::/64"),
        ("10.0.0.1", "[fe80::1%one]:80", "fe80::/64"),
        ("", "198.51.100.7", "unknown"),
        ("/run/api.sock", "198.51.100.7", "unknown"),
    ],
)
def test_an_address_is_believed_as_far_as_the_proxies_are(peer, forwarded_for, address):
    assert client_address(peer, hops_of_list(forwarded_for), PROXIES) == address


@pytest.mark.parametrize(
    ("field", "address"),
    [
        ("for=198.51.100.7", "198.51.100.7"),
        ("For=198.51.100.7;proto=http;by=10.0.0.1", "198.51.100.7"),
        ('proto=https; FOR = "198.51.100.7:4711" ; host=a.example', "198.51.100.7"),
        ('for="[2001:db8:1:2::17]:4711"', "2001:db8:1:2::/64"),
        ("for=6.6.6.6, for=198.51.100.7, for=10.0.0.2", "198.51.100.7"),
        # A quote that the client left open swallows nothing of what the proxy wrote.
        ('for="6.6.6.6, for=198.51.100.7', "198.51.100.7"),
        ('for="a\\", for="198.51.100.7"', "198.51.100.7"),
        ("for=unknown", "10.0.0.1"),
        ("for=_hidden, for=10.0.0.2", "10.0.0.2"),
        ("proto=http", "10.0.0.1"),
        ("host=for=6.6.6.6", "10.0.0.1"),
        ("198.51.100.7", "10.0.0.1"),
        ("", "10.0.0.1"),
    ],
)
def test_a_forwarded_field_is_read_as_rfc_7239_writes_it(field, address):
    assert client_address("10.0.0.1", hops_of_forwarded(field), PROXIES) == address
    assert client_address("203.0.113.1", hops_of_forwarded(field), PROXIES) == "203.0.113.1"


@pytest.mark.parametrize(
    ("peer", "forwarded_for", "address"),
    [
        ("", "198.51.100.7", "198.51.100.7"),
        ("", "6.6.6.6, 198.51.100.7, 10.0.0.1", "198.51.100.7"),
        ("", "garbage", "unknown"),
        ("", "", "unknown"),
        ("203.0.113.1", "198.51.100.7", "203.0.113.1"),
    ],
)
def test_a_proxy_on_a_unix_socket_can_be_trusted(peer, forwarded_for, address):
    assert client_address(peer, hops_of_list(forwarded_for), BEHIND_A_SOCKET) == address


@given(st.text(), st.text())
def test_garbage_never_raises_and_never_opens(peer, field):
    for hops in (hops_of_list, hops_of_forwarded):
        assert client_address(peer, hops(field), PROXIES)
        assert client_address("203.0.113.1", hops(field), PROXIES) == "203.0.113.1"


@given(st.text())
def test_what_stands_left_of_a_proxy_s_word_changes_nothing(forged):
    assert client_address("10.0.0.1", hops_of_list(f"{forged},8.8.8.8"), PROXIES) == "8.8.8.8"
    field = f"{forged}, for=8.8.8.8"
    assert client_address("10.0.0.1", hops_of_forwarded(field), PROXIES) == "8.8.8.8"


FORGED = [
    *(f"10.1.{number}.1" for number in range(20)),
    *(f"6.6.{number}.6, 10.0.0.9" for number in range(20)),
    *(f"[2001:db8:{number}::1%z{number}]:{number}, 6.6.6.6" for number in range(20)),
    *(",".join(["1.1.1.1"] * number) for number in (100, 3000)),
    "\x00\xff",
    'for="',
]


@pytest.mark.urls(__name__)
@pytest.mark.parametrize("header", ["X-Forwarded-For", "Forwarded"])
@pytest.mark.parametrize("is_behind_a_proxy", [True, False])
def test_no_forged_chain_lets_one_more_request_in(api, settings, header, is_behind_a_proxy):
    settings.API_GUARD = {**settings.API_GUARD, "PROXY_HEADER": header}
    is_list = header == "X-Forwarded-For"
    if is_behind_a_proxy:
        settings.API_GUARD["TRUSTED_PROXIES"] = ["127.0.0.1"]
    appended = (", 203.0.113.9" if is_list else ", for=203.0.113.9") if is_behind_a_proxy else ""
    name = f"HTTP_{header.upper().replace('-', '_')}"
    chains = [f"{forged if is_list else f'for={forged}'}{appended}" for forged in FORGED]
    statuses = [api.get("/ping", **{name: chain}).status_code for chain in chains]
    # A null character is refused before anything is counted.
    refused = [400 if "\0" in chain else 429 for chain in chains[3:]]
    assert statuses == [200] * 3 + refused


@pytest.mark.urls(__name__)
def test_the_field_that_no_proxy_writes_is_not_read(api, settings):
    settings.API_GUARD = {**settings.API_GUARD, "TRUSTED_PROXIES": ["127.0.0.1"]}
    both = {"HTTP_X_FORWARDED_FOR": "198.51.100.7", "HTTP_FORWARDED": "for=6.6.6.6"}
    assert api.get("/ping", **both).json() == "198.51.100.7"
    settings.API_GUARD["PROXY_HEADER"] = "Forwarded"
    assert api.get("/ping", **both).json() == "6.6.6.6"


@pytest.mark.urls(__name__)
def test_a_request_without_an_address_is_said_once_and_counted(api, caplog):
    addresses._say_unknown.cache_clear()
    with caplog.at_level(logging.ERROR, "api_guard"):
        statuses = [api.get("/ping", REMOTE_ADDR="").status_code for _ in range(4)]
    assert statuses == [200, 200, 200, 429]
    [message] = caplog.messages
    assert 'API_GUARD["TRUSTED_PROXIES"] = ["unix"]' in message
