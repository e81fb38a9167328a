"""A device gets what its user approved and may have, once."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth import get_user_model
from django.urls import include, path
from django.utils import timezone
from oauth2_provider.models import (
    AccessToken,
    Application,
    DeviceGrant,
    RefreshToken,
)
from oauth2_provider.oauth2_validators import OAuth2Validator

from api_guard import grants
from api_guard.models import RefreshScope
from tests.authorization import (
    FORM,
)
from tests.authorization import deployed as deployed
from tests.authorization import granted as granted
from tests.authorization import in_both_settings as in_both_settings
from tests.authorization import web_app as web_app
from tests.authorization import with_devices as with_devices

pytestmark = [pytest.mark.urls(__name__), pytest.mark.django_db]
DEVICE = "urn:ietf:params:oauth:grant-type:device_code"

urlpatterns = [path("o/", include("api_guard.oauth2.urls"))]


@pytest.fixture
def device_app(web_app):
    web_app.authorization_grant_type = DEVICE
    web_app.client_type = "public"
    web_app.save()
    return web_app


def start(client, scope="scope=notes%3Aread+notes%3Awrite"):
    answer = client.post("/o/device-authorization/", f"client_id=web&{scope}", content_type=FORM)
    assert answer.status_code == 200, answer.content
    return answer.json()


@pytest.mark.usefixtures("with_devices", "device_app")
@pytest.mark.parametrize("charset", ["; charset=utf-8", ";charset=UTF-8", ""])
def test_a_form_may_say_its_charset(client, granted, charset):
    body = "client_id=web&scope=notes%3Aread"
    answer = client.post("/o/device-authorization/", body, content_type=f"{FORM}{charset}")
    assert answer.status_code == 200, answer.content


def approve(client, user, started):
    client.force_login(user)
    assert client.post("/o/device/", {"user_code": started["user_code"]}).status_code == 302
    page = client.get(f"/o/device-confirm/web/{started['user_code']}")
    client.post(f"/o/device-confirm/web/{started['user_code']}", {"action": "accept"})
    return page


def poll(client, started, client_id="web"):
    body = f"grant_type={DEVICE}&device_code={started['device_code']}&client_id={client_id}"
    return client.post("/o/token/", body, content_type=FORM)


@pytest.mark.usefixtures("with_devices", "device_app")
def test_a_device_gets_once_what_its_user_approved_and_may_have(client, alice, granted):
    started = start(client)
    assert poll(client, started).json()["error"] == "authorization_pending"
    grants.revoke(granted["user", "notes:write"], by=grants.System("a test"))
    page = approve(client, alice, started)
    assert "Read notes" in page.content.decode()
    assert "Change notes" not in page.content.decode()
    got = poll(client, started)
    assert (got.status_code, got.json()["scope"]) == (200, "notes:read")
    issued = AccessToken.objects.get()
    assert (issued.user, issued.scope) == (alice, "notes:read")
    assert poll(client, started).json() == {"error": "invalid_grant"}
    assert AccessToken.objects.count() == 1
    # The refresh token stands for what was approved.
    grants.grant("notes:write", alice, by=grants.System("a test"))
    refresh_token = RefreshToken.objects.get()
    assert RefreshScope.objects.get(refresh_token=refresh_token).scope == "notes:read notes:write"


@pytest.mark.usefixtures("with_devices", "device_app")
def test_a_device_that_names_no_scope_asks_for_what_the_client_has(client, alice, granted):
    started = start(client, "")
    approve(client, alice, started)
    assert poll(client, started).json()["scope"] == "notes:read notes:write"


@pytest.mark.usefixtures("with_devices", "device_app")
def test_a_device_cannot_ask_for_what_its_client_was_not_granted(client, granted):
    body = "client_id=web&scope=audit%3Aread"
    answer = client.post("/o/device-authorization/", body, content_type=FORM)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_scope")
    assert not DeviceGrant.objects.exists()


@pytest.mark.usefixtures("with_devices", "device_app")
def test_a_device_code_is_worth_nothing_to_another_client(client, alice, granted):
    other = Application.objects.create(
        client_id="other", client_type="public", authorization_grant_type=DEVICE
    )
    grants.grant("notes:read", other, by=grants.System("a test"))
    started = start(client)
    approve(client, alice, started)
    assert poll(client, started, "other").json() == {"error": "invalid_grant"}
    assert poll(client, started).status_code == 200


@pytest.mark.usefixtures("with_devices", "device_app")
def test_a_device_code_ends_with_its_time_its_user_and_its_grants(client, alice, granted):
    for change, error in (
        (lambda: DeviceGrant.objects.update(expires=timezone.now()), "expired_token"),
        (lambda: DeviceGrant.objects.update(status="denied"), "access_denied"),
        (lambda: [grants.revoke_all(alice, by=grants.System("a test"))], "invalid_grant"),
        (lambda: get_user_model().objects.update(is_active=False), "invalid_grant"),
    ):
        started = start(client)
        approve(client, alice, started)
        change()
        assert poll(client, started).json()["error"] == error
        DeviceGrant.objects.all().delete()
    assert not AccessToken.objects.exists()


@pytest.mark.usefixtures("with_devices", "device_app")
def test_a_device_code_that_is_gone_when_its_token_is_saved_gives_none(
    client, alice, granted, monkeypatch
):
    started = start(client)
    approve(client, alice, started)
    saved = OAuth2Validator._save_bearer_token

    def slow(self, token, request, *args, **kwargs):
        saved(self, token, request, *args, **kwargs)
        DeviceGrant.objects.all().delete()

    monkeypatch.setattr(OAuth2Validator, "_save_bearer_token", slow)
    assert poll(client, started).json() == {"error": "invalid_grant"}
    assert not AccessToken.objects.exists()


@pytest.mark.usefixtures("with_devices", "device_app")
def test_a_poll_without_a_device_code_is_an_invalid_request(client, granted):
    answer = client.post("/o/token/", f"grant_type={DEVICE}&client_id=web", content_type=FORM)
    assert (answer.status_code, answer.json()) == (400, {"error": "invalid_request"})


@pytest.mark.usefixtures("with_devices", "device_app")
def test_a_device_code_that_is_asked_for_with_json_or_by_nobody_is_an_error(client, granted):
    body = {"client_id": "web"}
    answer = client.post("/o/device-authorization/", body, content_type="application/json")
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")
    answer = client.post("/o/device-authorization/", "client_id=nobody", content_type=FORM)
    assert 400 <= answer.status_code < 500


@pytest.mark.usefixtures("with_devices", "device_app")
def test_the_status_of_a_device_code_is_that_of_rfc_8628(rf, granted, alice):
    from types import SimpleNamespace

    from api_guard.oauth2 import GuardedValidator

    def status(code="device", client_id="web"):
        request = SimpleNamespace(client=SimpleNamespace(client_id=client_id))
        return GuardedValidator().validate_device_code(client_id, code, request)

    later = timezone.now() + timedelta(hours=1)
    fields = {"scope": "notes:read", "expires": later, "user": alice, "user_code": "user"}
    device = DeviceGrant.objects.create(client_id="web", device_code="device", **fields)
    assert status() == "authorization_pending"
    assert status("other") is None
    assert status(client_id="other") is None
    device.status = DeviceGrant.DENIED
    device.save()
    assert status() == "access_denied"


@pytest.mark.usefixtures("with_devices", "device_app")
def test_with_oauthlib_3_3_a_device_is_held_to_the_same(client, alice, granted, monkeypatch):
    """It asks neither for a device's scopes nor for the status of its code."""
    from oauthlib.oauth2.rfc8628.grant_types import DeviceCodeGrant

    monkeypatch.setattr(DeviceCodeGrant, "validate_scopes", lambda self, request: None)
    body = "client_id=web&scope=audit%3Aread"
    answer = client.post("/o/device-authorization/", body, content_type=FORM)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_scope")
    monkeypatch.undo()

    monkeypatch.setattr(
        DeviceCodeGrant, "validate_device_code", lambda self, request: None, raising=False
    )
    started = start(client)
    approve(client, alice, started)
    DeviceGrant.objects.update(expires=timezone.now())
    assert poll(client, started).json()["error"] == "expired_token"
    DeviceGrant.objects.update(expires=timezone.now() + timedelta(hours=1), status="authorized")
    grants.revoke(granted["user", "notes:write"], by=grants.System("a test"))
    assert poll(client, started).json()["scope"] == "notes:read"
