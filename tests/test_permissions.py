"""HasScopes, where it is misused and where another permission has its say."""

from __future__ import annotations

import pytest
from django.urls import path
from rest_framework import permissions
from rest_framework.renderers import BrowsableAPIRenderer, JSONRenderer
from rest_framework.response import Response
from rest_framework.views import APIView

from api_guard import PUBLIC, STAFF, any_of, guard
from api_guard.exceptions import GuardError
from api_guard.models import ScopeGrant
from api_guard.permissions import HasScopes

pytestmark = [pytest.mark.urls(__name__), pytest.mark.django_db]


@guard(read=PUBLIC)
class Either(APIView):
    permission_classes = [HasScopes(any_of("notes:read", "audit:read")) | permissions.IsAdminUser]

    def get(self, request):
        return Response("read")


class Both(APIView):
    permission_classes = [HasScopes("notes:read", "audit:read") & permissions.AllowAny]

    def get(self, request):
        return Response("read")


urlpatterns = [path("either", Either.as_view()), path("both", Both.as_view())]


def test_in_an_or_the_other_side_has_its_say(api, alice, staff, give):
    assert api.get("/either").status_code == 401
    assert api.by_session(staff).get("/either").status_code == 200
    api.by_session(alice)
    assert api.get("/either").status_code == 403
    give(alice, "audit:read")
    assert api.get("/either").status_code == 200


def test_several_scopes_are_all_needed(api, alice, give, issue, application):
    give(application, "notes:read")
    refused = api.by_token(issue("notes:read audit:read")).get("/both")
    assert refused.status_code == 403
    assert refused.json()["code"] == "insufficient_scope"
    assert 'scope="notes:read audit:read"' in refused["WWW-Authenticate"]
    give(application, "audit:read")
    assert api.get("/both").status_code == 200


@pytest.mark.parametrize("scopes", [(), (STAFF,), ("two words",)])
def test_misuse_fails_at_import(scopes):
    with pytest.raises(GuardError, match="HasScopes"):
        HasScopes(*scopes)


class Each(APIView):
    permission_classes = [HasScopes("notes:read"), HasScopes("audit:read")]
    renderer_classes = [JSONRenderer, BrowsableAPIRenderer]

    def get(self, request):
        return Response("read")

    def post(self, request):
        return Response("changed")


urlpatterns.append(path("each", Each.as_view()))


def used():
    return set(ScopeGrant.objects.exclude(use=None).values_list("scope", flat=True))


def test_the_use_of_the_scopes_is_recorded_where_all_permissions_admitted(
    api, alice, give, django_capture_on_commit_callbacks
):
    give(alice, "notes:read", "notes:write")
    api.by_session(alice)
    with django_capture_on_commit_callbacks(execute=True):
        assert api.get("/each").status_code == 403
    assert used() == set()
    give(alice, "audit:read")
    # A page probes other methods, which use nothing.
    with django_capture_on_commit_callbacks(execute=True) as written:
        assert api.get("/each", HTTP_ACCEPT="text/html").status_code == 200
    assert len(written) == 1
    assert used() == {"notes:read", "audit:read"}
