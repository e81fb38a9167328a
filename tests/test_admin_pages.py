"""The pages of the admin without a table: access, scopes, endpoints, explanations."""

from __future__ import annotations

import io
import json
import logging
import re
from datetime import datetime, timedelta
from urllib.parse import urlencode

import pytest
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.contrib.admin.utils import quote
from django.contrib.auth import get_user_model
from django.contrib.auth.admin import GroupAdmin, UserAdmin
from django.contrib.auth.models import Group, Permission
from django.core.exceptions import FieldDoesNotExist
from django.core.management import call_command
from django.http import HttpResponse
from django.test import override_settings
from django.urls import include, path
from django.utils import timezone, translation
from django.utils.html import escape
from oauth2_provider.models import Application, RefreshToken
from rest_framework.decorators import api_view
from rest_framework.response import Response
from rest_framework.views import APIView

from api_guard import PUBLIC, grants, guard, tokens
from api_guard.admin import (
    AccessAdmin,
    EndpointAdmin,
    ExplanationAdmin,
    ScopeAdmin,
    ScopeGrantAdmin,
    holders,
    overview,
)
from api_guard.admin.access_rows import lines
from api_guard.admin.linking import _relink
from api_guard.admin.viewing import Viewer
from api_guard.explain import requirements, who_can
from api_guard.limits.counters import CounterFault
from api_guard.models import (
    Access,
    AccessReview,
    Endpoint,
    Explanation,
    GrantAuthority,
    GrantRequest,
    LedgerRecord,
    RateOverride,
    Scope,
    ScopeGrant,
    recorded,
)
from api_guard.permissions import HasScopes
from api_guard.templatetags.api_guard_admin import in_words

pytestmark = [pytest.mark.django_db, pytest.mark.urls(__name__)]

CODE = grants.System("a test")
NOBODY = Viewer(None, sees_all=True, gives=frozenset(), gives_all=False)
ACCESS, SCOPES = "/admin/api_guard/access/", "/admin/api_guard/scope/"
ENDPOINTS, EXPLAIN = "/admin/api_guard/endpoint/", "/admin/api_guard/explanation/"
HOSTILE = "<script>alert('x')</script>"
TERMS = {
    "notes:read": {"description": "Read notes", "group": "Notes"},
    "notes:write": {"description": "Change notes", "group": "Notes", "max_days": 90},
    "pay:refund": {"description": "Refund", "group": "Pay", "sensitive": True, "max_days": 7},
    "audit:read": "Read the audit",
}


@guard(read="notes:read", write="notes:write", throttle="100/m")
@api_view(["GET", "POST"])
def notes(request):
    return Response({})


@guard(read=PUBLIC)
@api_view(["GET"])
def ping(request):
    return Response({})


@api_view(["GET"])
def health(request):
    return Response({})


class Forgotten(APIView):
    def get(self, request):
        return Response({})


class Audit(APIView):
    permission_classes = [HasScopes("audit:read")]

    def get(self, request):
        return Response({})


def plain(request):
    return HttpResponse("plain")


site = admin.AdminSite("second")
site.register(get_user_model(), UserAdmin)
site.register(Group, GroupAdmin)
site.register(ScopeGrant, ScopeGrantAdmin)
for model, model_admin in (
    (Access, AccessAdmin),
    (Scope, ScopeAdmin),
    (Endpoint, EndpointAdmin),
    (Explanation, ExplanationAdmin),
):
    site.register(model, model_admin)

# Sites with some of the pages only.
lone, others = admin.AdminSite("lone"), admin.AdminSite("others")
lone.register(Access, AccessAdmin)
lone.register(Endpoint, EndpointAdmin)
others.register(Scope, ScopeAdmin)
others.register(Explanation, ExplanationAdmin)

urlpatterns = [
    path("admin/", admin.site.urls),
    path("second/", site.urls),
    path("lone/", lone.urls),
    path("others/", others.urls),
    path("o/", include("api_guard.oauth2.urls")),
    path("notes/", notes),
    path("ping/", ping),
    path("health/", health),
    path("forgotten/", Forgotten.as_view()),
    path("audit/", Audit.as_view()),
    path("plain/", plain),
]


@pytest.fixture(autouse=True)
def _declared(settings):
    exempt = {f"{__name__}.health": "for the load balancer"}
    settings.API_GUARD = {"SCOPES": TERMS, "EXEMPT": exempt}


@pytest.fixture
def root(client, admin_user):
    client.force_login(admin_user)
    return client


@pytest.fixture
def managing(db):
    """Return a member of staff with an authority over a group of scopes, and nothing else."""

    def managing(name, scope_group, *codenames):
        user = get_user_model().objects.create_user(name, is_staff=True)
        if scope_group:
            group = Group.objects.create(name=f"group of {name}")
            user.groups.add(group)
            with recorded():
                GrantAuthority.objects.create(group=group, scope_group=scope_group)
        user.user_permissions.add(*Permission.objects.filter(codename__in=codenames))
        return user

    return managing


def of(kind, row):
    return f"{ACCESS}{kind}/{quote(row.pk)}/"


def text(response, status=200):
    assert response.status_code == status, response
    return response.content.decode()


def messages(response):
    return [str(message) for message in response.context["messages"]]


def given(**values):
    return {"_give": "Give", "expiry": "month", "expires_on": "", "reason": "", **values}


# Every page


PAGES = (ACCESS, SCOPES, ENDPOINTS, EXPLAIN)


def test_the_pages_stand_in_the_sidebar_of_every_site(root, alice):
    for place in ("admin", "second"):
        page = text(root.get(f"/{place}/"))
        for each in PAGES:
            url = each.replace("/admin/", f"/{place}/")
            assert f'href="{url}"' in page
            shown = text(root.get(url))
            assert f'href="/{place}/"' in shown
            assert "<style" not in shown
            assert "style=" not in shown
            assert "onclick" not in shown
        page = text(root.get(f"/{place}/api_guard/access/user/{alice.pk}/"))
        assert f'href="/{place}/api_guard/access/"' in page
        for name in ("notes:read", "bogus"):
            status = 200 if name in TERMS else 404
            assert root.get(f"/{place}/api_guard/scope/{quote(name)}/").status_code == status


