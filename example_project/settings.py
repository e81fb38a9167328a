"""A notes API with api_guard: SQLite and local memory, or DATABASE_URL and REDIS_URL."""

import os
from pathlib import Path

import dj_database_url

from example_project import secret_key

HERE = Path(__file__).resolve().parent

DEBUG = os.environ.get("DEBUG", "1") == "1"
SECRET_KEY = os.environ.get("SECRET_KEY") or secret_key.kept_in(HERE / "demo.secret_key")
ALLOWED_HOSTS = os.environ.get("ALLOWED_HOSTS", "127.0.0.1,localhost").split(",")

# For api_guard: the settings up to MIDDLEWARE, and the first line of MIDDLEWARE.

INSTALLED_APPS = [
    "api_guard",
    "example_project.notes",  # before the toolkit: it has a template of its own for those pages
    "oauth2_provider",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
]
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "api_guard.authentication.OAuth2Authentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["api_guard.permissions.Guarded"],
    "DEFAULT_PARSER_CLASSES": ["api_guard.parsers.JSONParser"],
    "DEFAULT_RENDERER_CLASSES": [
        "api_guard.renderers.JSONRenderer",
        "rest_framework.renderers.BrowsableAPIRenderer",
    ],
    "DEFAULT_PAGINATION_CLASS": "api_guard.pagination.PageNumberPagination",
    "PAGE_SIZE": 20,
    "DEFAULT_SCHEMA_CLASS": "api_guard.openapi.AutoSchema",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Notes",
    "VERSION": "1.0.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "COMPONENT_SPLIT_REQUEST": True,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "SWAGGER_UI_SETTINGS": {"deepLinking": True, "defaultModelsExpandDepth": 0},
    "SWAGGER_UI_OAUTH2_CONFIG": {
        "clientId": "demo",
        "scopes": "notes:read notes:write notes:publish",
        "usePkceWithAuthorizationCodeGrant": True,
    },
}
AUTHENTICATION_BACKENDS = [
    "api_guard.backends.LoginLimit",  # first
    "django.contrib.auth.backends.ModelBackend",
]
OAUTH2_PROVIDER = {
    "SCOPES_BACKEND_CLASS": "api_guard.oauth2.GrantedScopes",
    "OAUTH2_VALIDATOR_CLASS": "api_guard.oauth2.GuardedValidator",
    "PKCE_REQUIRED": True,
    "REFRESH_TOKEN_REUSE_PROTECTION": True,
    "OAUTH_DEVICE_VERIFICATION_URI": f"http://127.0.0.1:{os.environ.get('PORT', '8000')}/o/device/",
    "ACCESS_TOKEN_EXPIRE_SECONDS": 3600,
    "REFRESH_TOKEN_EXPIRE_SECONDS": 14 * 24 * 3600,
}
API_GUARD = {
    "SCOPES": {
        "notes:read": "Read notes",
        "notes:write": "Change notes",
        "notes:publish": {
            "description": "Publish notes",
            "group": "Notes",
            "requestable": True,
        },
        "audit:write": "Write remarks into the audit",
        "introspection": "Ask what a token opens",
    },
    "EXEMPT": {"example_project.notes.views.health": "for the load balancer; returns no data"},
}

# The rest is Django's usual.

MIDDLEWARE = [
    "api_guard.middleware.GuardMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
ROOT_URLCONF = "example_project.urls"
WSGI_APPLICATION = "example_project.wsgi.application"
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

DATABASES = {"default": dj_database_url.config(default=f"sqlite:///{HERE / 'demo.sqlite3'}")}
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    # Without this, a transaction that reads before it writes does not wait for another writer.
    DATABASES["default"]["OPTIONS"] = {"transaction_mode": "IMMEDIATE"}
else:
    # Without this, requests wait forever for a server that hangs.
    DATABASES["default"].setdefault("OPTIONS", {}).setdefault("connect_timeout", 3)

CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
if os.environ.get("REDIS_URL"):
    CACHES["default"] = {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": os.environ["REDIS_URL"],
        "KEY_PREFIX": "notes",
    }

DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "/published/"
STATIC_URL = "static/"
TIME_ZONE = "UTC"
USE_TZ = True
