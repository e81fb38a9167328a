"""Token introspection at another authorization server (RFC 7662)."""

from __future__ import annotations

import json
import logging
import time
from urllib.parse import quote_plus

import urllib3
from django.utils.crypto import salted_hmac

from api_guard import conf
from api_guard.core.introspection import Claims, MalformedAnswer, read_claims
from api_guard.exceptions import GuardUnavailable
from api_guard.limits import counters
from api_guard.tokens.deadline import pool_manager, within
from api_guard.tokens.judging import audience

logger = logging.getLogger("api_guard.tokens")

# A normal answer has a few hundred bytes.
_LONGEST_ANSWER = 65_536

_pool = pool_manager()


class _Fault(Exception):
    """The endpoint did not give a usable answer."""


def introspect(token: str, path: str) -> Claims | None:
    """Return the claims of a token that is valid for `path`, or None.

    An answer is cached for `API_GUARD["INTROSPECTION_CACHE_SECONDS"]`, but not longer than the
    token is valid. Raises GuardUnavailable if there is no usable answer.
    """
    settings = conf.introspection()
    try:
        if settings is None:
            raise _Fault("API_GUARD['INTROSPECTION'] is not set")
        key = _key(token, settings.url)
        answer = _remembered(key)
        is_new = answer is None
        if is_new:
            answer = _ask(token, settings)
        now = time.time()
        claims = read_claims(
            answer, issuer=settings.issuer, audience=audience(), path=path, now=now
        )
    except (_Fault, MalformedAnswer) as error:
        logger.error("The introspection endpoint failed: %s.", error)
        raise GuardUnavailable from error
    if is_new and claims is not None:
        _remember(key, answer, claims, now)
    return claims


def _ask(token: str, settings: conf.Introspection) -> object:
    """Return the answer. The whole request has to end within the timeout of the settings."""
    headers = {"Accept": "application/json", **_credential(settings)}
    try:
        with within(settings.timeout):
            response = _pool.request(
                "POST",
                settings.url,
                fields={"token": token, "token_type_hint": "access_token"},
                encode_multipart=False,
                headers=headers,
                redirect=False,
                preload_content=False,
            )
            body = _read(response)
            response.release_conn()
    except (urllib3.exceptions.HTTPError, OSError) as error:
        # The class of the error contains neither the token nor the secret.
        raise _Fault(type(error).__name__) from error
    if response.status != 200:
        raise _Fault(f"it answered {response.status}")
    try:
        return json.loads(body)
    except (ValueError, RecursionError) as error:
        raise _Fault("its answer is not JSON") from error


def _credential(settings: conf.Introspection) -> dict[str, str]:
    if settings.token:
        return {"Authorization": f"Bearer {settings.token}"}
    # RFC 6749 §2.3.1: both parts are form-encoded.
    login = ":".join(map(quote_plus, (settings.client_id, settings.client_secret)))
    return urllib3.make_headers(basic_auth=login)


def _read(response: urllib3.BaseHTTPResponse) -> bytes:
    body = b""
    while chunk := response.read1(_LONGEST_ANSWER):
        body += chunk
        if len(body) > _LONGEST_ANSWER:
            response.close()
            raise _Fault("its answer is too long")
    return body


def _key(token: str, url: str) -> str:
    # With a secret key, so that an attacker who reads the cache cannot test tokens against it.
    return "api_guard:introspection:" + salted_hmac(url, token, algorithm="sha256").hexdigest()


def _remembered(key: str) -> object:
    """Return the cached answer, or None if there is none or the cache fails."""
    if not conf.introspection_cache_seconds():
        return None
    try:
        return counters.ask(lambda cache: cache.get(key))
    except counters.CounterFault as fault:
        _warn(fault)
        return None


def _remember(key: str, answer: object, claims: Claims, now: float) -> None:
    seconds = conf.introspection_cache_seconds()
    if claims.expires is not None:
        seconds = min(seconds, int(claims.expires - now))
    if seconds <= 0:
        return
    try:
        counters.ask(lambda cache: cache.set(key, answer, seconds))
    except counters.CounterFault as fault:
        _warn(fault)


def _warn(fault: counters.CounterFault) -> None:
    logger.warning("The cache of introspected tokens failed: %s", fault)
