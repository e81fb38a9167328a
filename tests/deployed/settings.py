"""The settings of the tests, on the database and the cache that the environment names."""

import json
import os

from tests.settings import *  # noqa: F403

DATABASES = {"default": json.loads(os.environ["DEPLOYED_DATABASE"])}
CACHES = {"default": json.loads(os.environ["DEPLOYED_CACHE"])}
ROOT_URLCONF = os.environ["DEPLOYED_URLCONF"]