def test_each_page_works_on_a_site_without_the_others(root, alice, settings):
    group = Group.objects.create(name="editors")
    alice.groups.add(group)
    for grantee in (alice, group):
        grants.grant("notes:read", grantee, by=CODE)
    page = text(root.get(f"/lone/api_guard/access/user/{alice.pk}/"))
    assert "notes:read" in page
    assert "/scope/" not in page
    assert "expire" not in text(root.get("/lone/api_guard/"))
    page = text(root.get("/lone/api_guard/endpoint/"))
    assert "/notes/" in page
    assert "Who holds" not in page
    page = text(root.get(f"/others/api_guard/scope/{quote('notes:read')}/"))
    assert "directly, group editors" in page
    assert "/access/" not in page
    asked = {"method": "POST", "path": "/notes/", "user": "alice"}
    page = text(root.post("/others/api_guard/explanation/", asked))
    assert "alice lacks notes:write" in page


def test_each_page_has_a_permission_of_its_own(client, managing, alice):
    pages = {
        "view_access": [ACCESS, of("user", alice)],
        "view_scope": [SCOPES, f"{SCOPES}{quote('notes:read')}/"],
        "view_endpoint": [ENDPOINTS],
        "view_explanation": [EXPLAIN],
    }
    for codename, own in pages.items():
        client.force_login(managing(f"may {codename}", None, codename))
        for urls in pages.values():
            for url in urls:
                assert client.get(url).status_code == (200 if url in own else 403), (codename, url)
        assert (own[0] in text(client.get("/admin/"))) is True
    client.force_login(managing("nobody", None, "add_scopegrant", "view_scopegrant"))
    for url in (*PAGES, of("user", alice), f"{of('user', alice)}offboard/"):
        assert client.get(url).status_code == 403
        assert client.post(url, {}).status_code == 403


def test_strangers_sign_in_first_and_forms_need_their_token(alice, admin_user):
    from django.test import Client

    strict = Client(enforce_csrf_checks=True)
    assert strict.get(ACCESS).status_code == 302
    strict.force_login(admin_user)
    for url in (of("user", alice), f"{of('user', alice)}offboard/", EXPLAIN):
        assert strict.post(url, given(scopes="notes:read")).status_code == 403
    assert not ScopeGrant.objects.exists()


def test_pages_without_a_table_are_no_rows_to_anybody(db):
    assert list(Access.objects.all()) == []
    assert str(Scope()) == "scope"
    written = io.StringIO()
    call_command("dumpdata", "api_guard", stdout=written)
    assert "access" not in {row["model"] for row in json.loads(written.getvalue())}


# Access: find


def test_a_grantee_is_found_by_name_mail_and_client_id(root, alice, application):
    alice.email, alice.first_name = "liddell@example.com", "Alicia"
    alice.save()
    Group.objects.create(name="editors")
    assert "Search for a user" in text(root.get(ACCESS))
    for term, kind, row in (
        ("lidd", "user", alice),
        ("licia", "user", alice),
        (application.client_id[:9], "client", application),
        ("app", "client", application),
        ("edit", "group", Group.objects.get()),
    ):
        page = text(root.get(ACCESS, {"q": term}))
        assert f'href="{of(kind, row)}"' in page, term
        assert of(kind, row) in text(root.get(ACCESS, {"q": term, "kind": kind}))
        other = "group" if kind != "group" else "user"
        assert of(kind, row) not in text(root.get(ACCESS, {"q": term, "kind": other}))
    for term in ("x", "zebra", "\x00a", "a" * 5000):
        assert "Nobody is called" in text(root.get(ACCESS, {"q": term}))
    get_user_model().objects.bulk_create(
        get_user_model()(username=f"user{number:02}") for number in range(25)
    )
    assert "There are more" in text(root.get(ACCESS, {"q": "user"}))


def test_a_manager_finds_names_alone(client, managing, alice):
    alice.email = "secret@example.com"
    alice.save()
    client.force_login(managing("nora", "Notes"))
    assert "Nobody is called" in text(client.get(ACCESS, {"q": "secret"}))
    page = text(client.get(ACCESS, {"q": "alice"}))
    assert of("user", alice) in page
    assert "secret@" not in page


def test_hostile_names_are_escaped(root):
    user = get_user_model().objects.create(username=HOSTILE, email='"><b>@x.example')
    client_row = Application.objects.create(
        name=HOSTILE, user=user, client_type="confidential", authorization_grant_type="password"
    )
    group = Group.objects.create(name=HOSTILE)
    user.groups.add(group)
    for row in (user, client_row, group):
        grants.grant("notes:read", row, by=grants.Claimed(HOSTILE), reason=HOSTILE)
    pages = [of("user", user), of("client", client_row), of("group", group)]
    pages += [f"{of('user', user)}?with={client_row.pk}", f"{ACCESS}?{urlencode({'q': HOSTILE})}"]
    pages += [f"{of('user', user)}?q=script", f"{of('user', user)}offboard/"]
    scope = f"{SCOPES}{quote('notes:read')}/"
    pages += [f"{scope}?held={kind}" for kind in ("user", "group", "client")]
    for url in pages:
        page = text(root.get(url))
        assert "<script>alert" not in page, url
        assert "<b>@x" not in page, url
    asked = {"method": "GET", "path": f"/{HOSTILE}", "user": HOSTILE}
    assert "<script>alert" not in text(root.post(EXPLAIN, asked))


# Access: see


def test_everything_a_user_may_do_is_shown_with_its_source(root, alice, application, settings):
    settings.API_GUARD |= {"EVERYONE_GROUP": "everyone"}
    everyone, editors = (Group.objects.create(name=name) for name in ("everyone", "editors"))
    alice.groups.add(editors)
    soon = timezone.now() + timedelta(days=3, hours=1)
    grants.grant("notes:read", alice, by=CODE, expires_at=soon, reason="for a while")
    grants.grant("notes:write", editors, by=CODE, expires_at=soon)
    grants.grant("audit:read", everyone, by=CODE)
    page = text(root.get(of("user", alice)))
    assert "3 live grants" in page
    for said in ("directly", f'href="{of("group", editors)}"', "everyone", "for a while"):
        assert said in page
    assert "in 3\xa0days" in page
    assert "never used" in page
    assert "Change notes" in page
    assert "every active user has what it holds" in text(root.get(of("group", everyone)))
    group_page = text(root.get(of("group", editors)))
    assert "1 live grant" in group_page
    assert "Together with" not in group_page


