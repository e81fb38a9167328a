"""The kit's fixtures, and a user."""

import pytest
from django.contrib.auth import get_user_model

pytest_plugins = ["api_guard.testing.fixtures"]


@pytest.fixture
def alice(db):
    return get_user_model().objects.create_user("alice")
