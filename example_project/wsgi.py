"""For a real server: `gunicorn example_project.wsgi`."""

import os

from api_guard.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "example_project.settings")

application = get_wsgi_application()
