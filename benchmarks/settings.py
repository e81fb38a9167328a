"""The settings of a small project, on the database and the cache that the environment names.

DATABASE_URL and REDIS_URL as in the tests, SQLite in memory and local memory without them.
PREPARED=1 has PostgreSQL keep its plans.
"""

import os

import dj_database_url

if os.environ.get("DATABASE_URL", "").startswith("mysql:"):
    import pymysql

    pymysql.install_as_MySQLdb()

SECRET_KEY = "only for measuring, and long enough to sign with"
ALLOWED_HOSTS = ["*"]
ROOT_URLCONF = "benchmarks.stacks"

DATABASES = {"default": dj_database_url.config(default="sqlite://:memory:", conn_max_age=None)}
if os.environ.get("PREPARED"):
    DATABASES["default"]["OPTIONS"] = {"server_side_binding": True, "prepare_threshold": 1}
CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
if "REDIS_URL" in os.environ:
    CACHES["default"] = {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": os.environ["REDIS_URL"],
        "KEY_PREFIX": "api_guard-benchmarks",
    }

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "rest_framework",
    "oauth2_provider",
    "api_guard",
]
# As startproject writes it.
DJANGO_MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
MIDDLEWARE = ["api_guard.middleware.GuardMiddleware", *DJANGO_MIDDLEWARE]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "api_guard.authentication.OAuth2Authentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["api_guard.permissions.Guarded"],
    "DEFAULT_PARSER_CLASSES": ["api_guard.parsers.JSONParser"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
}
# The toolkit as it comes, for those that use it so.
OAUTH2_PROVIDER = {"SCOPES": {"notes:read": "Read notes", "notes:write": "Change notes"}}
API_GUARD = {
    "SCOPES": {"notes:read": "Read notes", "notes:write": "Change notes"},
    "EXEMPT": dict.fromkeys(("benchmarks.stacks", "__main__"), "what the guard is compared with"),
}
