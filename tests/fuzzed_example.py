"""The example's settings without rates, so that each generated request reaches its view."""

from example_project.settings import *  # noqa: F403

RATELIMIT_ENABLE = False
