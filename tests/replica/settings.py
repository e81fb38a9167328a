"""The tests' settings, with a primary that is written to and a standby that is read from."""

import os

from tests.settings import *  # noqa: F403

DATABASES = {
    alias: {
        "ENGINE": "django.db.backends.postgresql",
        "HOST": os.environ[f"{alias.upper()}_SOCKETS"],
        "NAME": "postgres",
        "USER": "postgres",
    }
    for alias in ("default", "standby")
}
DATABASE_ROUTERS = ["tests.replica.routers.ReadsFromTheStandby"]
ROOT_URLCONF = "tests.replica.urls"