def test_what_is_over_is_not_shown_and_what_has_no_effect_is_marked(root, alice, settings):
    grants.revoke(grants.grant("notes:read", alice, by=CODE), by=CODE)
    grants.grant("audit:read", alice, by=CODE)
    settings.API_GUARD = {"SCOPES": {"notes:read": "Read"}}
    alice.is_active = False
    alice.save()
    page = text(root.get(of("user", alice)))
    assert "1 live grant" in page
    assert "no longer declared: without effect" in page
    assert "This account is not active" in page


def test_many_grants_come_a_page_at_a_time_and_are_searched(root, alice, settings):
    names = [f"many:{number:03}" for number in range(60)]
    settings.API_GUARD = {"SCOPES": dict.fromkeys(names, "One of many")}
    for name in names:
        grants.grant(name, alice, by=CODE)
    page = text(root.get(of("user", alice)))
    assert "60 live grants" in page
    assert "<code>many:049</code>" in page
    assert "<code>many:050</code>" not in page
    assert "<code>many:059</code>" in text(root.get(of("user", alice), {"p": "2"}))
    page = text(root.get(of("user", alice), {"scope": "many:05"}))
    assert "10 live grants" in page
    assert "<code>many:059</code>" in page
    assert "no scope with this name" in text(root.get(of("user", alice), {"scope": "zebra"}))


def test_the_cut_of_a_user_and_a_client_is_shown(root, alice, application, issue):
    grants.grant("notes:read", alice, by=CODE)
    grants.grant("notes:write", alice, by=CODE, expires_at=timezone.now() + timedelta(days=1))
    grants.grant("notes:read", application, by=CODE)
    grants.grant("audit:read", application, by=CODE)
    token = issue("notes:read", user=alice)
    issue("notes:read", user=alice, seconds=-5)
    RefreshToken.objects.create(user=alice, application=application, token="r", access_token=token)
    page = text(root.get(of("user", alice)))
    assert "1 access token is alive" in page
    assert "1 refresh token is alive" in page
    assert "1 live token" in page
    url = f"{of('user', alice)}?with={application.pk}"
    assert f'href="{url}"' in page
    page = text(root.get(url))
    assert "With a token of both: app" in page
    assert "not with app" in page
    assert "Only app holds:" in page
    page = text(root.get(f"{of('client', application)}?with={alice.pk}"))
    assert "Only alice holds:" in page
    page = text(root.get(of("client", application), {"q": "ali"}))
    assert f"{of('client', application)}?with={alice.pk}" in page
    assert "Nobody found" in text(root.get(of("client", application), {"q": "zebra"}))
    grants.revoke_all(application, by=CODE)
    assert "they have no scope in common" in text(root.get(url))
    group = Group.objects.create(name="g")
    assert root.get(of("group", group), {"with": "1"}).status_code == 200


def test_who_gave_a_scope_is_named_without_its_address(root, alice, admin_user, monkeypatch):
    monkeypatch.setattr(type(alice), "USERNAME_FIELD", "email")
    admin_user.first_name = "Rosa"
    admin_user.save()
    grants.grant("notes:read", alice, by=admin_user)
    row = grants.held(alice).get()
    [line] = lines(grants.holdings(alice, [(row.pk, "notes:read")]), NOBODY, admin.site, None)
    assert line.given_by == "Rosa"


def test_rate_overrides_are_shown_to_who_sees_everything(root, client, alice, managing):
    group = Group.objects.create(name="editors")
    alice.groups.add(group)
    soon = timezone.now() + timedelta(days=2, hours=1)
    RateOverride.objects.create(name="budget:api/h", limit=5, user=alice, reason="why not")
    RateOverride.objects.create(name="budget:api/m", limit=7, group=group, expires_at=soon)
    page = text(root.get(of("user", alice)))
    assert "budget:api/h: 5 per hour" in page
    assert "budget:api/m: 7 per minute (editors)" in page
    assert "/admin/api_guard/rateoverride/" in page
    assert "budget:api/m: 7 per minute" in text(root.get(of("group", group)))
    client.force_login(managing("viewer", None, "view_access"))
    assert "budget:api/h: 5 per hour" in text(client.get(of("user", alice)))
    client.force_login(managing("nora", "Notes"))
    assert "budget:api" not in text(client.get(of("user", alice)))


def test_what_does_not_exist_is_not_found(root):
    urls = ("user/77/", "bogus/1/", "user/x/", f"client/{'9' * 21}/", "user/7/offboard/")
    for url in urls:
        assert root.get(f"{ACCESS}{url}").status_code == 404
    user = get_user_model().objects.create(username="u")
    assert root.get(of("user", user), {"with": "nobody"}).status_code == 404
    assert root.get(of("user", user), {"q": "x" * 300}).status_code == 200


# Access: give and take


def test_scopes_are_given_and_taken_on_the_page(root, alice, admin_user):
    url = of("user", alice)
    sent = given(scopes=["notes:read", "notes:write"], reason="asked")
    assert messages(root.post(url, sent, follow=True)) == [
        "Given to alice: notes:read, notes:write."
    ]
    rows = list(grants.held(alice).order_by("scope"))
    assert {(row.granted_by, row.reason) for row in rows} == {(admin_user, "asked")}
    assert all(29 < (row.expires_at - timezone.now()).days + 1 < 31 for row in rows)
    assert LogEntry.objects.count() == 2
    taken = {"_take": "Take", "grant": [rows[0].pk], "take_reason": "left"}
    said = messages(root.post(url, taken, follow=True))
    assert said == ["Taken from alice: notes:read. The next request is refused."]
    assert [row.scope for row in grants.held(alice)] == ["notes:write"]
    rows[0].refresh_from_db()
    assert (rows[0].revoked_reason, rows[0].revoked_by) == ("left", admin_user)
    for keys in ([], ["x"], ["9" * 40], ["²"]):
        assert messages(root.post(url, {"_take": "", "grant": keys}, follow=True)) == [
            "Select what to take."
        ]
    assert messages(root.post(url, {"_take": "", "grant": ["424242"]}, follow=True)) == []


