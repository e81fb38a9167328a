"""The user that an authorization request is about (OpenID Connect Core §3.1.2.2)."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from jwcrypto.common import JWException
from jwcrypto.jwt import JWT
from oauth2_provider.settings import oauth2_settings
from oauthlib.oauth2.rfc6749.errors import InvalidRequestError


def is_another(asked: Any, user: Any) -> bool:
    """Whether the client asks for another user than `user`, by `id_token_hint` or `claims`.

    Then it must not get a code or a token. This is also true for a hint that is not valid, because
    it names nobody. An ID token that has expired is a valid hint.
    """
    if oauth2_settings.OIDC_ENABLED is not True:
        return False
    validator: Any = oauth2_settings.OAUTH2_VALIDATOR_CLASS()
    asked.user = user
    own = _own_subject(validator, asked)
    hint = getattr(asked, "id_token_hint", None)
    if hint and _subject_of(validator, asked, hint) != own:
        return True
    return any(own not in wanted for wanted in _wanted(asked.claims))


def refuse_unreadable_claims(asked: Any) -> None:
    """Raise InvalidRequestError for a `claims` parameter that is not a JSON object."""
    if asked.claims and not isinstance(_as_object(asked.claims), (Mapping, type(None))):
        raise InvalidRequestError("The claims are not valid.", request=asked)


def _own_subject(validator: Any, asked: Any) -> str:
    claim = validator.get_claim_dict(asked)["sub"]
    return str(claim(asked) if callable(claim) else claim)


def _subject_of(validator: Any, asked: Any, hint: str) -> str | None:
    try:
        key = validator._get_key_for_token(hint)
        if not key:
            return None
        claims = json.loads(JWT(key=key, jwt=hint, check_claims={}).claims)
        is_ours = claims["iss"] == validator.get_oidc_issuer_endpoint(asked)
        return str(claims["sub"]) if is_ours else None
    except (JWException, ValueError, TypeError, KeyError, RecursionError):  # of another form
        return None


def _wanted(claims: object) -> Iterator[list[object]]:
    """Yield the allowed subjects of each request for a certain subject (§5.5.1)."""
    asked = _as_object(claims)
    for part in asked.values() if isinstance(asked, Mapping) else ():
        said = part.get("sub") if isinstance(part, Mapping) else None
        if not isinstance(said, Mapping):
            continue
        if "value" in said:
            yield [said["value"]]
        if "values" in said:
            yield said["values"] if isinstance(said["values"], list) else []


def _as_object(claims: object) -> object:
    """Return the claims as an object; the consent form sends `null` for none.

    oauthlib reads them only if `openid` is asked for.
    """
    if not isinstance(claims, str):
        return claims
    try:
        return json.loads(claims)
    except (ValueError, RecursionError):
        return claims
