"""Notes in Django's admin; grants are in api_guard's own."""

from django.contrib import admin

from example_project.notes.models import Note, Notebook, Remark


@admin.register(Notebook)
class NotebookAdmin(admin.ModelAdmin):
    list_display = ["title", "owner"]
    search_fields = ["title"]
    filter_horizontal = ["readers"]


@admin.register(Note)
class NoteAdmin(admin.ModelAdmin):
    list_display = ["title", "author", "notebook", "published_at"]
    list_filter = ["author"]
    search_fields = ["title"]


@admin.register(Remark)
class RemarkAdmin(admin.ModelAdmin):
    list_display = ["text", "author", "written_at"]