def test_the_form_says_what_is_wrong(root, alice):
    url = of("user", alice)
    for values, said in (
        ({}, "Choose a scope."),
        ({"scopes": ["bogus"]}, "is not one of the available choices"),
        ({"scopes": ["notes:read"], "expiry": "date"}, "Choose the last day."),
        ({"scopes": ["notes:read"], "expiry": "date", "expires_on": "x"}, "Enter a valid date"),
        (
            {"scopes": ["notes:read"], "expiry": "date", "expires_on": "9999-12-31"},
            "less than or equal",
        ),
        ({"scopes": ["notes:read"], "expiry": "bogus"}, "is not one of the available choices"),
        ({"scopes": ["notes:read"], "reason": "x" * 501}, "at most 500 characters"),
    ):
        page = text(root.post(url, given(**values)))
        assert said in page, values
        assert "Please correct the errors below." in page
    assert not ScopeGrant.objects.exists()


def test_a_grant_ends_with_the_day_that_was_chosen_or_never(root, alice, settings):
    settings.TIME_ZONE = "Europe/Berlin"
    day = timezone.localdate() + timedelta(days=5)
    sent = given(scopes=["notes:read"], expiry="date", expires_on=str(day))
    root.post(of("user", alice), sent)
    root.post(of("user", alice), given(scopes=["audit:read"], expiry="never"))
    until = {row.scope: row.expires_at for row in grants.held(alice)}
    local = timezone.localtime(until["notes:read"])
    assert (local.date(), local.hour, local.minute) == (day, 23, 59)
    assert until["audit:read"] is None


def test_without_time_zones_a_grant_ends_with_the_day_too(root, alice, settings):
    settings.USE_TZ = False
    root.post(
        of("user", alice), given(scopes=["notes:read"], expiry="date", expires_on="2999-05-01")
    )
    assert grants.held(alice).get().expires_at == datetime(2999, 5, 1, 23, 59, 59)  # noqa: DTZ001


def test_a_grant_without_end_is_offered_only_where_the_settings_allow_it(root, alice, settings):
    url = of("user", alice)
    assert 'value="never"' in text(root.get(url))
    settings.API_GUARD |= {"MAX_GRANT_DAYS": 7}
    page = text(root.get(url))
    assert 'value="never"' not in page
    assert 'value="month"' not in page
    assert re.search(r'value="week"[^>]* checked', page)


def test_what_could_not_be_given_is_said_beside_what_was(root, alice):
    sent = given(scopes=["notes:write", "notes:read", "pay:refund"], expiry="never")
    said = messages(root.post(of("user", alice), sent, follow=True))
    assert any("notes:write was not given: 'notes:write' can be" in each for each in said)
    assert any("pay:refund was not given" in each for each in said)
    assert "Given to alice: notes:read." in said
    sent = given(scopes=["pay:refund"], expiry="week")
    [said] = messages(root.post(of("user", alice), sent, follow=True))
    assert said == "Asked for alice: pay:refund. Two other people have to approve it."
    assert GrantRequest.objects.get().scope == "pay:refund"


def test_scopes_in_the_address_are_chosen_already_and_held_ones_are_not_offered(root, alice):
    grants.grant("audit:read", alice, by=CODE)
    asked = [("scopes", "notes:read"), ("scopes", "audit:read"), ("scopes", "bogus")]
    page = text(root.get(f"{of('user', alice)}?{urlencode(asked)}"))
    assert re.search(r'name="scopes" value="notes:read"[^>]* checked', page)
    assert 'value="audit:read"' not in page
    assert 'value="bogus"' not in page


def test_a_manager_sees_gives_and_takes_only_the_scopes_of_its_group(client, managing, alice):
    kept = grants.grant("audit:read", alice, by=CODE, reason="a secret")
    read = grants.grant("notes:read", alice, by=CODE)
    url = of("user", alice)
    client.force_login(managing("nora", "Notes"))
    page = text(client.get(url))
    assert "You see only the scopes that you may give." in page
    assert "notes:read" in page
    shown = page.split("content-main")[1]
    for hidden in ("audit:read", "a secret", "pay:refund", "access token", "alive"):
        assert hidden not in shown, hidden
    for scope in ("pay:refund", "audit:read"):
        [said] = messages(client.post(url, given(scopes=[scope]), follow=True))
        assert said.endswith(f"You may not grant or revoke {scope!r}.")
    assert ScopeGrant.objects.count() == 2
    said = messages(client.post(url, {"_take": "", "grant": [kept.pk, read.pk]}, follow=True))
    assert said == ["Taken from alice: notes:read. The next request is refused."]
    kept.refresh_from_db()
    assert kept.is_live()
    assert messages(client.post(url, given(scopes=["notes:write"]), follow=True)) == [
        "Given to alice: notes:write."
    ]
    assert client.get(f"{url}offboard/").status_code == 403
    page = text(client.get(f"{url}?{urlencode({'with': 1})}"), 404)
    client.force_login(managing("paul", "Pay"))
    assert "0 live grants" in text(client.get(url))
    client.force_login(managing("all", "*"))
    assert "2 live grants" in text(client.get(url))


def test_what_the_page_may_not_take_stays_and_is_said(client, managing, settings):
    settings.API_GUARD |= {"EVERYONE_GROUP": "everyone"}
    everyone = Group.objects.create(name="everyone")
    row = grants.grant("notes:read", everyone, by=CODE)
    client.force_login(managing("nora", "Notes"))
    url = of("group", everyone)
    [said] = messages(client.post(url, {"_take": "", "grant": [row.pk]}, follow=True))
    assert said.startswith("notes:read was not taken: You may not grant")
    assert grants.held(everyone).exists()


def test_who_only_views_gives_and_takes_nothing(client, managing, alice):
    row = grants.grant("notes:read", alice, by=CODE)
    client.force_login(managing("viewer", None, "view_access"))
    page = text(client.get(of("user", alice)))
    assert "notes:read" in page
    assert "_give" not in page
    assert "_take" not in page
    bob = get_user_model().objects.create_user("bob")
    assert "Ask somebody who may give it" in text(client.get(of("user", bob)))
    for sent in (given(scopes=["notes:write"]), {"_take": "", "grant": [row.pk]}):
        assert client.post(of("user", alice), sent).status_code == 403
    assert grants.held(alice).get() == row


def test_who_gives_every_scope_takes_what_is_no_longer_declared(root, alice, settings):
    row = grants.grant("audit:read", alice, by=CODE)
    settings.API_GUARD = {"SCOPES": {}}
    url = of("user", alice)
    page = text(root.get(url))
    assert f'value="{row.pk}"' in page
    assert "_give" not in page
    assert root.post(url, given(scopes=["notes:read"])).status_code == 200
    assert (
        "Taken from alice"
        in messages(root.post(url, {"_take": "", "grant": [row.pk]}, follow=True))[0]
    )


