"""The stacks as a WSGI application, for benchmarks.load: UNGUARDED=1 for those of the peers."""

from __future__ import annotations

import os

from django.conf import settings
from django.core.wsgi import get_wsgi_application

if os.environ.get("UNGUARDED"):
    settings.MIDDLEWARE = settings.DJANGO_MIDDLEWARE
application = get_wsgi_application()
