"""The wrappers: outermost in the whole class tree, once a request, and not to be put aside."""

from __future__ import annotations

from unittest.mock import patch

import pytest
from django.db import OperationalError
from django.http import Http404
from django.urls import path
from rest_framework import permissions, serializers
from rest_framework.authentication import BaseAuthentication
from rest_framework.decorators import action, api_view
from rest_framework.exceptions import APIException
from rest_framework.renderers import BrowsableAPIRenderer, JSONRenderer
from rest_framework.response import Response
from rest_framework.test import APIRequestFactory
from rest_framework.throttling import BaseThrottle
from rest_framework.views import APIView
from rest_framework.viewsets import ModelViewSet, ViewSet

from api_guard import ANY_OBJECT, PUBLIC, SIGNED_IN, grants, guard, unheld
from api_guard.exceptions import GuardError
from api_guard.grants import using
from tests.models import Note

pytestmark = [pytest.mark.urls(__name__), pytest.mark.django_db]


class Answers(APIView):
    def get(self, request):
        return Response("answer")


class LooseBase:
    def check_permissions(self, request):
        pass

    def perform_authentication(self, request):
        pass

    def __init_subclass__(cls):
        pass  # keeps the call from the classes above it


@guard(read="notes:read")
class Guarded(Answers):
    pass


class LooseFirst(LooseBase, Guarded):
    pass


class Overridden(Guarded):
    permission_classes = []

    def get_permissions(self):
        return []

    def check_permissions(self, request):
        self.check_permissions_ran = True


class Again(Guarded):
    def check_permissions(self, request):
        super().check_permissions(request)
        super().check_permissions(request)


@guard(read="audit:read")
class Replaced(Guarded):
    pass


@guard(read="notes:read")
class OwnSubclassHook(Answers):
    children = []

    def __init_subclass__(cls, **kwargs):
        super().__init_subclass__(**kwargs)
        OwnSubclassHook.children.append(cls.__name__)

    @classmethod
    def as_view(cls, **initkwargs):
        return super().as_view(**initkwargs)


class Hooked(OwnSubclassHook):
    pass


class WithoutSuper(Guarded):
    def initial(self, request, *args, **kwargs):
        self.format_kwarg = None
        request.accepted_renderer, request.accepted_media_type = JSONRenderer(), "text/json"


class SwallowsInitial(Guarded):
    def initial(self, request, *args, **kwargs):
        try:
            super().initial(request, *args, **kwargs)
        except APIException:
            request.accepted_renderer, request.accepted_media_type = JSONRenderer(), "text/json"


class InstancePolicy(Guarded):
    def initialize_request(self, request, *args, **kwargs):
        self._api_guard_policy = guard(read=PUBLIC).policy
        return super().initialize_request(request, *args, **kwargs)


class DownAuthentication(BaseAuthentication):
    def authenticate(self, request):
        raise OperationalError("no database")


class BuggyAuthentication(BaseAuthentication):
    def authenticate(self, request):
        raise ZeroDivisionError


class Lazy(Guarded):
    authentication_classes = [DownAuthentication]

    def perform_authentication(self, request):
        pass


class BuggyPermission(permissions.BasePermission):
    def has_permission(self, request, view):
        raise KeyError("oops")


class LostPermission(permissions.BasePermission):
    def has_permission(self, request, view):
        raise Http404


class DownPermission(permissions.BasePermission):
    def has_permission(self, request, view):
        raise ConnectionRefusedError


@guard(read=PUBLIC)
class Asks(Answers):
    pass


class Third(BaseThrottle):
    asked = 0

    def allow_request(self, request, view):
        Third.asked += 1
        return True


class NoteSerializer(serializers.ModelSerializer):
    class Meta:
        model = Note
        fields = ["id", "title"]


@guard(read="notes:read", write="notes:write", throttle="100/d", owner="author")
class Browsable(ModelViewSet):
    queryset = Note.objects.order_by("pk")
    serializer_class = NoteSerializer
    renderer_classes = [JSONRenderer, BrowsableAPIRenderer]

    @action(detail=False)
    def extra(self, request):
        return Response(sorted(note.title for note in self.get_queryset()))


class AsksTheQueryset(permissions.BasePermission):
    def has_permission(self, request, view):
        view.get_queryset()
        return True


