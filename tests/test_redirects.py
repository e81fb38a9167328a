"""Where a code may be sent to."""

from __future__ import annotations

import pytest

from api_guard.core.redirects import is_anybodys, is_in_clear, is_loopback


@pytest.mark.parametrize(
    ("uri", "is_here", "is_clear", "may_be_anybodys"),
    [
        ("https://client.example/back", False, False, False),
        ("HTTPS://client.example/back", False, False, False),
        ("http://client.example/back", False, True, True),
        ("HTTP://client.example/back", False, True, True),
        ("http://127.0.0.1/back", True, False, True),
        ("http://127.0.0.1:49152/back", True, False, True),
        ("http://127.8.8.8/back", True, False, True),
        ("http://[::1]:8000/back", True, False, True),
        ("http://localhost:3000/", True, False, True),
        ("http://LOCALHOST/", True, False, True),
        ("https://127.0.0.1/back", True, False, True),
        ("http://localhost.example/", False, True, True),
        ("http://127.0.0.1.example/", False, True, True),
        ("http://127.0.0.1@evil.example/", False, True, True),
        ("http://0.0.0.0/", False, True, True),
        ("http://10.0.0.1/", False, True, True),
        ("http://[/", False, True, True),
        ("http:", False, True, True),
        ("com.example.app:/back", False, False, True),
        ("", False, False, True),
    ],
)
def test_an_address_is_read_for_what_it_is(uri, is_here, is_clear, may_be_anybodys):
    assert (is_loopback(uri), is_in_clear(uri), is_anybodys(uri)) == (
        is_here,
        is_clear,
        may_be_anybodys,
    )
