"""A view that a token opens, and one that is counted."""

from django.urls import path
from rest_framework.response import Response
from rest_framework.views import APIView

from api_guard import PUBLIC, guard

LIMIT = 100


class Answer(APIView):
    def get(self, request):
        return Response("served")


@guard(read="notes:read")
class Granted(Answer):
    pass


@guard(read=PUBLIC, throttle=(f"{LIMIT}/h", "100000/d"))
class Counted(Answer):
    authentication_classes = []


urlpatterns = [path("granted", Granted.as_view()), path("counted", Counted.as_view())]