@guard(read="notes:read", owner="author")
class TouchedByPermission(ModelViewSet):
    queryset = Note.objects.all()
    serializer_class = NoteSerializer
    permission_classes = [AsksTheQueryset]

    def list(self, request):
        return Response([note.title for note in Note.objects.all()])


urlpatterns = [
    path("guarded", Guarded.as_view()),
    path("loose-first", LooseFirst.as_view()),
    path("loose-by-initkwargs", Guarded.as_view(permission_classes=[])),
    path("overridden", Overridden.as_view()),
    path("again", Again.as_view()),
    path("replaced", Replaced.as_view()),
    path("hooked", Hooked.as_view()),
    path("without-super", WithoutSuper.as_view()),
    path("swallows", SwallowsInitial.as_view()),
    path("instance-policy", InstancePolicy.as_view()),
    path("lazy", Lazy.as_view()),
    path("buggy-authentication", Asks.as_view(authentication_classes=[BuggyAuthentication])),
    path("buggy-permission", Asks.as_view(permission_classes=[BuggyPermission])),
    path("lost-permission", Asks.as_view(permission_classes=[LostPermission])),
    path("down-permission", Asks.as_view(permission_classes=[DownPermission])),
    path("session-only", Guarded.as_view(authentication_classes=[])),
    path("notes", Browsable.as_view({"get": "list", "post": "create"})),
    path("notes/<int:pk>", Browsable.as_view({"get": "retrieve", "put": "update"})),
    path("notes/extra", Browsable.as_view({"get": "extra"})),
    path("touched", TouchedByPermission.as_view({"get": "list"})),
]


@pytest.mark.parametrize(
    "path",
    [
        "guarded",
        "loose-first",
        "loose-by-initkwargs",
        "overridden",
        "again",
        "hooked",
        "instance-policy",
    ],
)
def test_no_override_and_no_base_class_puts_the_guard_aside(api, alice, give, path):
    assert api.get(f"/{path}").status_code == 401
    api.by_session(alice)
    assert api.get(f"/{path}").json()["code"] == "insufficient_scope"
    give(alice, "notes:read")
    assert api.get(f"/{path}").json() == "answer"


def test_a_subclass_that_is_decorated_again_replaces_the_policy_whole(api, alice, give):
    give(alice, "notes:read")
    api.by_session(alice)
    assert api.get("/replaced").status_code == 403
    give(alice, "audit:read")
    assert api.get("/replaced").status_code == 200


def test_a_class_s_own_subclass_hook_still_runs():
    assert "Hooked" in OwnSubclassHook.children


@pytest.mark.parametrize("path", ["without-super", "swallows"])
def test_an_initial_that_asks_nobody_is_caught_before_the_handler(api, path, caplog):
    response = api.get(f"/{path}")
    assert response.status_code == 403
    assert response.json()["code"] == "unsealed"
    assert "super().initial" in caplog.text


def test_initkwargs_that_name_a_hook_are_refused_at_import():
    with pytest.raises(GuardError, match=r"as_view\(filter_queryset=...\)"):
        Browsable.as_view({"get": "list"}, filter_queryset=lambda queryset: queryset)


def test_without_a_database_authentication_is_unavailable(api):
    response = api.get("/lazy")
    assert (response.status_code, response["Retry-After"]) == (503, "5")
    assert response.json()["code"] == "guard_unavailable"


def test_a_bug_of_an_authenticator_stays_a_bug(api):
    with pytest.raises(ZeroDivisionError):
        api.get("/buggy-authentication")


@pytest.mark.parametrize(
    ("path", "status"),
    [("buggy-permission", 403), ("lost-permission", 404), ("down-permission", 503)],
)
def test_a_permission_that_does_not_answer_has_not_said_yes(api, path, status):
    assert api.get(f"/{path}").status_code == status


def test_a_view_without_a_challenge_answers_403_to_nobody(api):
    response = api.get("/session-only")
    assert response.status_code == 403
    assert response.json()["code"] == "not_authenticated"
    assert "WWW-Authenticate" not in response


@pytest.mark.parametrize("error", [OperationalError("down"), ConnectionError()])
def test_without_the_grant_store_nothing_is_decided(api, alice, error):
    api.by_session(alice)
    with patch("api_guard.grants.reading.live_grants", side_effect=error):
        response = api.get("/guarded")
    assert response.status_code == 503
    assert response.json()["code"] == "guard_unavailable"


