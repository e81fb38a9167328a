"""Input and output of the API. All text from outside uses api_guard's fields."""

from django.contrib.auth import get_user_model
from rest_framework import serializers

from api_guard.fields import PlainTextField, RichTextField
from example_project.notes.models import Note, Notebook, Remark


class NotebookSerializer(serializers.ModelSerializer):
    title = PlainTextField(max_length=120)

    class Meta:
        model = Notebook
        fields = ["id", "title"]


class NoteSerializer(serializers.ModelSerializer):
    # It has no author: the guard's `owner="author"` fills it in from the caller.
    title = PlainTextField(max_length=120)
    body = RichTextField(max_length=5000, preset="comment", allow_blank=True, required=False)

    class Meta:
        model = Note
        fields = ["id", "title", "body", "notebook", "published_at"]
        read_only_fields = ["published_at"]


class PublishedNoteSerializer(serializers.ModelSerializer):
    author = serializers.CharField(source="author.username", read_only=True)

    class Meta:
        model = Note
        fields = ["id", "title", "body", "author", "published_at"]
        read_only_fields = fields


class TitleSerializer(serializers.ModelSerializer):
    class Meta:
        model = Note
        fields = ["id", "title"]
        read_only_fields = fields


class RemarkSerializer(serializers.ModelSerializer):
    author = serializers.CharField(source="author.username", read_only=True)
    text = PlainTextField(max_length=500, newlines=True)

    class Meta:
        model = Remark
        fields = ["author", "text", "written_at"]
        read_only_fields = ["written_at"]


class AuthorSerializer(serializers.ModelSerializer):
    notes = serializers.IntegerField(source="number_of_notes", read_only=True)

    class Meta:
        model = get_user_model()
        fields = ["username", "notes"]
        read_only_fields = fields


class AuditSerializer(serializers.Serializer):
    grants = serializers.ListField(child=serializers.CharField())
    remarks = RemarkSerializer(many=True)


class StatisticsSerializer(serializers.Serializer):
    notes = serializers.IntegerField()
    published = serializers.IntegerField()
    authors = serializers.IntegerField()


class PingSerializer(serializers.Serializer):
    ping = serializers.CharField()


class HealthSerializer(serializers.Serializer):
    status = serializers.CharField()
