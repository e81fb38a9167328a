"""Has keys go on after those that a test gave by itself."""

from django.apps import apps
from django.core.management.color import no_style
from django.db import connection


def continue_keys():
    """On PostgreSQL, a sequence knows nothing of a key that was given."""
    models = list(apps.get_app_config("objects").get_models())
    with connection.cursor() as cursor:
        for statement in connection.ops.sequence_reset_sql(no_style(), models):
            cursor.execute(statement)
