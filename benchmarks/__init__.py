"""Set Django up, as `tests.settings` say: DATABASE_URL and REDIS_URL choose what is measured."""

import os

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
django.setup()
