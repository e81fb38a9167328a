"""The admin of GrantAuthority: which Django groups manage which scopes."""

from __future__ import annotations

from typing import Any, cast

from django import forms
from django.contrib import admin
from django.contrib.admin.utils import unquote
from django.db import models, transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from api_guard import conf, grants
from api_guard.admin.databases import WrittenAdmin
from api_guard.admin.deauthorizing import take_back
from api_guard.core.scopes import EVERY_SCOPE
from api_guard.models import GrantAuthority
from api_guard.templatetags.api_guard_admin import in_words

# Of a large group of scopes, so many are named.
_SHOWN = 8
_FIELD_OF = {"unknown_scope_group": "scope_group", "already_authorized": "scope_group"}


def scope_group_choices() -> list[tuple[str, Any]]:
    """Return the scope groups, and a choice for every scope."""
    return [*((name, name) for name in conf.scope_groups()), (EVERY_SCOPE, _("every scope"))]


class AuthorityForm(forms.ModelForm):  # type: ignore[type-arg]  # generic in the stubs alone
    """Choose a Django group and the scopes that its members may grant and revoke."""

    by: models.Model

    scope_group = forms.ChoiceField(label=_("Scopes"), choices=scope_group_choices)

    class Meta:
        model = GrantAuthority
        fields = ("group", "scope_group", "reason")
        help_texts = {"group": _("Its members also need the status of staff to use the admin.")}

    def clean(self) -> dict[str, Any]:
        """Authorize in a transaction and roll it back, to show every error on the form."""
        cleaned = super().clean() or {}
        if self.errors:
            return cleaned
        try:
            with transaction.atomic(using=grants.database()):
                self.authorize(cleaned)
                transaction.set_rollback(True, using=grants.database())
        except grants.GrantError as error:
            self.add_error(
                _FIELD_OF.get(error.code), forms.ValidationError(error.detail, error.code)
            )
        return cleaned

    def authorize(self, cleaned: dict[str, Any]) -> GrantAuthority:
        """Save the authority. Raises GrantError."""
        return grants.authorize(
            cleaned["group"], cleaned["scope_group"], by=self.by, reason=cleaned["reason"]
        )

    def _post_clean(self) -> None:
        pass  # clean() has already validated the row


@admin.register(GrantAuthority)
class GrantAuthorityAdmin(WrittenAdmin):
    """Seen with `view_grantauthority`; decided with the permission `grant_any_scope`."""

    class Media:
        css = {"all": ["api_guard/grants.css"]}

    form = AuthorityForm
    list_display = ("group", "scopes", "members", "reason", "since")
    list_select_related = ("group",)
    actions = ("delete_selected",)  # instead of Django's

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Whether this user may see who manages which scopes, or decide it."""
        return super().has_view_permission(request, obj) or self._decides(request)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Whether this user may decide who manages which scopes."""
        return self._decides(request)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Whether this user may decide who manages which scopes."""
        del obj
        return self._decides(request)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody: delete the authority and add another one."""
        del request, obj
        return False

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Whether this user may decide who manages which scopes."""
        return self.has_view_permission(request)

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        """Return the list. One query counts the members of all groups."""
        changes: Any = super().get_changelist_instance(request)
        changes.result_list = list(changes.result_list)
        counts = grants.members(row.group for row in changes.result_list)
        for row in changes.result_list:
            row.active_members = counts[row.group_id]
        return changes

    @admin.display(description=_("may give and take"))
    def scopes(self, obj: GrantAuthority) -> Any:
        """The group of scopes, and the scopes that are in it now."""
        if obj.scope_group == EVERY_SCOPE:
            return _("every scope")
        names = [name for name, each in conf.scope_terms().items() if each.group == obj.scope_group]
        said = ", ".join(names[:_SHOWN]) + (", …" if len(names) > _SHOWN else "")
        return format_html(
            '{} <span class="grants-quiet">{}</span>', obj.scope_group, said or _("no scope now")
        )

    @admin.display(description=_("active members"))
    def members(self, obj: GrantAuthority) -> int:
        """How many people have it: the active members of the group."""
        found: int = obj.active_members  # type: ignore[attr-defined]  # the list has set it
        return found

    @admin.display(description=_("since"))
    def since(self, obj: GrantAuthority) -> Any:
        """When it was given."""
        return in_words(obj.created_at)

    def _decides(self, request: HttpRequest) -> bool:
        return grants.may_give_any(cast("models.Model", request.user))

    def get_form(
        self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any
    ) -> Any:
        """Return the form, which knows the user."""
        form: Any = super().get_form(request, obj, change, **kwargs)
        form.by = request.user
        return form

    def save_model(
        self, request: HttpRequest, obj: GrantAuthority, form: Any, change: bool
    ) -> None:
        """Save the authority."""
        del request, change
        obj.__dict__.update(form.authorize(form.cleaned_data).__dict__)

    def delete_view(
        self, request: HttpRequest, object_id: str, extra_context: Any = None
    ) -> HttpResponse:
        """Take an authority back, on a page that asks for a reason."""
        del extra_context
        row = self.get_object(request, unquote(object_id))
        rows = self.get_queryset(request)
        return take_back(self, request, rows.none() if row is None else rows.filter(pk=row.pk))

    @admin.action(description=_("Take the selected authorities back"), permissions=["delete"])
    def delete_selected(
        self, request: HttpRequest, queryset: QuerySet[GrantAuthority]
    ) -> HttpResponse:
        """Take each authority back, on a page that asks for a reason."""
        return take_back(self, request, queryset)
