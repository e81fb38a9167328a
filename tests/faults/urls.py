"""A view for each thing that may fail, and the ways to sign in."""

from django.contrib import admin
from django.contrib.auth.models import Group
from django.db import connection
from django.urls import include, path
from rest_framework.authentication import BasicAuthentication
from rest_framework.response import Response
from rest_framework.serializers import ModelSerializer
from rest_framework.views import APIView
from rest_framework.viewsets import ModelViewSet

from api_guard import PUBLIC, SIGNED_IN, guard
from api_guard.authentication import IntrospectionAuthentication


class Answer(APIView):
    def get(self, request):
        return Response("served")


@guard(read="notes:read")
class Granted(Answer):
    pass


@guard(read=PUBLIC, throttle="100000/m")
class Counted(Answer):
    authentication_classes = []


@guard(read=SIGNED_IN)
class ByPassword(Answer):
    authentication_classes = [BasicAuthentication]


@guard(read="notes:read")
class Remote(Answer):
    authentication_classes = [IntrospectionAuthentication]


class GroupSerializer(ModelSerializer):
    class Meta:
        model = Group
        fields = ["name"]


class Groups(ModelViewSet):
    queryset = Group.objects.order_by("pk")
    serializer_class = GroupSerializer


def raises(caller):
    raise ZeroDivisionError


def cannot_tell(caller):
    raise ConnectionError


@guard(read="notes:read", objects=raises)
class ByBrokenRule(Groups):
    pass


@guard(read="notes:read", objects=cannot_tell)
class ByRuleThatCannotTell(Groups):
    pass


@guard(read=PUBLIC)
class Alive(APIView):
    """What the tests ask of the database itself."""

    authentication_classes = []

    def get(self, request):
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
            return Response(cursor.fetchone())


urlpatterns = [
    path("granted", Granted.as_view()),
    path("counted", Counted.as_view()),
    path("password", ByPassword.as_view()),
    path("remote", Remote.as_view()),
    path("broken-rule", ByBrokenRule.as_view({"get": "list"})),
    path("cannot-tell", ByRuleThatCannotTell.as_view({"get": "list"})),
    path("alive", Alive.as_view()),
    path("admin/", admin.site.urls),
    path("o/", include("api_guard.oauth2.urls")),
]
