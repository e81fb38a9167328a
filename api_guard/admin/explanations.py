"""The page that explains why a request is allowed or refused, and who would need what."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote, urlencode, urlsplit

from django import forms
from django.contrib import admin
from django.contrib.auth import get_user_model
from django.core.exceptions import ObjectDoesNotExist, PermissionDenied
from django.db import models
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from api_guard import conf, grants
from api_guard.access.decisions import read_line
from api_guard.admin.grantees import model_of
from api_guard.admin.pages import PageAdmin, as_fieldset
from api_guard.admin.viewing import access_url, viewer_of
from api_guard.explain import Explanation, Need, Question, explain, question_of
from api_guard.explain.reasons import in_words
from api_guard.models import Explanation as ExplanationPage
from api_guard.models import ScopeGrant

_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS")


class ExplainForm(forms.Form):
    """Name a caller and a request, or paste the log line of a decision."""

    method = forms.ChoiceField(label=_("Method"), choices=[(name, name) for name in _METHODS])
    path = forms.CharField(
        label=_("Path"),
        max_length=2000,
        required=False,
        help_text=_("The path or the address of the request, such as /notes/1/."),
        widget=forms.TextInput(attrs={"class": "vTextField", "data-focus": ""}),
    )
    user = forms.CharField(
        label=_("User"),
        max_length=254,
        required=False,
        help_text=_("The login name. Without a user and a client, the caller is anonymous."),
    )
    client = forms.CharField(
        label=_("Client"),
        max_length=255,
        required=False,
        help_text=_("The client id. With a client, the caller has an access token."),
    )
    scopes = forms.CharField(
        label=_("Scopes of the token"),
        max_length=20000,
        required=False,
        help_text=_("Separated by spaces. With a client, empty means every declared scope."),
        widget=forms.TextInput(attrs={"class": "vTextField"}),
    )
    line = forms.CharField(
        label=_("Log line of a decision"),
        max_length=50000,
        required=False,
        help_text=_("A line of the log api_guard.decisions, instead of all fields above."),
        widget=forms.Textarea(attrs={"rows": 3, "class": "vLargeTextField"}),
    )

    def clean_user(self) -> models.Model | None:
        """Return the user with this login name."""
        name = self.cleaned_data["user"]
        model: Any = get_user_model()
        users = model._default_manager.db_manager(grants.database())
        try:
            return users.get_by_natural_key(name) if name else None
        except ObjectDoesNotExist:
            raise forms.ValidationError(_("There is no such user."), code="no_user") from None

    def clean_client(self) -> models.Model | None:
        """Return the client with this client id."""
        name = self.cleaned_data["client"]
        clients = model_of("client")._default_manager.using(grants.database())
        found: models.Model | None = clients.filter(client_id=name).first() if name else None
        if name and found is None:
            raise forms.ValidationError(_("There is no such client."), code="no_client")
        return found

    def clean_line(self) -> Any:
        """Return the record in the line. Only a line that this site signed is one."""
        line = self.cleaned_data["line"]
        found = read_line(line) if line else None
        if line and found is None:
            raise forms.ValidationError(
                _("This is no line of a decision that this site signed."), code="no_line"
            )
        return found

    def clean(self) -> dict[str, Any]:
        """Require a path or a log line, and turn it into a question."""
        cleaned = super().clean() or {}
        if self.errors:
            return cleaned
        if cleaned["line"] is None and not cleaned["path"]:
            self.add_error("path", forms.ValidationError(_("Enter a path."), "required"))
            return cleaned
        try:
            cleaned["question"] = _question(cleaned)
        except LookupError as error:
            self.add_error("line", forms.ValidationError(str(error), "gone"))
        return cleaned


@admin.register(ExplanationPage)
class ExplanationAdmin(PageAdmin):
    """Used with `view_explanation`. It runs no code of the project's views or object rules."""

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """Show the form; after a POST, explain."""
        del extra_context
        if not self.has_view_permission(request):
            raise PermissionDenied
        named = {name: request.GET.get(name, "") for name in ("user", "client")}
        form = ExplainForm(request.POST if request.method == "POST" else None, initial=named)
        found = explain(form.cleaned_data["question"]) if form.is_valid() else None
        record = form.cleaned_data["line"] if found else None
        return self.show(
            request,
            "explain.html",
            _("Explain a request"),
            original=str(_("Explain")),
            adminform=as_fieldset(form, self),
            errors=form.errors,
            media=form.media,
            found=found,
            asked=form.cleaned_data["question"] if found else None,
            then=in_words(record) if record else "",
            links=list(self._links(request, found)) if found else (),
        )

    def _links(self, request: HttpRequest, found: Explanation) -> Iterator[tuple[Need, str]]:
        """Yield each missing grant with the page that gives it; "" if the viewer may not."""
        viewer = viewer_of(request)
        model_admin = self.admin_site._registry.get(ScopeGrant)
        may_add = model_admin is not None and model_admin.has_add_permission(request)
        for need in found.needs:
            url = ""
            if viewer.may_give(need.scope) and may_add:
                add = reverse(f"{self.admin_site.name}:api_guard_scopegrant_add")
                url = f"{add}?{urlencode({'scopes': need.scope, need.kind: need.key})}"
            elif viewer.may_give(need.scope):
                page = access_url(self.admin_site, need.kind, need.key)
                url = f"{page}?{urlencode({'scopes': need.scope})}" if page else ""
            yield need, url


def _question(cleaned: dict[str, Any]) -> Question:
    """Return what was asked. Raises LookupError if a recorded caller no longer exists."""
    if cleaned["line"] is not None:
        return question_of(cleaned["line"], runs_functions=False)
    client, scopes = cleaned["client"], cleaned["scopes"]
    if not scopes and client is not None:
        scopes = " ".join(conf.scopes())
    return Question(
        cleaned["method"],
        _path_of(cleaned["path"]),
        user=cleaned["user"],
        client=client,
        scopes=frozenset(scopes.split()) if scopes else None,
    )


def _path_of(said: str) -> str:
    """Return the path in what a person has pasted: a path, or a whole address."""
    path = said.partition("?")[0]
    if said.startswith(("http://", "https://")):
        try:
            path = urlsplit(said).path or "/"
        except ValueError:
            path = said
    return unquote(path)
