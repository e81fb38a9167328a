"""Revokes the grants of one user and the tokens of the other, as an administrator does."""

import django

django.setup()

from django.core.management import call_command  # noqa: E402

call_command("guard_revoke", "--user", "by-grant", "--grants", verbosity=0)
call_command("guard_revoke", "--user", "by-token", "--tokens", verbosity=0)
