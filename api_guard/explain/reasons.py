"""Says in words what a recorded decision was about."""

from __future__ import annotations

from api_guard.core.decision_records import DecisionRecord, Outcome

REASONS = {
    "not_authenticated": "There was no credential, and the operation needs one.",
    "invalid_token": "The access token was unknown, expired, revoked or meant for something else.",
    "authentication_failed": "An authenticator refused the credential.",
    "insufficient_scope": "The caller lacked a scope.",
    "staff_only": "The user is not staff.",
    "user_only": "A client came on its own behalf where a user is needed.",
    "first_party_only": "A token came where only a session will do.",
    "not_offered": "The guard of the view declares nothing for this operation.",
    "undeclared_endpoint": "The view has no guard and is not exempt.",
    "unsealed": "The view answered without the guard's decision; the log has an ERROR.",
    "unchecked_object": "The object rule of the view did not run; the log has an ERROR.",
    "rule_failed": "An object rule or a permission failed; the log has an ERROR.",
    "hidden_object": "The object rule does not leave the object to the caller.",
    "not_found": "There is no such object, or the object rule does not leave it to the caller.",
    "outside_your_objects": "What was written is outside the caller's objects.",
    "rate_limited": "A rate was used up.",
    "too_many_failures": "Too many bad credentials came, for this account or from this address.",
    "guard_unavailable": "Something that the decision needs was down.",
    "insecure_transport": "The request came in clear, and the site is for TLS alone.",
    "token_in_query": "An access token came in the query string.",
    "malformed_request": "The query string, a header field or a cookie could not be read.",
    "malformed_body": "The body could not be read.",
    "body_over_limit": "The body held more than the view takes.",
    "body_too_large": "The body had more bytes than the view takes.",
    "length_required": "The body came without its length.",
    "unsupported_charset": "The body was in another encoding than UTF-8.",
    "invalid_value": "A value that was sent could not be worked with.",
}
BECAUSE = {
    "unknown_token": "No such token is stored: it was never issued, or it was revoked.",
    "expired": "The token has expired.",
    "no_user_and_no_client": "The token belongs to no user and no client.",
    "inactive_user": "The user of the token is not active.",
    "unusable_client": "The client of the token may not be used.",
    "bound_to_key": "The token is bound to a key, so it is not a plain bearer token.",
    "other_resource": "The token was issued for another resource.",
    "clientless_token": "No known client was issued the token.",
    "scopes_not_reported": "The authenticator does not report scopes.",
}


def in_words(record: DecisionRecord) -> str:
    """Return what was decided then, in a few sentences."""
    if record.outcome == Outcome.ALLOWED.value:
        return "allowed."
    said = [
        f"{record.outcome}: {record.reason}.",
        REASONS.get(record.reason, "An authenticator of the project refused the credential."),
        BECAUSE.get(record.because, ""),
        *_lacking("The token", record.token_lacks),
        *_lacking("The user", record.user_lacks),
        *_lacking("The client", record.client_lacks),
    ]
    if record.rate:
        said.append(f"The rate is {record.rate}, and the wait was {record.wait} seconds.")
    return " ".join(filter(None, said))


def _lacking(side: str, scopes: tuple[str, ...] | None) -> list[str]:
    return [f"{side} lacked {' '.join(scopes)}."] if scopes else []
