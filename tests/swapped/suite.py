"""Run by tests/test_swapped.py in a process of its own: models are swapped for good."""

import base64
import hashlib
import re
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from django.contrib import admin
from django.contrib.admin.utils import quote
from django.contrib.auth.admin import UserAdmin
from django.urls import include, path
from rest_framework.decorators import api_view
from rest_framework.response import Response

from api_guard import SIGNED_IN, grants, guard, tokens
from tests.admin_forms import ADD, LIST, extend, giving, link, messages, revoke
from tests.swapped.models import AccessToken, Application, RefreshToken, User

pytestmark = pytest.mark.django_db

VERIFIER = "v" * 43
DIGEST = hashlib.sha256(VERIFIER.encode()).digest()
BACK = "https://client.example/back"


@guard(read=("notes:read", SIGNED_IN), throttle="1000/m")
@api_view(["GET"])
def notes(request):
    return Response(str(request.user.pk))


admin.site.register(User, UserAdmin)

urlpatterns = [
    path("notes", notes),
    path("o/", include("api_guard.oauth2.urls")),
    path("admin/", admin.site.urls),
]


@pytest.fixture
def alice():
    return User.objects.create_user("alice", password="wonderland")


@pytest.fixture
def app():
    return Application.objects.create(
        client_id="web",
        client_type="public",
        authorization_grant_type="authorization-code",
        redirect_uris=BACK,
    )


@pytest.fixture
def pair(client, alice, app):
    """Tokens of a whole sign-in, and the grants behind them."""
    for grantee in (alice, app):
        for scope in ("notes:read", "notes:write"):
            grants.grant(scope, grantee, by=grants.System("a test"))
    client.force_login(alice)
    query = {
        "response_type": "code",
        "client_id": "web",
        "redirect_uri": BACK,
        "scope": "notes:read notes:write",
        "code_challenge": base64.urlsafe_b64encode(DIGEST).decode().rstrip("="),
        "code_challenge_method": "S256",
    }
    page = client.get("/o/authorize/", query).content.decode()
    hidden = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', page))
    back = client.post("/o/authorize/", {**hidden, "allow": "Authorize"})["Location"]
    [code] = parse_qs(urlsplit(back).query)["code"]
    client.logout()
    return token(
        client,
        "authorization_code",
        code=code,
        redirect_uri=BACK,
        code_verifier=VERIFIER,
    )


def token(client, grant_type, **data):
    data |= {"grant_type": grant_type, "client_id": "web"}
    form = "application/x-www-form-urlencoded"
    return client.post("/o/token/", urlencode(data), content_type=form).json()


def call(client, pair):
    bearer = f"Bearer {pair['access_token']}"
    return client.get("/notes", HTTP_AUTHORIZATION=bearer).status_code


def test_a_token_is_used_refreshed_narrowed_and_revoked(client, pair, alice, app):
    assert call(client, pair) == 200
    grants.revoke(grants.held(alice).get(scope="notes:write"), by=grants.System("a test"))
    second = token(client, "refresh_token", refresh_token=pair["refresh_token"])
    assert second["scope"] == "notes:read"
    grants.grant("notes:write", alice, by=grants.System("a test"))
    third = token(client, "refresh_token", refresh_token=second["refresh_token"])
    assert third["scope"] == "notes:read notes:write"
    assert (call(client, second), call(client, third)) == (401, 200)
    grants.revoke_all(app, by=grants.System("a test"))
    assert call(client, third) == 403
    assert tokens.revoke_tokens(alice) == 2
    assert call(client, third) == 401
    assert not RefreshToken.objects.filter(revoked=None).exists()


def test_a_disabled_client_and_a_token_bound_to_a_key_are_refused(client, pair, app):
    AccessToken.objects.update(cnf={"jkt": "x"})
    assert call(client, pair) == 401
    AccessToken.objects.update(cnf=None)
    assert call(client, pair) == 200
    Application.objects.update(is_enabled=False)
    assert call(client, pair) == 401
    refused = token(client, "refresh_token", refresh_token=pair["refresh_token"])
    assert "error" in refused


