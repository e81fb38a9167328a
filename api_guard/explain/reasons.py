"""Describes a recorded decision in words."""

from __future__ import annotations

from django.utils.translation import gettext
from django.utils.translation import gettext_noop as _

from api_guard import grants
from api_guard.core.decision_records import DecisionRecord, Outcome

REASONS = {
    "not_authenticated": _("The request had no credential, and the operation requires one."),
    "invalid_token": _(
        "The access token was unknown, expired, revoked or meant for something else."
    ),
    "authentication_failed": _("An authenticator refused the credential."),
    "insufficient_scope": _("The caller lacked a scope."),
    "staff_only": _("The user is not staff."),
    "user_only": _("The operation requires a user, but a client acted on its own behalf."),
    "first_party_only": _("The operation requires a session, but the request had a token."),
    "not_offered": _("The guard of the view has no requirement for this operation."),
    "undeclared_endpoint": _("The view has no guard and is not exempt."),
    "unsealed": _("The view answered without the guard's decision. The log has an ERROR."),
    "unchecked_object": _("The object rule of the view did not run. The log has an ERROR."),
    "unrecorded": _("The view wrote grants without a record. The log has an ERROR."),
    "rule_failed": _("An object rule or a permission failed. The log has an ERROR."),
    "hidden_object": _("The object rule hides the object from the caller."),
    "not_found": _("The object does not exist, or the object rule hides it from the caller."),
    "no_authority": _("The user may not grant, ask for or decide this."),
    "conflict": _("A grant or a request was not, or no longer, in the state that this needs."),
    "invalid": _("A value of a grant or a request did not fit."),
    "outside_your_objects": _("The object rule hides what was written from the caller."),
    "rate_limited": _("The caller made too many requests."),
    "too_many_failures": _("Too many credentials were wrong, for this account or this address."),
    "guard_unavailable": _("A server that the decision needs was not available."),
    "insecure_transport": _("The request did not use TLS, and the site requires TLS."),
    "token_in_query": _("The access token was in the query string."),
    "malformed_request": _("The query string, a header field or a cookie could not be read."),
    "malformed_body": _("The body could not be read."),
    "body_over_limit": _("The body exceeded a limit of the view."),
    "body_too_large": _("The body had more bytes than the view accepts."),
    "length_required": _("The request had a body without a length."),
    "unsupported_charset": _("The body was not encoded in UTF-8."),
    "invalid_value": _("A value in the request was invalid."),
}
BECAUSE = {
    "unknown_token": _("The token is not stored: it was never issued, or it was revoked."),
    "expired": _("The token has expired."),
    "no_user_and_no_client": _("The token belongs to no user and no client."),
    "inactive_user": _("The user of the token is not active."),
    "unusable_client": _("The client of the token may not be used."),
    "bound_to_key": _("The token is bound to a key, so it is not a plain bearer token."),
    "other_resource": _("The token was issued for another resource."),
    "clientless_token": _("The token was not issued to a known client."),
    "scopes_not_reported": _("The authenticator does not report scopes."),
}


def in_words(record: DecisionRecord) -> str:
    """Describe a recorded decision in a few sentences."""
    if record.outcome == Outcome.ALLOWED.value:
        return gettext("allowed.")
    said = [
        f"{gettext(record.outcome)}: {record.reason}.",
        gettext(REASONS.get(record.reason) or _other(record)),
        gettext(BECAUSE.get(record.because, "")),
        *_lacking(_("The token lacked %s."), record.token_lacks),
        *_lacking(_("The user lacked %s."), record.user_lacks),
        *_lacking(_("The client lacked %s."), record.client_lacks),
    ]
    if record.rate:
        text = gettext("The rate is %(rate)s, and the wait was %(wait)s seconds.")
        said.append(text % {"rate": record.rate, "wait": record.wait})
    return " ".join(filter(None, said))


def _other(record: DecisionRecord) -> str:
    if record.reason in grants.CODES or record.status == 400:
        return _("A function of api_guard.grants refused it.")
    return _("An authenticator of the project refused the credential.")


def _lacking(text: str, scopes: tuple[str, ...] | None) -> list[str]:
    return [gettext(text) % " ".join(scopes)] if scopes else []