def test_a_bug_of_ours_stays_a_bug(api, alice):
    api.by_session(alice)
    with (
        patch("api_guard.grants.reading.live_grants", side_effect=ZeroDivisionError),
        pytest.raises(ZeroDivisionError),
    ):
        api.get("/guarded")


@pytest.fixture
def counted(monkeypatch):
    """What happened besides deciding, by name."""
    from api_guard import throttling

    seen = []
    admit, record = throttling.admit, grants.record_use
    monkeypatch.setattr(throttling, "admit", lambda *a: seen.append("rate") or admit(*a))
    monkeypatch.setattr(grants, "record_use", lambda *a: seen.append("use") or record(*a))
    return seen


@pytest.mark.parametrize("path", ["/notes", "/notes/1", "/notes/extra"])
@pytest.mark.parametrize("method", ["get", "options"])
@pytest.mark.parametrize("accept", ["application/json", "text/html"])
def test_rates_and_records_count_once_however_often_drf_probes(
    api, alice, give, counted, path, method, accept
):
    Note.objects.create(pk=1, author=alice, title="one")
    give(alice, "notes:read", "notes:write")
    response = getattr(api.by_session(alice), method)(path, HTTP_ACCEPT=accept)
    assert response.status_code == 200
    assert counted == ["rate", "use"]
    assert response["RateLimit"].startswith('"100/d";r=99;t=')


def test_a_probe_is_judged_by_the_action_of_the_probed_method(api, alice, give):
    Note.objects.create(pk=1, author=alice, title="one")
    give(alice, "notes:read")
    api.by_session(alice)
    assert "actions" not in api.options("/notes").json()
    assert b'name="title"' not in api.get("/notes", HTTP_ACCEPT="text/html").content
    give(alice, "notes:write")
    assert "POST" in api.options("/notes").json()["actions"]
    assert b'name="title"' in api.get("/notes", HTTP_ACCEPT="text/html").content


def test_what_a_permission_did_with_the_queryset_does_not_stand_for_the_handler(api, alice, give):
    give(alice, "notes:read")
    assert api.by_session(alice).get("/touched").json()["code"] == "unchecked_object"


def test_a_schema_generator_without_a_request_gets_the_model_and_no_row(alice):
    Note.objects.create(author=alice, title="one")
    view = Browsable()
    view.request = None
    assert view.get_queryset().model is Note
    assert list(view.get_queryset()) == []


def test_the_use_of_a_grant_is_recorded_once_an_interval_for_allowed_requests_alone(
    api, alice, give, django_capture_on_commit_callbacks, django_assert_num_queries
):
    [row] = give(alice, "notes:read")
    api.by_session(alice)
    with django_capture_on_commit_callbacks(execute=True):
        assert api.post("/notes", {"title": "x"}).status_code == 403
    row.refresh_from_db()
    assert row.last_used_at is None
    with django_capture_on_commit_callbacks(execute=True) as written:
        api.get("/guarded")
    row.refresh_from_db()
    assert row.last_used_at is not None
    assert len(written) == 1
    with django_capture_on_commit_callbacks(execute=True) as again:
        api.get("/guarded")
    assert again == []


def test_a_record_that_fails_refuses_nobody(
    api, alice, give, django_capture_on_commit_callbacks, caplog
):
    give(alice, "notes:read")
    api.by_session(alice)
    failing = "django.db.models.query.QuerySet.bulk_create"
    for error, said in ((OperationalError("down"), "WARNING"), (ZeroDivisionError, "ERROR")):
        caplog.clear()
        using.sample.forget()
        with (
            patch(failing, side_effect=error),
            django_capture_on_commit_callbacks(execute=True),
        ):
            assert api.get("/guarded").status_code == 200
        [record] = [each for each in caplog.records if each.name == "api_guard.grants"]
        assert "could not be recorded" in record.getMessage()
        assert record.levelname == said


# Misuse, said at import with the right line.


def function(request):
    return Response()


class Shop:
    def get(self, request):
        return Response()

    def publish(self, request):
        return Response()


class Actions(ViewSet):
    @action(detail=False)
    def sell(self, request):
        return Response()

    def list(self, request):
        return Response()


