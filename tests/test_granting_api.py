"""A project's own API that grants: what a manager with less than full rights can do by it."""

from __future__ import annotations

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.urls import include, path
from rest_framework.exceptions import PermissionDenied
from rest_framework.response import Response
from rest_framework.routers import DefaultRouter
from rest_framework.serializers import ModelSerializer
from rest_framework.views import APIView
from rest_framework.viewsets import ModelViewSet

from api_guard import SIGNED_IN, grants, guard
from api_guard.exceptions import GuardError
from api_guard.models import GrantAuthority, GrantRequest, LedgerRecord, ScopeGrant, recorded

CODE = grants.System("a test")
SCOPES = {
    "notes:read": {"description": "Read notes", "group": "Notes"},
    "pay:read": {"description": "Read payments", "group": "Pay"},
}


@guard(write=SIGNED_IN)
class GrantView(APIView):
    """Grants as the user of the request, as docs/managing.md says."""

    def post(self, request):
        to = get_user_model().objects.get(pk=request.data["user"])
        try:
            row = grants.grant(request.data["scope"], to, by=request.user)
        except grants.GrantError as error:
            raise PermissionDenied(str(error)) from None
        return Response({"grant": row.pk}, status=201)


class GrantSerializer(ModelSerializer):
    class Meta:
        model = ScopeGrant
        fields = ("id", "scope", "user", "expires_at")


@guard(read=SIGNED_IN, write=SIGNED_IN)
class GrantViewSet(ModelViewSet):
    """Writes by the ORM, which a project should not do."""

    queryset = ScopeGrant.objects.all()
    serializer_class = GrantSerializer


BULK = {
    "bulk_create": lambda user: ScopeGrant.objects.bulk_create(
        [ScopeGrant(scope="pay:read", user=user)]
    ),
    "bulk_update": lambda user: ScopeGrant.objects.bulk_update(
        [ScopeGrant(pk=each.pk, user=user) for each in ScopeGrant.objects.all()], ["user"]
    ),
    "update": lambda user: ScopeGrant.objects.update(user=user),
    "delete": lambda user: ScopeGrant.objects.all().delete(),
    "add": lambda user: user.scope_grants.add(ScopeGrant.objects.get()),
    "create": lambda user: user.scope_grants.create(scope="pay:read"),
    "get_or_create": lambda user: ScopeGrant.objects.get_or_create(scope="pay:read", user=user),
}


@guard(write=SIGNED_IN)
class BulkView(APIView):
    def post(self, request, how):
        BULK[how](get_user_model().objects.get(pk=request.data["user"]))
        return Response(status=204)


@guard(write=SIGNED_IN)
class RowView(APIView):
    """Saves and deletes a row of any table."""

    def post(self, request, pk):
        self.row(request, pk).save()
        return Response(status=204)

    def delete(self, request, pk):
        self.row(request, pk).delete()
        return Response(status=204)

    def row(self, request, pk):
        models = {each.__name__: each for each in (GrantAuthority, GrantRequest, LedgerRecord)}
        return models[request.data["model"]].objects.get(pk=pk)


@guard(write=SIGNED_IN)
class StoringView(APIView):
    def post(self, request):
        Group.objects.create(name="stored")
        ScopeGrant.objects.update(user=request.user)


router = DefaultRouter()
router.include_root_view = False
router.register("rows", GrantViewSet)
urlpatterns = [
    path("grant", GrantView.as_view()),
    path("bulk/<str:how>", BulkView.as_view()),
    path("one/<str:pk>", RowView.as_view()),
    path("stored", StoringView.as_view()),
    path("", include(router.urls)),
]

pytestmark = [pytest.mark.urls(__name__), pytest.mark.django_db]


@pytest.fixture
def nora(settings, api):
    settings.API_GUARD = {**settings.API_GUARD, "SCOPES": SCOPES, "EVERYONE_GROUP": "everyone"}
    managers = Group.objects.create(name="managers")
    grants.authorize(managers, "Notes", by=CODE)
    user = get_user_model().objects.create_user("nora", is_staff=True)
    user.groups.add(managers)
    api.by_session(user)
    return user


def assert_unrecorded(answer):
    assert (answer.status_code, answer.json()["code"]) == (403, "unrecorded")


def test_a_view_that_grants_as_its_user_gives_what_that_user_manages(nora, api, alice, caplog):
    assert api.post("/grant", {"scope": "notes:read", "user": alice.pk}).status_code == 201
    record = LedgerRecord.objects.get(event="grant")
    assert '"known":"authenticated"' in record.content
    for scope, to in (("pay:read", alice), ("notes:read", nora)):
        assert api.post("/grant", {"scope": scope, "user": to.pk}).status_code == 403
    assert caplog.text.count(f"Refused to user {nora.pk}") == 2
    assert ScopeGrant.objects.get().scope == "notes:read"


@pytest.mark.parametrize("scope", ["notes:read", "pay:read"])
def test_a_viewset_of_the_rows_is_refused_every_write(nora, admin_user, api, alice, scope, caplog):
    row = grants.grant("notes:read", alice, by=CODE)
    count = LedgerRecord.objects.count()
    for user in (nora, admin_user):
        api.by_session(user)
        values = {"scope": scope, "user": user.pk}
        for answer in (
            api.post("/rows/", values),
            api.put(f"/rows/{row.pk}/", values),
            api.patch(f"/rows/{row.pk}/", {"user": user.pk}),
            api.delete(f"/rows/{row.pk}/"),
        ):
            assert_unrecorded(answer)
    assert caplog.text.count("GrantViewSet: POST /rows/ was refused. Use api_guard.grants") == 2
    assert [(each.pk, each.user) for each in ScopeGrant.objects.all()] == [(row.pk, alice)]
    assert LedgerRecord.objects.count() == count
    assert list(grants.differences()) == []


def test_a_value_that_no_row_may_have_is_400_before_that(nora, api, alice):
    for values in ({"scope": "notes:reed", "user": alice.pk}, {"scope": "notes:read", "user": 0}):
        assert api.post("/rows/", values).status_code == 400


@pytest.mark.parametrize("how", list(BULK))
def test_a_write_in_bulk_is_refused(nora, api, alice, how, caplog):
    row = grants.grant("notes:read", alice, by=CODE)
    assert_unrecorded(api.post(f"/bulk/{how}", {"user": nora.pk}))
    assert f"BulkView: POST /bulk/{how} was refused. " in caplog.text
    assert [(each.pk, each.user) for each in ScopeGrant.objects.all()] == [(row.pk, alice)]
    assert LedgerRecord.objects.filter(event="grant").count() == 1


@pytest.mark.parametrize("model", [GrantAuthority, GrantRequest, LedgerRecord])
def test_so_is_a_write_of_the_other_tables(nora, api, alice, model):
    grants.grant("notes:read", alice, by=CODE)
    with recorded():
        GrantRequest(scope="notes:read", user=alice, asked_by=nora).save()
    for row in model.objects.all():
        before = model.objects.filter(pk=row.pk).values().get()
        for answer in (
            api.post(f"/one/{row.pk}", {"model": model.__name__}),
            api.delete(f"/one/{row.pk}", {"model": model.__name__}),
        ):
            assert_unrecorded(answer)
        assert model.objects.filter(pk=row.pk).values().get() == before


@pytest.mark.django_db(transaction=True)
def test_what_was_stored_before_a_refused_write_is_a_bug_of_the_view(nora, api):
    # A 403 would say that nothing was stored.
    with pytest.raises(GuardError, match="without a record"):
        api.post("/stored")
    assert Group.objects.filter(name="stored").exists()
