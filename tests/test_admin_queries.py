"""The pages of the admin under queries and forms that nobody writes by hand."""

from __future__ import annotations

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group

from api_guard import grants
from api_guard.grants import System
from api_guard.models import GrantRequest, ScopeGrant
from tests.admin_forms import ADD, LIST, giving

CODE = System("a test")
PAGES = "/admin/api_guard"
SCOPES = {
    "notes:read": {"description": "Read notes", "group": "Notes"},
    "pay:read": {"description": "Read payments", "group": "Pay", "max_days": 2},
}


@pytest.fixture(autouse=True)
def _scopes(settings):
    settings.API_GUARD = {**settings.API_GUARD, "SCOPES": SCOPES}


@pytest.fixture
def leads(client, db):
    """Sign in a manager of the scopes of Notes alone."""
    group = Group.objects.create(name="leads")
    grants.authorize(group, "Notes", by=CODE)
    user = get_user_model().objects.create_user("nora", is_staff=True)
    user.groups.add(group)
    client.force_login(user)
    return client


@pytest.mark.parametrize("name", ["items", "keys", "values", "get", "pop", "0"])
@pytest.mark.parametrize("page", ["scope/notes_3Aread/", "matrix/", "access/", "endpoint/"])
def test_a_parameter_may_be_called_as_a_method_of_a_dictionary(admin_client, alice, page, name):
    grants.grant("notes:read", alice, by=CODE)
    answer = admin_client.get(f"{PAGES}/{page}", {name: "ab", "q": "alice"})
    assert answer.status_code == 200


@pytest.mark.parametrize("page", ["scopegrant", "grantrequest", "accessreview", "ledgerrecord"])
@pytest.mark.parametrize("act", ["change", "delete", "history"])
def test_an_empty_to_field_is_no_to_field(admin_client, alice, page, act):
    grants.grant("notes:read", alice, by=CODE)
    answer = admin_client.get(f"{PAGES}/{page}/1/{act}/", {"_to_field": ""})
    assert answer.status_code in {200, 302, 403}


@pytest.mark.parametrize("page", ["scopegrant", "grantrequest"])
def test_the_filter_of_scopes_names_only_the_scopes_that_a_manager_sees(leads, admin_user, page):
    assert b"pay" not in leads.get(f"{PAGES}/{page}/?state=all").content
    leads.force_login(admin_user)
    assert b"pay" in leads.get(f"{PAGES}/{page}/?state=all").content


def test_the_errors_of_the_form_are_in_the_language_of_the_page(admin_client, alice, settings):
    settings.LANGUAGE_CODE = "de"
    answer = admin_client.post(ADD, giving(alice, scopes=["pay:read"], expiry="week"))
    assert not ScopeGrant.objects.exists()
    said = " ".join(answer.context["adminform"].form.errors["expiry"])
    assert "höchstens" in said


def test_to_take_what_somebody_else_has_taken_says_so(leads, alice):
    row = grants.grant("notes:read", alice, by=CODE)
    page = f"{PAGES}/access/user/{alice.pk}/"
    grants.revoke(row, by=CODE)
    answer = leads.post(page, {"_take": "1", "grant": row.pk, "take_reason": ""}, follow=True)
    assert b"it has ended meanwhile" in answer.content
    assert GrantRequest.objects.count() == 0
    assert leads.get(LIST).status_code == 200


@pytest.mark.parametrize("key", ["", "abc", "{}", "99999999999999999999", "0001-01-01"])
@pytest.mark.parametrize(
    ("page", "action"),
    [
        ("scopegrant/?state=all", "revoke"),
        ("grantauthority/", "delete_selected"),
        ("grantrequest/?state=all", "approve"),
    ],
)
def test_an_action_on_what_is_no_row_is_a_bad_request(admin_client, alice, page, action, key):
    grants.grant("notes:read", alice, by=CODE)
    grants.authorize(Group.objects.create(name="leads"), "Notes", by=CODE)
    chosen = {"action": action, "_selected_action": key, "index": "0"}
    assert admin_client.post(f"{PAGES}/{page}", chosen).status_code == 400


@pytest.mark.parametrize("key", ["abc", "{}", "99999999999999999999"])
@pytest.mark.parametrize(
    ("page", "field"),
    [
        ("scopegrant/end-access/", "user"),
        ("accessreview/add/", "reviewer"),
        ("rateoverride/add/", "user"),
        ("remotesubject/add/", "user"),
    ],
)
def test_a_grantee_that_cannot_exist_is_an_error_of_the_form(admin_client, page, field, key):
    answer = admin_client.post(f"{PAGES}/{page}", {field: key})
    assert answer.status_code == 200
    shown = answer.context.get("adminform")
    form = answer.context["form"] if shown is None else shown.form
    assert field in form.errors


@pytest.mark.parametrize("zone", ["UTC", "America/Havana"])
def test_the_pages_work_in_a_project_without_time_zones(admin_client, alice, settings, zone):
    settings.USE_TZ, settings.TIME_ZONE = False, zone
    row = grants.grant("notes:read", alice, by=CODE)
    pages = ("", "ledgerrecord/", "scopegrant/", "accessreview/", "grantrequest/", "client/")
    pages += (f"access/user/{alice.pk}/", f"scopegrant/{row.pk}/change/", "scope/notes_3Aread/")
    for page in pages:
        assert admin_client.get(f"{PAGES}/{page}").status_code == 200
    assert "now" in admin_client.get(f"{PAGES}/ledgerrecord/").content.decode()
