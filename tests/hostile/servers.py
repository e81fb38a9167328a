"""The applications to serve: `gunicorn tests.hostile.servers:guarded_wsgi`."""

import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.hostile.settings")

from django.core.asgi import get_asgi_application
from django.core.wsgi import get_wsgi_application

from api_guard import asgi, wsgi

stock_wsgi = get_wsgi_application()
guarded_wsgi = wsgi.Application(stock_wsgi)
stock_asgi = get_asgi_application()
guarded_asgi = asgi.Application(stock_asgi)
