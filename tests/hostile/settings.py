"""For live servers: `DJANGO_SETTINGS_MODULE=tests.hostile.settings`."""

import os

from tests.settings import *  # noqa: F403
from tests.settings import API_GUARD, DATABASES

ROOT_URLCONF = "tests.hostile.urls"
API_GUARD = {**API_GUARD, "EXEMPT": {"tests.hostile.stock": "what is compared with"}}
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    DATABASES["default"]["NAME"] = os.environ.get("HOSTILE_SQLITE", "hostile.sqlite3")
LOGGING = {"version": 1, "disable_existing_loggers": False}
