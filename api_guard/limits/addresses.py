"""Request -> address. Only this module reads REMOTE_ADDR and the fields of proxies."""

from __future__ import annotations

import logging
from functools import cache
from typing import Any

from django.http import HttpRequest

from api_guard import conf
from api_guard.core.addresses import (
    UNKNOWN,
    client_address,
    hops_of_forwarded,
    hops_of_list,
)

logger = logging.getLogger("api_guard")


def address_of(request: HttpRequest | Any) -> str:
    """Return the address under which a request is counted; "unknown" if it has no address.

    Takes Django's requests and DRF's.
    """
    meta = request.META
    hops = (
        hops_of_forwarded(str(meta.get("HTTP_FORWARDED") or ""))
        if conf.proxy_header() == "Forwarded"
        else hops_of_list(str(meta.get("HTTP_X_FORWARDED_FOR") or ""))
    )
    address = client_address(str(meta.get("REMOTE_ADDR") or ""), hops, conf.trusted_proxies())
    if address == UNKNOWN:
        _say_unknown()
    return address


@cache
def _say_unknown() -> None:
    # Log it once in a process: this is a mistake of the deployment, the same for every request.
    logger.error(
        "A request came without an address (REMOTE_ADDR is empty), as behind a proxy on a Unix "
        "socket: all such callers share one count. If a proxy forwards their addresses, write "
        'API_GUARD["TRUSTED_PROXIES"] = ["unix"].'
    )
