"""Every model that a project may swap, with UUIDs for keys."""

import uuid

from django.contrib.auth.models import AbstractUser
from django.db import models
from oauth2_provider import models as toolkit


class User(AbstractUser):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4)


class Application(toolkit.AbstractApplication):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    is_enabled = models.BooleanField(default=True)

    def is_usable(self, request):
        return self.is_enabled


class Grant(toolkit.AbstractGrant):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4)


class IDToken(toolkit.AbstractIDToken):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4)


class AccessToken(toolkit.AbstractAccessToken):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    cnf = models.JSONField(null=True)


class RefreshToken(toolkit.AbstractRefreshToken):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
