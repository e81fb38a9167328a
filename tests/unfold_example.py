"""The example's settings, with django-unfold in place of the look of Django's admin."""

from example_project import settings
from example_project.settings import *  # noqa: F403

INSTALLED_APPS = ["unfold", *settings.INSTALLED_APPS]
