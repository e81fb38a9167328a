"""The forms of access reviews: open one, keep or revoke its grants."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django import forms
from django.contrib.admin.sites import AdminSite
from django.contrib.auth import get_user_model
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from api_guard import conf, grants
from api_guard.admin.expiries import NOT_TOO_LATE, today
from api_guard.admin.forms import ReasonForm
from api_guard.admin.grantees import GranteeSelect
from api_guard.core.scopes import EVERY_SCOPE
from api_guard.grants import Authority

_GROUP, _SCOPE = "group", "scope"
_KINDS = (
    ("", gettext_lazy("users, groups and clients")),
    ("user", gettext_lazy("users")),
    ("group", gettext_lazy("groups")),
    ("client", gettext_lazy("clients")),
)


class ReviewerSelect(GranteeSelect):
    """A select that asks the admin of reviews for users."""

    def __init__(self, admin_site: AdminSite) -> None:
        super().__init__("user", admin_site)

    def get_url(self) -> str:
        """Return the address of the search."""
        return reverse(f"{self.admin_site.name}:api_guard_accessreview_reviewers")


class OpenForm(forms.Form):
    """Say what is reviewed, by whom and until when."""

    title = forms.CharField(
        label=gettext_lazy("Title"),
        max_length=200,
        widget=forms.TextInput(attrs={"class": "vTextField"}),
        help_text=gettext_lazy("For the evidence: “Payments, autumn 2026”."),
    )
    covers = forms.ChoiceField(
        label=gettext_lazy("Grants of"),
        help_text=gettext_lazy("The grants that are live now. The list does not change later."),
    )
    kind = forms.ChoiceField(label=gettext_lazy("Held by"), choices=_KINDS, required=False)
    reviewer: Any = forms.ModelChoiceField(
        None,
        label=gettext_lazy("Reviewer"),
        help_text=gettext_lazy("Who decides. It needs the authority over all that is reviewed."),
    )
    due_on = forms.DateField(
        label=gettext_lazy("Due"),
        validators=[NOT_TOO_LATE],
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        input_formats=["%Y-%m-%d"],
        help_text=gettext_lazy("The last day to decide."),
    )

    def __init__(self, authority: Authority, site: AdminSite, *args: Any) -> None:
        super().__init__(*args)
        covers: Any = self.fields["covers"]
        covers.choices = list(_coverable(authority))
        reviewer: Any = self.fields["reviewer"]
        reviewer.widget = ReviewerSelect(site)
        reviewer.queryset = get_user_model()._default_manager.using(grants.database())
        picker: Any = self.fields["due_on"].widget
        picker.attrs["min"] = today().isoformat()

    def clean_title(self) -> str:
        """Refuse what a database cannot store."""
        title: str = self.cleaned_data["title"]
        try:
            grants.refuse_reason(title)
        except grants.GrantError as error:
            raise forms.ValidationError(error.detail, error.code) from None
        return title

    @property
    def covered(self) -> dict[str, str]:
        """What is covered, as `open_review` takes it."""
        kind, _colon, name = self.cleaned_data["covers"].partition(":")
        return {"scope": "", "scope_group": "", **_as_covered(kind, name)}


class RevokeForm(ReasonForm):
    """Say why the grants are revoked."""

    def __init__(self, data: Any = None) -> None:
        super().__init__(data)
        field: Any = self.fields["reason"]
        field.required, field.help_text = True, gettext_lazy("For the evidence.")
        field.widget.attrs["autofocus"] = True


def _as_covered(kind: str, name: str) -> dict[str, str]:
    return {_SCOPE: {"scope": name}, _GROUP: {"scope_group": name}}.get(kind, {})


def _coverable(authority: Authority) -> Iterator[tuple[str, Any]]:
    """Yield what a person may open a review of: everything, groups of scopes, scopes."""
    if authority.gives_any:
        yield "all", _("All scopes")
    is_over_all = authority.is_over(EVERY_SCOPE)
    names = [name for name in conf.scope_groups() if is_over_all or name in authority.groups]
    if names:
        yield _("Groups of scopes"), [(f"{_GROUP}:{name}", name) for name in names]
    scopes = [(name, conf.scopes()[name]) for name in authority.scopes() if name in conf.scopes()]
    if scopes:
        yield _("Scopes"), [(f"{_SCOPE}:{name}", f"{name} — {said}") for name, said in scopes]
