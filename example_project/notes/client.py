"""The client `demo`, as its user sees it: it asks for consent, and gets a code."""

import secrets
import shlex
from base64 import urlsafe_b64encode
from hashlib import sha256
from urllib.parse import urlencode

from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_safe


@require_safe
def start(request):
    """Keep a verifier, and send the user to the consent with its challenge (RFC 7636 §4.2)."""
    verifier = request.session["verifier"] = secrets.token_urlsafe(48)
    challenge = urlsafe_b64encode(sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    asked = {
        "response_type": "code",
        "client_id": "demo",
        "redirect_uri": _callback_of(request),
        "scope": "notes:read notes:write",
        "code_challenge": challenge,
        "code_challenge_method": "S256",
    }
    return redirect(f"{reverse('oauth2_provider:authorize')}?{urlencode(asked)}")


@require_safe
def callback(request):
    """Show the code, and the line that exchanges it. A real client would exchange it here."""
    code = request.GET.get("code")
    if not code:
        return _page(f"No code: {request.GET.get('error', 'none given')}")
    verifier = request.session.pop("verifier", None)
    if verifier is None:
        return _page(f"The code is {code}")
    values = {
        "grant_type": "authorization_code",
        "client_id": "demo",
        "redirect_uri": _callback_of(request),
        "code_verifier": verifier,
        "code": code,
    }
    data = " ".join(f"-d {shlex.quote(f'{name}={value}')}" for name, value in values.items())
    token = request.build_absolute_uri(reverse("oauth2_provider:token"))
    return _page(f"The code is {code}\n\nExchange it within a minute:\n\ncurl -s {data} {token}")


def _callback_of(request):
    return request.build_absolute_uri(reverse("callback"))


def _page(text):
    return HttpResponse(f"{text}\n", content_type="text/plain; charset=utf-8")