def test_break_glass_follows_the_same_rules(root, admin_user):
    url = of("user", admin_user)
    [said] = messages(root.post(url, given(scopes=["notes:read"]), follow=True))
    assert "To grant a scope to yourself" in said
    soon = timezone.now() + timedelta(minutes=30)
    grants.grant("notes:read", admin_user, by=admin_user, expires_at=soon, reason="incident")
    assert ">break-glass<" in text(root.get(url))


def test_keys_are_written_plainly_with_a_thousands_separator(root, alice, settings):
    settings.USE_THOUSAND_SEPARATOR = True
    with recorded():
        row = ScopeGrant(pk=1234567, scope="notes:read", user=alice)
        row.save(force_insert=True)
    page = text(root.get(of("user", alice)))
    assert 'value="1234567"' in page
    assert "1,234,567" not in page
    sent = {"_take": "", "grant": ["1234567"]}
    assert "Taken" in messages(root.post(of("user", alice), sent, follow=True))[0]
    user = get_user_model().objects.create(pk=7654321, username="far")
    page = text(root.get(ACCESS, {"q": "far"}))
    assert of("user", user) in page
    assert "7,654,321" not in page + text(root.get(of("user", user)))


# Offboarding


def test_a_user_who_leaves_is_offboarded_after_a_preview(root, alice, bob, application, issue):
    application.user = alice
    application.save()
    group = Group.objects.create(name="editors")
    grants.grant("notes:write", group, by=CODE, expires_at=timezone.now() + timedelta(days=1))
    alice.groups.add(group)
    grants.grant("notes:read", alice, by=CODE)
    issue("notes:read", user=alice)
    with recorded():
        AccessReview.objects.create(title="Autumn", reviewer=alice, due_at=timezone.now(), grants=1)
    url = f"{of('user', alice)}offboard/"
    assert url in text(root.get(of("user", alice)))
    page = text(root.get(url))
    for said in (
        "notes:read",
        "editors",
        application.client_id,
        "the password, and all sessions",
        "Autumn",
    ):
        assert said in page
    assert alice.is_active
    wrong = (("zebra", "There is no such user."), ("", "required"), ("alice", "new owner"))
    for owner, said in wrong:
        assert said in text(root.post(url, {"new_owner": owner, "reason": ""}))
    assert grants.held(alice).exists()
    done = messages(root.post(url, {"new_owner": "bob", "reason": "left"}, follow=True))
    assert done[0] == "All access of alice has ended: 1 grant. Tokens and codes: 1."
    assert "Change the secret of" in done[1]
    alice.refresh_from_db()
    application.refresh_from_db()
    assert (alice.is_active, application.user) == (False, bob)
    assert "There is nothing to end" in text(root.get(url))
    page = text(root.get(of("user", alice)))
    assert "This account is not active: every request is refused.<" in page
    assert "It holds no scope.<" in page


def test_who_may_not_give_every_scope_does_not_offboard(client, managing, alice):
    client.force_login(managing("star", "*", "view_access"))
    url = f"{of('user', alice)}offboard/"
    assert "offboard" not in text(client.get(of("user", alice)))
    assert client.post(url, {"reason": ""}).status_code == 403
    alice.refresh_from_db()
    assert alice.is_active


# Links from the grantees' own pages


def test_the_pages_of_users_groups_and_clients_link_to_their_access(root, alice, application):
    group = Group.objects.create(name="g")
    for place in ("admin", "second"):
        for kind, url, row in (
            ("user", f"auth/user/{alice.pk}", alice),
            ("group", f"auth/group/{group.pk}", group),
            ("client", f"oauth2_provider/application/{application.pk}", application),
        ):
            if (place, kind) == ("second", "client"):
                continue
            page = text(root.get(f"/{place}/{url}/change/"))
            assert f'href="/{place}/api_guard/access/{kind}/{quote(row.pk)}/"' in page
            assert page.count("API access") == 1
            assert "History" in page
            popup = text(root.get(f"/{place}/{url}/change/?_popup=1"))
            assert "API access" not in popup
    assert "API access" not in text(root.get("/admin/auth/user/add/"))
    assert f'href="/admin/auth/user/{alice.pk}/change/"' in text(root.get(of("user", alice)))


def test_who_may_not_see_access_gets_no_link(client, managing, alice):
    client.force_login(managing("clerk", None, "view_user"))
    assert "API access" not in text(client.get(f"/admin/auth/user/{alice.pk}/change/"))
    client.force_login(managing("nora", "Notes", "view_user"))
    page = text(client.get(f"/admin/auth/user/{alice.pk}/change/"))
    assert "API access" in page
    client.force_login(managing("other", "Notes"))
    assert "Settings of" not in text(client.get(of("user", alice)))


def test_another_template_of_the_change_page_gets_the_link_too(root, alice, settings, tmp_path):
    place = tmp_path / "admin" / "auth" / "user"
    place.mkdir(parents=True)
    (place / "change_form.html").write_text(
        '{% extends "admin/change_form.html" %}'
        "{% block object-tools-items %}<li>of another app</li>{{ block.super }}{% endblock %}"
    )
    settings.TEMPLATES = [{**settings.TEMPLATES[0], "DIRS": [str(tmp_path)]}]
    page = text(root.get(f"/admin/auth/user/{alice.pk}/change/"))
    assert "of another app" in page
    assert "API access" in page


def test_an_answer_without_a_template_stays_as_it_is():
    answer = HttpResponse("of its own")
    _relink(answer, "/somewhere/")
    assert answer.content == b"of its own"


# The overview


OVERVIEW = "/admin/api_guard/"


def test_the_overview_says_what_needs_attention_and_leads_there(root, client, admin_user, alice):
    with override_settings(ROOT_URLCONF=Nothing):
        assert "Nothing. No request waits" in text(root.get(OVERVIEW))
    soon = timezone.now() + timedelta(days=2)
    grants.grant("notes:read", alice, by=CODE, expires_at=soon)
    grants.grant("notes:write", alice, by=CODE, expires_at=soon + timedelta(days=30))
    minutes = timezone.now() + timedelta(minutes=30)
    grants.grant("audit:read", admin_user, by=admin_user, expires_at=minutes, reason="incident")
    grants.grant("pay:refund", alice, by=CODE, expires_at=soon)
    page = text(root.get(OVERVIEW))
    for number, said, url in (
        ("1", "break-glass grant is live", "/admin/api_guard/scopegrant/?state=live"),
        ("1", "request waits to be approved", "/admin/api_guard/grantrequest/"),
        ("2", "grants expire within 7 days", "/admin/api_guard/scopegrant/?state=week"),
        ("1", "endpoint is unguarded: every request is", f"{ENDPOINTS}?status=unguarded"),
    ):
        assert f'>{number}</span> <a href="{url}">{said}' in page, said
    assert 'href="/second/api_guard/endpoint/?status=unguarded"' in text(
        root.get("/second/api_guard/")
    )
    assert "needs attention" not in text(root.get("/admin/auth/"))


