"""User models of other shapes than Django's, chosen by the environment."""

import os

from django.contrib.auth.models import (
    AbstractBaseUser,
    AbstractUser,
    BaseUserManager,
    Group,
    Permission,
)
from django.db import models


class Users(BaseUserManager):
    def create_user(self, email, **values):
        return self.create(email=email, **values)


class Role(models.Model):
    name = models.CharField(max_length=30)


class Base(AbstractBaseUser):
    email = models.EmailField(unique=True)
    USERNAME_FIELD = "email"
    objects = Users()

    class Meta:
        abstract = True


match os.environ["USER_MODEL"]:
    case "roles":

        class User(Base):
            groups = models.ManyToManyField(Role, related_name="holders")

    case "names":

        class User(Base):
            groups = models.JSONField(default=list)

    case "teams":

        class User(Base):
            pass

        class Team(models.Model):
            members = models.ManyToManyField(User, related_name="groups")

    case "unflagged":

        class User(models.Model):
            email = models.EmailField(unique=True)
            USERNAME_FIELD, REQUIRED_FIELDS = "email", ()
            is_anonymous, is_authenticated = False, True
            objects = Users()

            def get_username(self):
                return self.email

    case "renamed":

        class User(AbstractUser):
            groups = models.ManyToManyField(Group, related_name="+")
            user_permissions = models.ManyToManyField(
                Permission, related_name="people", related_query_name="person"
            )
