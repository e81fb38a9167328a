"""Views that are open to a token, each in another way."""

from django.http import HttpResponse
from django.urls import include, path
from rest_framework.response import Response
from rest_framework.views import APIView

from api_guard import guard
from api_guard.oauth2 import protected_resource


@guard(read="notes:read")
class Notes(APIView):
    def get(self, request):
        return Response("notes")


@protected_resource(["notes:read"])
def plain(request):
    return HttpResponse("plain")


urlpatterns = [
    path("notes", Notes.as_view()),
    path("plain", plain),
    path("o/", include("api_guard.oauth2.urls")),
]
