"""What a request costs on the database that is tested."""

from django.db import connection


def queries_of_a_token():
    """Return in how many queries a token is read with what its caller holds."""
    return 2 if connection.vendor == "mysql" else 1
