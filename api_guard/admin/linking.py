"""Links from the change pages of users, groups and clients to their access pages.

Their admins stay as they are registered: only the answer of their change view gets another
template, which extends the one that it had. So it works with every user model, every AdminSite and
every template of another app that has the block `object-tools-items`.
"""

from __future__ import annotations

from functools import wraps
from typing import Any

from django.contrib.admin.sites import AdminSite
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from api_guard.admin.grantees import model_of
from api_guard.admin.viewing import access_url
from api_guard.models import GRANTEES, Access

_LINKED = "_api_guard_linked"


def link_change_pages(site: AdminSite) -> None:
    """Add the link to the change pages of this site, once. Called when its URLs are read."""
    for kind in GRANTEES:
        model_admin = site._registry.get(model_of(kind))
        if model_admin is None or _LINKED in vars(model_admin):
            continue
        setattr(model_admin, _LINKED, True)
        _link(site, model_admin, kind)


def _link(site: AdminSite, model_admin: Any, kind: str) -> None:
    own = model_admin.render_change_form

    @wraps(own)
    def render(request: HttpRequest, context: Any, *args: Any, **kwargs: Any) -> HttpResponse:
        response: HttpResponse = own(request, context, *args, **kwargs)
        found = context.get("original")
        if found is not None and not context.get("is_popup") and _may_see(site, request):
            _relink(response, access_url(site, kind, found.pk))
        return response

    model_admin.render_change_form = render


def _may_see(site: AdminSite, request: HttpRequest) -> bool:
    pages = site._registry.get(Access)
    return pages is not None and pages.has_view_permission(request)


def _relink(response: HttpResponse, url: str) -> None:
    context = getattr(response, "context_data", None)
    if isinstance(response, TemplateResponse) and not response.is_rendered and context is not None:
        context["api_guard_template"] = response.resolve_template(response.template_name)
        context["api_guard_access_url"] = url
        response.template_name = "admin/api_guard/linked_change_form.html"