def wrapped(view):
    import functools

    @functools.wraps(view)
    def wrapper(request, *args, **kwargs):
        return view(request, *args, **kwargs)

    return wrapper


ANY = guard(read=PUBLIC)

MISUSE = [
    (lambda: guard(), "nothing is required"),
    (lambda: guard(read=()), "write PUBLIC"),
    (lambda: guard(read=None), "nothing is required"),
    (lambda: guard(read=["notes:read"]), "is not a requirement"),
    (lambda: guard(read="PUBLIC"), "from api_guard import PUBLIC"),
    (lambda: guard(read=(PUBLIC, "notes:read")), "remove PUBLIC"),
    (lambda: guard(read=(PUBLIC, SIGNED_IN)), "two standings"),
    (lambda: guard(read="openid"), "cannot be required"),
    (lambda: guard(read="notes read"), "is not a requirement"),
    (lambda: guard(actions={"read": "notes:read"}), "is the slot read="),
    (lambda: guard(read=PUBLIC, throttle="5/week"), r"N/\[k\]s\|m\|h\|d"),
    (lambda: guard(read=PUBLIC, throttle=()), "has no effect"),
    (lambda: guard(read=PUBLIC, throttle={}), "remove it"),
    (lambda: guard(read=PUBLIC, owner="not a field"), "is not a lookup"),
    (lambda: guard(read=PUBLIC, objects="all"), "ANY_OBJECT"),
    (lambda: guard(read=PUBLIC, owner="a", objects=ANY_OBJECT), "contradict"),
    (lambda: guard(read=PUBLIC, write="a", owner={"write": "a"}), "have no rule for read"),
    (lambda: guard(read=PUBLIC, keep="author"), "keep= needs an object rule"),
    (
        lambda: guard(read=PUBLIC, owner="a", keep="not a field"),
        "keep='not a field' is not a lookup",
    ),
    (lambda: guard(read=PUBLIC, hold="everywhere"), "hold= needs an object rule"),
    (lambda: guard(read=PUBLIC, owner="a", hold="here"), 'the only value is hold="everywhere"'),
    (lambda: guard(read=PUBLIC, related=["author"]), 'such as {"reviewer": ANY_OBJECT}'),
    (lambda: guard(read=PUBLIC, related={"author": "all"}), "the only value is ANY_OBJECT"),
    (lambda: guard(read=PUBLIC, owner="a", model="Note"), "write the class"),
    (lambda: unheld(why="no model"), "write the models"),
    (lambda: unheld("notes.Note", why="text"), "write the models"),
    (lambda: unheld(Note, why=" "), "write the reason"),
    (lambda: ANY(Shop.get), r'actions=\{"GET": "some:scope"\}'),
    (lambda: ANY(Shop.publish), r'actions=\{"publish": "some:scope"\}'),
    (lambda: ANY(Actions.sell), "not on an @action"),
    (lambda: ANY(Shop), "not one: derive it"),
    (lambda: ANY(object()), "@guard needs a view"),
    (lambda: ANY(wrapped(Answers.as_view())), "There is a decorator between"),
    (lambda: ANY(ANY(api_view(["GET"])(lambda request: None))), "already has a guard"),
    (lambda: guard(actions={"sel": PUBLIC})(Actions), "Did you mean 'sell'"),
    (lambda: guard(actions={"get": PUBLIC})(Answers), "Did you mean 'GET'"),
    (lambda: guard(read=PUBLIC, throttle={"lst": "1/s"})(Actions), "Did you mean 'list'"),
]


@pytest.mark.parametrize(("misuse", "message"), MISUSE)
def test_misuse_fails_at_import_with_the_right_line(misuse, message):
    with pytest.raises(GuardError, match=message):
        misuse()


def test_one_guard_serves_many_views(api):
    first, second = ANY(Answers), ANY(Answers)
    assert first is not second
    request = APIRequestFactory().get("/")
    assert first.as_view()(request).status_code == 200
    assert ANY(Actions.as_view({"get": "list"}))(request).status_code == 200


def test_a_guarded_class_keeps_its_name_and_a_copy_says_that_it_is_one():
    assert Guarded.__qualname__ == "Guarded"
    assert ANY(Answers).__qualname__ == "Answers[guarded]"
