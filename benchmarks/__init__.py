"""Set Django up by `benchmarks.settings`: DATABASE_URL and REDIS_URL choose what is measured."""

import os

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "benchmarks.settings")
django.setup()
