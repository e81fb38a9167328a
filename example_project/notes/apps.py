"""The app of notes."""

from django.apps import AppConfig


class NotesConfig(AppConfig):
    name = "example_project.notes"
