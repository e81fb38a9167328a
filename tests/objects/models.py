"""Models that belong to users in every way that a table can say."""

from __future__ import annotations

import uuid
from typing import Any

from django.conf import settings
from django.contrib.contenttypes.fields import GenericForeignKey, GenericRelation
from django.contrib.contenttypes.models import ContentType
from django.db import models

USER = settings.AUTH_USER_MODEL


class Book(models.Model):
    owner = models.ForeignKey(USER, models.CASCADE, related_name="+")
    title = models.CharField(max_length=50, unique=True)

    class Meta:
        app_label = "objects"


class Page(models.Model):
    author = models.ForeignKey(USER, models.CASCADE, null=True, related_name="+")
    book = models.ForeignKey(Book, models.CASCADE, null=True, related_name="pages")
    title = models.CharField(max_length=50)
    deleted = models.BooleanField(default=False)
    views = models.IntegerField(default=0)
    labels = GenericRelation("Label")

    class Meta:
        app_label = "objects"
        ordering = ["pk"]


class Leaf(Page):
    class Meta:
        app_label = "objects"
        proxy = True


class LongPage(Page):
    text = models.TextField(blank=True)

    class Meta:
        app_label = "objects"


class Comment(models.Model):
    page = models.ForeignKey(Page, models.CASCADE, related_name="comments")
    author = models.ForeignKey(USER, models.CASCADE, null=True, related_name="+")
    text = models.CharField(max_length=50)
    replies = models.IntegerField(default=0)

    class Meta:
        app_label = "objects"
        ordering = ["pk"]


class Tag(models.Model):
    owner = models.ForeignKey(USER, models.CASCADE, related_name="+")
    name = models.CharField(max_length=50)
    pages = models.ManyToManyField(Page, related_name="tags")

    class Meta:
        app_label = "objects"


class Label(models.Model):
    text = models.CharField(max_length=50)
    content_type = models.ForeignKey(ContentType, models.CASCADE)
    object_id = models.PositiveIntegerField()
    target = GenericForeignKey()

    class Meta:
        app_label = "objects"


class Document(models.Model):
    members: models.ManyToManyField[Any, Any] = models.ManyToManyField(USER, related_name="+")
    title = models.CharField(max_length=50)

    class Meta:
        app_label = "objects"


class Ticket(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    author = models.ForeignKey(USER, models.CASCADE, related_name="+")
    title = models.CharField(max_length=50)

    class Meta:
        app_label = "objects"


class Code(models.Model):
    user = models.ForeignKey(USER, models.CASCADE, related_name="+")
    secret = models.CharField(max_length=20)
    attempts = models.IntegerField(default=0)

    class Meta:
        app_label = "objects"


class Audit(models.Model):
    text = models.CharField(max_length=50)

    class Meta:
        app_label = "objects"


class Diary(models.Model):
    user = models.ForeignKey(USER, models.CASCADE, to_field="username", related_name="+")
    title = models.CharField(max_length=50, unique=True)

    class Meta:
        app_label = "objects"


class Entry(models.Model):
    diary = models.ForeignKey(Diary, models.CASCADE, to_field="title", related_name="entries")

    class Meta:
        app_label = "objects"


class Seat(models.Model):
    pk = models.CompositePrimaryKey("room", "number")
    room = models.IntegerField()
    number = models.IntegerField()
    author = models.ForeignKey(USER, models.CASCADE, related_name="+")
    title = models.CharField(max_length=20)

    class Meta:
        app_label = "objects"


class Left(models.Model):
    left = models.AutoField(primary_key=True)
    author = models.ForeignKey(USER, models.CASCADE, related_name="+")

    class Meta:
        app_label = "objects"


class Right(models.Model):
    right = models.AutoField(primary_key=True)
    text = models.CharField(max_length=20)

    class Meta:
        app_label = "objects"


class Both(Left, Right):
    more = models.CharField(max_length=20, default="")

    class Meta:
        app_label = "objects"


class NamedOwner(models.Model):
    author = models.ForeignKey(
        USER, models.CASCADE, to_field="username", related_name="+", db_column="by"
    )
    title = models.CharField(max_length=20)
    parent = models.ForeignKey("self", models.CASCADE, null=True, related_name="children")
    friends = models.ManyToManyField("self")

    class Meta:
        app_label = "objects"