def test_the_overview_of_a_manager_is_that_of_its_scopes(client, managing, alice):
    soon = timezone.now() + timedelta(days=2)
    grants.grant("notes:read", alice, by=CODE, expires_at=soon)
    grants.grant("audit:read", alice, by=CODE, expires_at=soon)
    client.force_login(managing("nora", "Notes"))
    page = text(client.get(OVERVIEW))
    assert '?state=week">grant expires within 7 days</a>' in page
    assert "unguarded" not in page
    client.force_login(managing("reader", None, "view_endpoint"))
    page = text(client.get(OVERVIEW))
    assert "unguarded" in page
    assert "expires within" not in page
    client.force_login(managing("clerk", None, "view_ledgerrecord"))
    assert "needs attention" not in text(client.get(OVERVIEW))


def test_the_overview_leads_to_the_answers_that_its_viewer_may_see(root, client, managing):
    shown = root.get(OVERVIEW).context["api_guard_questions"]
    assert len(shown) == 8
    assert "Where to find it" in text(root.get(OVERVIEW))
    assert [root.get(url).status_code for _said, url in shown] == [200] * 8
    client.force_login(managing("reader", None, "view_endpoint"))
    [(said, url)] = client.get(OVERVIEW).context["api_guard_questions"]
    assert (said, url) == ("Which endpoints are public?", f"{ENDPOINTS}?status=public")
    client.force_login(managing("clerk", None, "view_remotesubject"))
    assert "Where to find it" not in text(client.get(OVERVIEW))


def test_blocks_are_counted_where_the_counters_answer(root, client, managing, monkeypatch):
    monkeypatch.setattr(overview.credentials, "blocks", lambda: [1, 2])
    link = '<a href="/admin/api_guard/block/">accounts or addresses are blocked</a>'
    assert f">2</span> {link}" in text(root.get(OVERVIEW))
    client.force_login(managing("desk", None, "view_block"))
    assert link in text(client.get(OVERVIEW))

    def fail():
        raise CounterFault("down")

    monkeypatch.setattr(overview.credentials, "blocks", fail)
    assert "are blocked" not in text(root.get(OVERVIEW))


def test_a_site_without_the_page_of_endpoints_has_no_link_to_it(root):
    [found] = [each for each in overview._of_endpoints(admin.AdminSite("empty")) if each.count]
    assert found.url == ""
    assert overview.Matter(1000, "", "", False).is_capped


# Scopes


def test_the_scopes_are_listed_searched_and_filtered(root):
    page = text(root.get(SCOPES))
    for name in TERMS:
        assert f"<code>{name}</code>" in page
    for said in ("sensitive", "at most 90 days", "no endpoint", "1 endpoint"):
        assert said in page
    page = text(root.get(SCOPES, {"q": "change"}))
    assert "<code>notes:write</code>" in page
    assert "<code>audit:read</code>" not in page
    page = text(root.get(SCOPES, {"group": "Pay"}))
    assert "<code>pay:refund</code>" in page
    assert "<code>notes:read</code>" not in page
    assert "<code>notes:read</code>" in text(root.get(SCOPES, {"group": "bogus", "p": "x"}))
    assert "No scope matches" in text(root.get(SCOPES, {"q": "zebra"}))
    with override_settings(API_GUARD={"SCOPES": {}}):
        assert "No scope is declared" in text(root.get(SCOPES))


def test_who_holds_a_scope_is_shown_with_the_members_of_groups(root, alice, bob, application):
    url = f"{SCOPES}{quote('notes:read')}/"
    assert "Nobody here holds it" in text(root.get(url))
    group = Group.objects.create(name="editors")
    bob.groups.add(group)
    gone = get_user_model().objects.create_user("gone", is_active=False)
    for grantee in (alice, group, application, gone):
        grants.grant("notes:read", grantee, by=CODE)
    page = text(root.get(url))
    assert f'href="{of("user", alice)}"' in page
    assert f'href="{of("user", bob)}"' in page
    assert f'href="{of("group", group)}"' in page
    assert of("user", gone) not in page
    assert "/notes/" in page
    assert of("group", group) in text(root.get(url, {"held": "group"}))
    assert of("client", application) in text(root.get(url, {"held": "client"}))
    page = text(root.get(url, {"q": "bob"}))
    assert of("user", bob) in page
    assert of("user", alice) not in page
    assert "Nobody with this name" in text(root.get(url, {"q": "zebra"}))
    assert "No endpoint requires it" in text(root.get(f"{SCOPES}{quote('pay:refund')}/"))


def test_holders_come_a_page_at_a_time(root):
    model = get_user_model()
    users = model.objects.bulk_create(model(username=f"user{n:03}") for n in range(60))
    for user in users:
        grants.grant("notes:read", user, by=CODE)
    url = f"{SCOPES}{quote('notes:read')}/"
    assert "user049" in text(root.get(url))
    page = text(root.get(url, {"p": "2"}))
    assert "user059" in page
    assert "user049" not in page


def test_users_without_groups_hold_what_they_were_given(root, alice, bob, monkeypatch):
    monkeypatch.setattr(holders, "membership_of", lambda model: None)
    group = Group.objects.create(name="editors")
    bob.groups.add(group)
    for grantee in (alice, group):
        grants.grant("notes:read", grantee, by=CODE)
    page = text(root.get(f"{SCOPES}{quote('notes:read')}/"))
    assert of("user", alice) in page
    assert of("user", bob) not in page


def test_a_scope_of_everyone_is_said_to_be_everyones(root, settings):
    settings.API_GUARD |= {"EVERYONE_GROUP": "everyone"}
    grants.grant("notes:read", Group.objects.create(name="everyone"), by=CODE)
    assert "Every active user holds it" in text(root.get(f"{SCOPES}{quote('notes:read')}/"))
    assert "Every active user" not in text(root.get(f"{SCOPES}{quote('audit:read')}/"))
    assert "Every active user" not in text(root.get(f"{SCOPES}{quote('pay:refund')}/"))


