"""The settings of a project with an admin and 500 scopes."""

from benchmarks.settings import *  # noqa: F403
from benchmarks.settings import API_GUARD, INSTALLED_APPS, MIDDLEWARE

ROOT_URLCONF = "benchmarks.admin_urls"
INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    *INSTALLED_APPS,
]
MIDDLEWARE = [*MIDDLEWARE, "django.contrib.messages.middleware.MessageMiddleware"]
STATIC_URL = "static/"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]
API_GUARD = {
    **API_GUARD,
    "SCOPES": {
        f"bench:scope{number}": {
            "description": f"What {number} does",
            "group": f"Group {number % 20}",
        }
        for number in range(500)
    },
}
