"""django-oauth-toolkit's own tests, run with api_guard in the place of its classes."""