def test_a_scope_may_be_called_anything_that_a_token_carries(root, settings, alice):
    names = ["files/read", "x#y?z%20&a=b", "urn:a_2Fb", "'>[(*)]"]
    settings.API_GUARD = {"SCOPES": dict.fromkeys(names, "Odd")}
    for name in names:
        root.post(of("user", alice), given(scopes=[name]))
        url = f"{SCOPES}{quote(name)}/"
        assert of("user", alice) in text(root.get(url))
        assert escape(url) in text(root.get(of("user", alice))) + text(root.get(SCOPES))
    assert grants.held(alice).count() == len(names)


def test_a_sensitive_scope_of_everyones_group_is_its_members(root, alice, settings):
    settings.API_GUARD |= {"EVERYONE_GROUP": "everyone"}
    everyone = Group.objects.create(name="everyone")
    with recorded():
        ScopeGrant(scope="pay:refund", group=everyone).save()
    assert "0 live grants" in text(root.get(of("user", alice)))
    alice.groups.add(everyone)
    assert f'group <a href="{of("group", everyone)}">' in text(root.get(of("user", alice)))


def test_a_manager_sees_only_the_scopes_of_its_group(client, managing):
    client.force_login(managing("nora", "Notes"))
    page = text(client.get(SCOPES))
    assert "<code>notes:read</code>" in page
    assert "<code>pay:refund</code>" not in page
    assert client.get(f"{SCOPES}{quote('notes:read')}/").status_code == 200
    for name in ("pay:refund", "bogus"):
        assert client.get(f"{SCOPES}{quote(name)}/").status_code == 403


# Endpoints


def test_what_stands_open_stands_out(root, settings):
    page = text(root.get(ENDPOINTS))
    for said in ("/notes/", "/ping/", "/forgotten/", "/health/", "100/m"):
        assert said in page
    assert '<span class="api-guard-badge api-guard-bad">unguarded</span>' in page
    assert '<span class="api-guard-badge api-guard-warn">public</span>' in page
    assert '<span class="api-guard-badge api-guard-warn">exempt</span>' in page
    assert f'href="{SCOPES}{quote("notes:read")}/"' in page
    page = text(root.get(ENDPOINTS, {"status": "unguarded"}))
    assert "<code>/forgotten/</code>" in page
    assert "<code>/ping/</code>" not in page
    page = text(root.get(ENDPOINTS, {"q": "audit"}))
    assert "<code>/audit/</code>" in page
    assert "<code>/notes/</code>" not in page
    assert "No endpoint matches" in text(root.get(ENDPOINTS, {"q": "zebra"}))


def test_the_page_lists_what_the_command_lists(root):
    written = io.StringIO()
    call_command("guard_endpoints", "--format", "json", stdout=written)
    listed = [(row["method"], row["path"]) for row in json.loads(written.getvalue())]
    assert [(each.row.method, each.row.path) for each in requirements()] == listed
    assert {each.row.path for each in requirements() if "audit:read" in each.scopes} == {"/audit/"}


def test_who_may_not_see_scopes_gets_no_links_to_them(client, managing):
    client.force_login(managing("reader", None, "view_endpoint"))
    page = text(client.get(ENDPOINTS))
    assert "/notes/" in page
    assert SCOPES not in page


def test_a_plain_view_below_the_prefixes_is_listed_too(root, settings):
    settings.API_GUARD |= {"PREFIXES": ["/plain/"]}
    assert "<code>/plain/</code>" in text(root.get(ENDPOINTS, {"status": "unguarded"}))


class Nothing:
    urlpatterns = [path("admin/", admin.site.urls)]


def test_without_endpoints_the_page_says_so(root, settings):
    settings.ROOT_URLCONF = Nothing
    assert "has no endpoint" in text(root.get(ENDPOINTS))


# Explain


def ask(browser, /, **values):
    empty = {"method": "GET", "path": "", "user": "", "client": "", "scopes": "", "line": ""}
    return text(browser.post(EXPLAIN, {**empty, **values}))


def test_a_request_is_explained_and_the_missing_grant_is_one_link_away(root, alice):
    assert "Who asks for what?" in text(root.get(EXPLAIN))
    page = ask(root, path="/notes/", user="alice")
    assert ">refused<" in page
    assert "insufficient_scope" in page
    link = f"/admin/api_guard/scopegrant/add/?scopes=notes%3Aread&amp;user={alice.pk}"
    assert link in page
    form = text(root.get(link.replace("&amp;", "&")))
    assert 'value="notes:read"' in form
    grants.grant("notes:read", alice, by=CODE)
    page = ask(root, path="https://api.example/notes/?page=2", user="alice")
    assert ">allowed<" in page
    assert "notes:read to user alice" in page
    assert ">refused<" in ask(root, path="/notes/", method="POST", user="alice")
    assert "No URL matches" in ask(root, path="/nowhere/")
    assert ">allowed<" in ask(root, path="http://[/ping/") or True


def test_a_client_needs_grants_of_its_own(root, alice, application):
    grants.grant("notes:read", alice, by=CODE)
    page = ask(root, path="/notes/", user="alice", client=application.client_id)
    assert "Give notes:read to client app" in page
    assert "to user alice" not in page.split("What would allow it")[1]
    grants.grant("notes:read", application, by=CODE)
    page = ask(root, path="/notes/", client=application.client_id)
    assert ">refused<" not in page
    page = ask(root, path="/notes/", client=application.client_id, scopes="audit:read")
    assert "Get a token that carries notes:read" in page


def test_a_decision_is_explained_from_its_log_line(root, api, alice, caplog):
    caplog.set_level(logging.INFO, "api_guard.decisions")
    assert api.by_session(alice).get("/notes/").status_code == 403
    records = [each for each in caplog.records if each.name == "api_guard.decisions"]
    [line] = [record.getMessage() for record in records]
    page = ask(root, line=line)
    assert "Then:" in page
    assert "The caller lacked a scope." in page
    grants.grant("notes:read", alice, by=CODE)
    assert ">allowed<" in ask(root, line=line)
    assert "signed" in ask(root, line=line.replace("insufficient_scope", "staff_only"))
    grants.revoke_all(alice, by=CODE)
    with recorded():
        alice.delete()
    assert "does not exist any more" in ask(root, line=line)


