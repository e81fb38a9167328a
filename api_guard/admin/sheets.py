"""The style sheets of the pages, also under django-unfold."""

from __future__ import annotations

from collections.abc import Sequence

from django import forms
from django.apps import apps
from django.contrib import admin


def sheets(*names: str, js: Sequence[str] = ()) -> forms.Media:
    """Return the style sheets. django-unfold lacks the classes and colours of Django's admin."""
    shown = [*names, "api_guard/unfold.css"] if apps.is_installed("unfold") else list(names)
    return forms.Media(css={"all": shown}, js=list(js))


class StyledAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # generic in the stubs alone
    """The pages of a model, which stay readable under django-unfold."""

    @property
    def media(self) -> forms.Media:
        """The style sheets of all pages of this model."""
        return super().media + sheets()
