"""The routes. SimpleRouter has no root view, which would need a guard too."""

from django.contrib import admin
from django.contrib.auth.views import LoginView
from django.urls import include, path
from django.views.generic import RedirectView, TemplateView
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView
from rest_framework.routers import SimpleRouter

from api_guard import PUBLIC, guard
from example_project.notes import client, views

router = SimpleRouter()
router.register("notes", views.NoteViewSet, basename="note")
router.register("notebooks", views.NotebookViewSet, basename="notebook")
router.register("published", views.PublishedNoteViewSet, basename="published")

public = guard(read=PUBLIC)

urlpatterns = [
    path("", RedirectView.as_view(url="/published/")),
    path("", include(router.urls)),
    path("shared/", views.SharedNoteList.as_view()),
    path("titles/", views.TitleList.as_view()),
    path("audit/", views.AuditView.as_view()),
    path("statistics/", views.statistics),
    path("authors/", views.AuthorList.as_view()),
    path("ping/", views.ping),
    path("health/", views.health),
    path("access/", include("api_guard.requests.urls")),
    path("schema/", public(SpectacularAPIView).as_view(), name="schema"),
    path(
        "docs/",
        public(SpectacularSwaggerSplitView).as_view(template_name="notes/swagger.html"),
    ),
    # Where Swagger's window comes back to after the consent.
    path(
        "docs/oauth2-redirect.html",
        TemplateView.as_view(template_name="notes/oauth2_redirect.html"),
    ),
    path("o/", include("api_guard.oauth2.urls")),
    path("", include("api_guard.oauth2.metadata_urls")),
    path("client/", client.start),
    path("callback/", client.callback, name="callback"),
    path(
        "accounts/login/",
        LoginView.as_view(
            template_name="admin/login.html",
            extra_context={"title": "Log in", "site_header": "Notes", "site_title": "Notes"},
        ),
        name="login",
    ),
    path("admin/", admin.site.urls),
]