def test_a_question_that_cannot_be_asked_is_said_on_the_form(root):
    for values, said in (
        ({}, "Enter a path."),
        ({"path": "/notes/", "user": "zebra"}, "There is no such user."),
        ({"path": "/notes/", "client": "zebra"}, "There is no such client."),
        ({"line": "{}"}, "This is no line"),
        ({"path": "/", "method": "BREW"}, "is not one of the available choices"),
    ):
        assert said in ask(root, **values)


def test_who_may_not_give_is_told_to_ask_and_a_manager_gets_a_link(client, managing, alice):
    client.force_login(managing("reader", None, "view_explanation"))
    page = ask(client, path="/notes/", user="alice")
    assert "alice lacks notes:read. You may not give it" in page
    client.force_login(managing("nora", "Notes", "view_explanation"))
    page = ask(client, path="/notes/", user="alice")
    assert f'/scopegrant/add/?scopes=notes%3Aread&amp;user={alice.pk}"' in page


def test_an_access_page_leads_to_the_explanation_of_a_request(
    root, client, managing, alice, application
):
    group = Group.objects.create(name="editors")
    pages = {"user": alice, "client": application, "group": group}
    links = {"user": f"{EXPLAIN}?user=alice", "client": f"{EXPLAIN}?client=app-id"}
    application.client_id = "app-id"
    application.save()
    for kind, row in pages.items():
        page = text(root.get(of(kind, row)))
        assert [name for name, link in links.items() if f'href="{link}"' in page] == [kind] * (
            kind in links
        )
    assert 'value="alice"' in text(root.get(links["user"]))
    assert 'value="app-id"' in text(root.get(links["client"]))
    # A manager does not see login names, which may be addresses.
    client.force_login(managing("nora", "Notes", "view_explanation"))
    assert f"{EXPLAIN}?" not in text(client.get(of("user", alice)))
    assert f"{EXPLAIN}?" in text(client.get(of("client", application)))
    client.force_login(managing("olga", "Notes"))
    assert f"{EXPLAIN}?" not in text(client.get(of("client", application)))


# Tokens


def test_only_users_and_clients_have_tokens(db):
    with pytest.raises(TypeError, match="neither a user nor a client"):
        tokens.alive(Group.objects.create(name="g"), 10, 10)


# Times


def test_times_are_in_words_with_the_exact_one_behind(settings):
    now = timezone.now()
    with timezone.override("Europe/Berlin"):
        said = in_words(now + timedelta(days=3, minutes=1))
        assert ">in 3\xa0days</time>" in said
        local = timezone.localtime(now + timedelta(days=3, minutes=1))
        assert f'datetime="{local.isoformat()}"' in said
        assert local.tzname() in said
    assert "2\xa0days ago" in in_words(now - timedelta(days=2, minutes=1))
    assert ">now<" in in_words(now)
    assert in_words(None) == ""
    assert in_words(None, "never") == "never"
    with translation.override("de"):
        # Django's German periods have one case only, which does not fit after a preposition.
        assert ">noch 3\xa0Tage<" in in_words(now + timedelta(days=3, minutes=1))
        assert ">2\xa0Monate her<" in in_words(now - timedelta(days=65))
    settings.USE_TZ = False
    assert "ago" in in_words(timezone.now() - timedelta(days=1, minutes=1))


# The number of queries


def test_each_page_asks_the_same_number_of_queries_however_much_there_is(
    root, client, alice, application, issue, django_assert_max_num_queries
):
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    def counts():
        found = []
        for url in (
            of("user", alice),
            f"{of('user', alice)}?with={application.pk}",
            of("client", application),
            f"{ACCESS}?q=us",
            SCOPES,
            f"{SCOPES}{quote('notes:read')}/",
            ENDPOINTS,
            EXPLAIN,
        ):
            with CaptureQueriesContext(
                connection,
            ) as asked:
                text(client.get(url))
            found.append(len(asked))
        return found

    counts()
    issue("notes:read", user=alice)
    grants.grant("notes:read", alice, by=CODE)
    few = counts()
    model = get_user_model()
    users = model.objects.bulk_create(model(username=f"user{n:03}") for n in range(15))
    for number, user in enumerate(users):
        grants.grant("notes:read", user, by=CODE)
        group = Group.objects.create(name=f"us {number}")
        alice.groups.add(group)
        user.groups.add(group)
        grants.grant("notes:read", group, by=CODE)
        issue("notes:read", user=user)
    many = counts()
    assert many == few
    assert max(many) < 25


def test_the_ledger_records_what_the_page_does(root, alice, admin_user):
    root.post(of("user", alice), given(scopes=["notes:read"]))
    assert LedgerRecord.objects.filter(event="grant").count() == 1


# Other models of users, other databases


def test_users_without_a_column_for_it_are_active(root, alice, bob, monkeypatch):
    # As a model that takes `is_active = True` from AbstractBaseUser.
    found = type(alice)._meta.get_field
    group = Group.objects.create(name="editors")
    bob.groups.add(group)
    for grantee in (alice, group):
        grants.grant("notes:read", grantee, by=CODE)

    def get_field(name):
        if name == "is_active":
            raise FieldDoesNotExist
        return found(name)

    monkeypatch.setattr(type(alice)._meta, "get_field", get_field)
    page = text(root.get(f"{SCOPES}{quote('notes:read')}/"))
    assert (of("user", alice) in page, of("user", bob) in page) == (True, True)
    assert grants.members([group]) == {group.pk: 1}
    grants_page = "/admin/api_guard/scopegrant/"
    assert text(root.get(grants_page, {"state": "inactive"})).count("No grant matches") == 1
    assert [who.name for who in who_can("GET", "/notes/", 10)] == ["alice", "bob"]


class NoGroups:
    """Where a project would have a replica, this has no groups."""

    def db_for_read(self, model, **hints):
        return "nowhere" if model is Group else None


def test_the_page_of_a_scope_reads_no_groups_of_a_replica(root, alice, settings):
    group = Group.objects.create(name="editors")
    alice.groups.add(group)
    grants.grant("notes:read", group, by=CODE)
    settings.DATABASE_ROUTERS = [f"{__name__}.NoGroups"]
    assert of("group", group) in text(root.get(f"{SCOPES}{quote('notes:read')}/"))
