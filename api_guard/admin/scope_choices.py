"""The scopes of the form that gives access, in their groups, with what is special about each."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from api_guard import conf
from api_guard.grants import Authority

# With more choices, each group is closed at first.
_SHOWN = 12


@dataclass(frozen=True)
class Choice:
    """One line of the form: what is given, what it means, and what is special about it."""

    value: str
    meaning: str
    note: str = ""


def choices_of(authority: Authority, held: Collection[str] = ()) -> list[tuple[str, list[Choice]]]:
    """Return what somebody may give and is not `held`, by group, and the bundles."""
    most = conf.max_grant_days()
    groups: dict[str, list[Choice]] = {}
    for name in authority.scopes():
        terms = authority.terms.get(name)
        if terms is None or name in held:
            continue
        notes = [_("two other users have to approve it")] if terms.is_sensitive else []
        days = terms.max_days
        if days is not None and (most is None or days < most):
            notes.append(ngettext("at most %d day", "at most %d days", days) % days)
        choice = Choice(name, terms.description, ", ".join(notes))
        groups.setdefault(terms.group, []).append(choice)
    unnamed = _("In no group") if len(groups) > 1 else _("Scopes")
    shown = [(name or unnamed, choices) for name, choices in sorted(groups.items())]
    return [*shown, *_bundles(authority, held)]


def _bundles(authority: Authority, held: Collection[str]) -> list[tuple[str, list[Choice]]]:
    covered = {name: each for name, each in conf.bundles().items() if authority.is_over(name)}
    choices = [
        Choice(name, each.description, ", ".join(sorted(each.scopes)))
        for name, each in covered.items()
        if name not in held
    ]
    return [(_("Bundles"), choices)] if choices else []


class ScopesSelect(forms.CheckboxSelectMultiple):
    """Checkboxes in groups that open and close, and a search where there is JavaScript."""

    template_name = "admin/api_guard/widgets/scopes.html"
    groups: Sequence[tuple[str, list[Choice]]] = ()

    class Media:
        css = {"all": ["api_guard/grants.css"]}
        js = ["api_guard/grants.js"]

    def get_context(self, name: str, value: Any, attrs: Any) -> dict[str, Any]:
        """Add the groups, with the chosen ones open."""
        context: dict[str, Any] = super().get_context(name, value, attrs)
        chosen = {str(each) for each in value or ()}
        total = sum(len(choices) for _name, choices in self.groups)
        base, count, shown = context["widget"]["attrs"].get("id", name), 0, []
        for label, choices in self.groups:
            picked, lines = sum(choice.value in chosen for choice in choices), []
            for choice in choices:
                is_chosen = choice.value in chosen
                lines.append({"choice": choice, "id": f"{base}_{count}", "is_chosen": is_chosen})
                count += 1
            is_open = total <= _SHOWN or picked > 0 or len(self.groups) == 1
            shown.append({"label": label, "lines": lines, "picked": picked, "is_open": is_open})
        context["groups"] = shown
        context["is_long"] = total > _SHOWN
        return context


class ScopesField(forms.MultipleChoiceField):
    """Several declared scopes and bundles. `api_guard.grants` decides whether they are given."""

    widget = ScopesSelect

    def offer(self, authority: Authority, held: Collection[str] = ()) -> None:
        """Show what somebody may give and is not `held`, and take every declared scope."""
        self.choices = [(name, name) for name in conf.grantable()]
        select: Any = self.widget
        select.groups = choices_of(authority, held)

    @property
    def offered(self) -> frozenset[str]:
        """The names that the form shows."""
        select: Any = self.widget
        return frozenset(choice.value for _group, choices in select.groups for choice in choices)
