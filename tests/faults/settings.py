"""The settings of the tests, with the database and the cache that the environment names."""

import json
import os

from tests.settings import *  # noqa: F403  # all of them but a few

DATABASES = {"default": json.loads(os.environ["FAULTS_DATABASE"])}
CACHES = {"default": json.loads(os.environ["FAULTS_CACHE"])}
ROOT_URLCONF = "tests.faults.urls"
API_GUARD = {
    **API_GUARD,  # noqa: F405
    "SCOPES": {**API_GUARD["SCOPES"], "introspection": "Ask what a token opens"},  # noqa: F405
    "TRUSTED_PROXIES": ["127.0.0.1"],
    **json.loads(os.environ.get("FAULTS_API_GUARD", "{}")),
}
