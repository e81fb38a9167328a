"""Bundles in the admin: given in the form, shown with the scopes that they open."""

import pytest
from django.contrib.auth.models import Group
from django.urls import path
from rest_framework.response import Response
from rest_framework.views import APIView

from api_guard import grants, guard
from api_guard.models import ScopeGrant
from tests.urls import urlpatterns as admin_urls

TEST = grants.System("a test")


@guard(read="notes:write")
class View(APIView):
    def get(self, request):
        return Response()


urlpatterns = [path("notes/", View.as_view()), *admin_urls]
pytestmark = [pytest.mark.urls(__name__), pytest.mark.django_db]


@pytest.fixture(autouse=True)
def editor(settings):
    settings.API_GUARD = {
        **settings.API_GUARD,
        "SCOPES": {name: f"May {name}" for name in ("notes:read", "notes:write", "audit:read")},
        "BUNDLES": {
            "editor": {"description": "Edit notes", "scopes": ["notes:read", "notes:write"]},
        },
    }
    grants.pin("@editor", by=TEST)


@pytest.fixture
def root(client, django_user_model):
    user = django_user_model.objects.create_superuser("root")
    client.force_login(user, "django.contrib.auth.backends.ModelBackend")
    return client


def page(root, url):
    response = root.get(url)
    assert response.status_code == 200
    return " ".join(response.content.decode().split())


def test_a_bundle_is_given_in_the_form_and_opens_its_scopes(root, api, alice):
    form = page(root, "/admin/api_guard/scopegrant/add/")
    assert "Bundles" in form
    assert "notes:read, notes:write" in form
    sent = {"grantees": f"user:{alice.pk}", "scopes": "@editor", "expiry": "week", "reason": "r"}
    assert root.post("/admin/api_guard/scopegrant/add/", sent).status_code == 302
    assert ScopeGrant.objects.get().scope == "@editor"
    assert api.by_session(alice).get("/notes/").status_code == 200
    assert "Edit notes" in page(root, "/admin/api_guard/scopegrant/")


def test_the_access_page_shows_each_scope_and_the_bundle_that_gives_it(root, alice):
    grants.grant("@editor", alice, by=TEST)
    grants.grant("audit:read", alice, by=TEST)
    shown = page(root, f"/admin/api_guard/access/user/{alice.pk}/")
    assert shown.count("by the bundle <code>@editor</code>, which is taken as a whole") == 2
    assert "<h2>2 live grants</h2>" in shown
    assert shown.count('name="grant"') == 2
    for scope in ("notes:read", "notes:write", "audit:read"):
        assert f"<code>{scope}</code></a>" in shown
    group = Group.objects.create(name="writers")
    grants.grant("@editor", group, by=TEST)
    shown = page(root, f"/admin/api_guard/access/group/{group.pk}/")
    assert shown.count("by the bundle <code>@editor</code>") == 2


def test_a_bundle_is_given_and_taken_on_the_access_page(root, alice):
    url = f"/admin/api_guard/access/user/{alice.pk}/"
    shown = page(root, url)
    assert 'value="@editor"' in shown
    assert "Edit notes" in shown
    assert "notes:read, notes:write" in shown
    root.post(url, {"_give": "1", "scopes": "@editor", "expiry": "week", "reason": "r"})
    row = grants.held(alice).get()
    assert row.scope == "@editor"
    root.post(url, {"_take": "1", "grant": [row.pk, row.pk], "reason": "r"})
    assert not grants.held(alice).exists()


def test_the_page_of_a_scope_names_who_has_it_by_a_bundle(root, alice, settings):
    grants.grant("@editor", alice, by=TEST)
    assert "alice" in page(root, "/admin/api_guard/scope/notes_3Awrite/")
    assert "alice" not in page(root, "/admin/api_guard/scope/audit_3Aread/")
    # A scope that a deploy adds opens nothing before it is applied.
    wider = {"description": "Edit", "scopes": ["notes:read", "notes:write", "audit:read"]}
    settings.API_GUARD = {**settings.API_GUARD, "BUNDLES": {"editor": wider}}
    assert "alice" not in page(root, "/admin/api_guard/scope/audit_3Aread/")


def test_who_manages_every_scope_is_offered_the_bundles(client, staff):
    client.force_login(staff, "django.contrib.auth.backends.ModelBackend")
    group = Group.objects.create(name="managers")
    grants.authorize(group, "*", by=TEST)
    staff.groups.add(group)
    assert "@editor" in grants.managed_scopes(staff)
    assert "@editor" in page(client, "/admin/api_guard/scopegrant/add/")
