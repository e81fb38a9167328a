"""The pages that revoke, extend or keep selected grants, after they said what that will change."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, cast

from django import forms
from django.contrib import messages
from django.contrib.admin.helpers import AdminForm
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from api_guard import conf, grants
from api_guard.admin.changes import Page
from api_guard.admin.expiries import most_days
from api_guard.admin.forms import ExtendForm, RevokeForm
from api_guard.admin.grant_columns import badge
from api_guard.admin.grantees import display_name
from api_guard.admin.granting import name_of, tell_refused
from api_guard.admin.keeping import KeepSelectedForm
from api_guard.admin.managers import authority_of, grant_url
from api_guard.admin.selections import Selection
from api_guard.admin.viewing import access_url, scope_url
from api_guard.grants import effects, summing
from api_guard.grants.summing import Sum
from api_guard.models import GRANTEES, ScopeGrant

# So many grants are listed one by one. The others are counted.
MOST_LISTED = 25
SELECTED = "selection"


def change_grants(page: Page, model_admin: Any, request: HttpRequest) -> HttpResponse:
    """Show what is selected and what will change, and change it if that is confirmed."""
    if not model_admin.has_change_permission(request):
        raise PermissionDenied
    back = HttpResponseRedirect(grant_url(model_admin.admin_site, "changelist"))
    selection = Selection.read(request, request.GET.get(SELECTED, ""))
    if selection is None:
        messages.error(request, _("This selection is no longer valid. Select the grants again."))
        return back
    rows = selection.rows(model_admin, request)
    found = summing.summed(rows)
    sent = request.POST if request.method == "POST" else None
    form = page.form(sent, initial={"seen": found.count})
    if isinstance(form, ExtendForm):
        form.limit(most_days((each.scope for each in found.scopes), of_all=True))
    if form.is_valid() and _is_as_seen(form, found):
        try:
            with transaction.atomic(using=grants.database()):
                changed = page.change(request, rows, form.cleaned_data)
        except grants.GrantError as error:
            form.add_error(None, forms.ValidationError(error.detail, error.code))
        else:
            if changed.count:
                messages.success(request, page.said(changed.count, form.cleaned_data))
            tell_refused(request, changed.refused, str(page.done))
            return back
    return _shown(page, model_admin, request, rows, found, form)


def _is_as_seen(form: forms.Form, found: Sum) -> bool:
    """Whether not more grants are selected than the page has shown."""
    if found.count <= (form.cleaned_data["seen"] or 0):
        return True
    said = _("Meanwhile, there are more grants in this selection. Look at them again.")
    form.add_error(None, forms.ValidationError(said, "changed"))
    return False


def _shown(
    page: Page,
    model_admin: Any,
    request: HttpRequest,
    rows: QuerySet[ScopeGrant],
    found: Sum,
    form: RevokeForm | ExtendForm | KeepSelectedForm,
) -> HttpResponse:
    related = (*GRANTEES, *effects.LAST_USE_RELATED)
    listed = list(rows.select_related(*related)[:MOST_LISTED])
    visible = [name for name in form.fields if name != "seen"]
    context = {
        **model_admin.admin_site.each_context(request),
        "title": page.title,
        "original": page.title,  # for the breadcrumbs of Django's template
        "has_view_permission": model_admin.has_view_permission(request),
        "errors": form.errors,
        "page": page,
        "opts": model_admin.opts,
        "found": found,
        "kinds": _kinds(found),
        "lines": list(_lines(model_admin.admin_site, request, listed)),
        "others": found.count - len(listed),
        "scopes": [(each, conf.grantable().get(each.scope, "")) for each in found.scopes],
        "form": form,
        "adminform": AdminForm(
            cast("Any", form), [(None, {"fields": visible})], {}, model_admin=model_admin
        ),
        "list_url": grant_url(model_admin.admin_site, "changelist"),
        "media": model_admin.media + form.media,
    }
    request.current_app = model_admin.admin_site.name  # for {% url %}
    return TemplateResponse(request, "admin/api_guard/change_grants.html", context)


def _lines(site: Any, request: HttpRequest, rows: Sequence[ScopeGrant]) -> Iterator[dict[str, Any]]:
    """Yield what to show of each grant: for whom, and what stays."""
    meanings, authority = conf.grantable(), authority_of(request)
    members = grants.members([row.group for row in rows if row.group is not None])
    kept = summing.kept_through(rows)
    for row in rows:
        count = members.get(row.group_id)
        yield {
            "row": row,
            "url": grant_url(site, "change", row.pk),
            "grantee": name_of(row.grantee),
            "grantee_url": access_url(site, row.grantee_kind, getattr(row.grantee, "pk", "")),
            "scope_url": scope_url(site, row.scope),
            "meaning": meanings.get(row.scope, ""),
            "members": count,
            "is_everyone": grants.is_everyone(row.grantee),
            "kept": ", ".join(display_name(group) for group in kept.get(row.pk, ())),
            "state": badge(effects.effect_of(row, meanings), is_break_glass=row.is_break_glass),
            "last_use": effects.last_use(row),
            "is_allowed": authority.is_over(row.scope),
        }


def _kinds(found: Sum) -> str:
    """Return how many grants of each kind: `2 of users, 1 of a group`."""
    said = {
        "user": lambda n: ngettext("%d of a user", "%d of users", n),
        "group": lambda n: ngettext("%d of a group", "%d of groups", n),
        "client": lambda n: ngettext("%d of a client", "%d of clients", n),
    }
    return ", ".join(said[kind](count) % count for kind, count in found.kinds.items())
