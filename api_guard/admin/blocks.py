"""The page of blocks after failed credentials: see them, look one up, lift it with a reason."""

from __future__ import annotations

from typing import Any, cast

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import models
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.translation import gettext_lazy as _

from api_guard import grants
from api_guard.admin.managers import person_of
from api_guard.admin.pages import Choices, Listed, PageAdmin, term_of
from api_guard.exceptions import GuardError
from api_guard.grants import lifting
from api_guard.limits import credentials
from api_guard.limits.counters import CounterFault
from api_guard.models import Block

KINDS = {
    "account_at_address": _("an account at an address"),
    "account": _("an account, from everywhere"),
    "address": _("an address, for passwords"),
    "token": _("an address, for tokens"),
}
_MOST = 500  # characters of a reason


class LookForm(forms.Form):
    """Look into the counts, where a block is found that is no longer among the newest."""

    kind = forms.ChoiceField(
        label=_("Kind"), required=False, choices=[("user", _("user")), ("client", _("client"))]
    )
    account = forms.CharField(
        label=_("Login name or client id"), required=False, max_length=200, strip=True
    )
    address = forms.GenericIPAddressField(label=_("Address"), required=False)

    def found(self) -> list[credentials.Block] | None:
        """Return the blocks that are asked for, or None if nothing is. Raises CounterFault."""
        if not self.is_valid():
            return [] if self.is_bound else None
        asked = self.cleaned_data
        if not (asked["account"] or asked["address"]):
            return None
        return credentials.reached(asked["kind"] or "user", asked["account"], asked["address"])


@admin.register(Block)
class BlockAdmin(PageAdmin):
    """Seen with `view_block`; a block is lifted with `lift_block`."""

    search_help_text = _("A part of the name or of the address.")

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """List the blocks, or those of one account and address; lift the chosen ones."""
        del extra_context
        if not self.has_view_permission(request):
            raise PermissionDenied
        may_lift = lifting.may_lift(person_of(request))
        form = LookForm(request.GET)
        try:
            looked = form.found()
            found = credentials.blocks()[::-1] if looked is None else looked
            if request.method == "POST":
                if not may_lift:
                    raise PermissionDenied
                _lift(request, found)
                return HttpResponseRedirect(request.get_full_path())
        except CounterFault:
            return self._show(request, [], form, may_lift=False, is_known=False)
        return self._show(request, found, form, may_lift=may_lift, is_looked=looked is not None)

    def _show(
        self,
        request: HttpRequest,
        found: list[credentials.Block],
        form: LookForm,
        *,
        may_lift: bool,
        is_known: bool = True,
        is_looked: bool = False,
    ) -> HttpResponse:
        chosen = Choices.of(
            request, _("kind"), "limit", [("", _("all")), *((k, v) for k, v in KINDS.items())]
        )
        words = term_of(request).lower().split()
        rows = [
            each
            for each in found
            if chosen.chosen in ("", each.kind)
            and all(word in f"{each.account} {each.address}".lower() for word in words)
        ]
        listed = Listed(self, request, rows, [chosen], per_page=100)
        return self.show(
            request,
            "blocks.html",
            _("Blocks of failed credentials"),
            cl=listed,
            lines=[
                (each, _key(each), KINDS.get(each.kind, each.kind)) for each in listed.result_list
            ],
            form=form,
            has_any=bool(found),
            is_known=is_known,
            is_looked=is_looked,
            may_lift=may_lift,
            longest=_MOST,
        )


def _key(block: credentials.Block) -> str:
    """Tell a block from a later one with the same number."""
    if not block.number:
        return f"{block.kind} {block.rate} {block.account}"
    return f"{block.number} {block.since.isoformat()}"


def _lift(request: HttpRequest, found: list[credentials.Block]) -> None:
    """Lift the chosen blocks, each with its record."""
    reason = request.POST.get("reason", "").strip()
    chosen = set(request.POST.getlist("block"))
    rows = [each for each in found if _key(each) in chosen]
    if not reason or not rows:
        said = _("Write a reason.") if rows else _("Select the blocks to lift.")
        messages.warning(request, said)
        return
    by = cast("models.Model", request.user)
    for each in rows:
        name = " ".join(filter(None, (each.account, each.address)))
        try:
            grants.lift_block(each, by=by, reason=reason)
        except (grants.GrantError, GuardError) as error:
            why = error.detail if isinstance(error, grants.GrantError) else str(error)
            messages.error(request, _("Not lifted: %(name)s. %(why)s") % {"name": name, "why": why})
            continue
        messages.success(request, _("Lifted: %(name)s.") % {"name": name})
