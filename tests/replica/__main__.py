"""Runs the hammer, once Django is set up."""

import django

django.setup()

from tests.replica.hammer import main  # noqa: E402

main()
