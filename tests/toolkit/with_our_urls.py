"""The urls of django-oauth-toolkit's tests, with ours in place of those with the same name."""

from django.contrib import admin
from django.urls import include, path
from oauth2_provider import urls as theirs

from api_guard.oauth2 import urls as ours

admin.autodiscover()

names = {pattern.name for pattern in ours.urlpatterns}
left = [pattern for pattern in theirs.urlpatterns if pattern.name not in names]

urlpatterns = [
    path("o/", include(([*ours.urlpatterns, *left], "oauth2_provider"))),
    path("admin/", admin.site.urls),
]