def test_the_admin_grants_and_ends(client, alice, app):
    client.force_login(User.objects.create_superuser("root", password="root"))
    page = client.get(link(user=alice.pk, client=app.pk, scopes="notes:read")).content.decode()
    assert f'value="user:{alice.pk}" selected' in page
    form = giving(alice, app, scopes=["notes:read", "notes:write"])
    assert client.post(ADD, form).status_code == 302
    assert grants.held(alice).count() == 2
    rows = [*grants.held(alice), *grants.held(app)]
    found = client.get(f"{LIST}?q={app.client_id}").context["cl"].result_list
    assert set(found) == set(grants.held(app))
    one = rows.pop()
    assert f"/{one.pk}/change/" in client.get(LIST).content.decode()
    [said] = messages(extend(client, [one.pk], expiry="day"))
    assert said.startswith("The new end of 1 grant")
    assert messages(revoke(client, [one.pk])) == ["1 grant was revoked."]
    form = {"user": alice.pk, "client": "", "revoke_grants": "on", "reason": ""}
    assert client.post("/admin/api_guard/scopegrant/end-access/", form).status_code == 302
    assert grants.held(alice).count() == 0


def test_the_access_pages_give_take_and_link(client, alice, app):
    client.force_login(User.objects.create_superuser("root", password="root"))
    for kind, grantee in (("user", alice), ("client", app)):
        url = f"/admin/api_guard/access/{kind}/{grantee.pk}/"
        opts = grantee._meta
        if grantee is alice:
            admin_page = f"/admin/{opts.app_label}/{opts.model_name}/{grantee.pk}/change/"
            assert f'href="{url}"' in client.get(admin_page).content.decode()
        form = {
            "_give": "",
            "scopes": "notes:read",
            "expiry": "week",
            "expires_on": "",
            "reason": "",
        }
        assert client.post(url, form).status_code == 302
        row = grants.held(grantee).get()
        page = client.get(url, {"with": app.pk if kind == "user" else alice.pk})
        assert f'name="grant" value="{row.pk}"' in page.content.decode()
        assert url in client.get("/admin/api_guard/access/", {"q": str(grantee)}).content.decode()
    scope = client.get("/admin/api_guard/scope/notes_3Aread/").content.decode()
    assert str(alice.pk) in scope
    asked = {"method": "GET", "path": "/notes", "user": "alice", "client": "web"}
    assert ">allowed<" in client.post("/admin/api_guard/explanation/", asked).content.decode()
    for grantee in (alice, app):
        kind = "user" if grantee is alice else "client"
        row = grants.held(grantee).get()
        url = f"/admin/api_guard/access/{kind}/{grantee.pk}/"
        assert client.post(url, {"_take": "", "grant": row.pk}).status_code == 302
        assert not grants.held(grantee).exists()
    page = client.post("/admin/api_guard/explanation/", asked).content.decode()
    assert f"user={alice.pk}" in page
    assert f"client={app.pk}" in page


def test_a_new_password_ends_every_token(client, pair, alice):
    alice.set_password("looking glass")
    alice.save()
    assert call(client, pair) == 401


def test_the_pages_of_clients_blocks_and_the_matrix(client, pair, alice, app):
    root = User.objects.create_superuser("root")
    client.force_login(root)
    app.user = alice
    app.save()
    pages = "/admin/api_guard"
    assert [line.row for line in client.get(f"{pages}/client/").context["lines"]] == [app]
    url = f"{pages}/client/{quote(app.pk)}/"
    page = client.get(url)
    assert [found.row for found, _url, _share in page.context["users"]] == [alice]
    page = client.post(url, {"reason": "leaked"}, follow=True)
    assert messages(page)[0].startswith("Revoked")
    assert not AccessToken.objects.exists()
    [line] = client.get(f"{pages}/matrix/?group=-").context["lines"]
    assert [bool(cell.ways) for cell in line.cells][:2] == [True, True]
    assert client.get(line.cells[0].url).status_code == 200
    assert client.get(f"{pages}/ledgerrecord/?whom=alice&event=grant").context["lines"]
    assert client.get(f"{pages}/block/?kind=user&account=alice").status_code == 200
