"""SQLite and local memory, or what DATABASE_URL and REDIS_URL name."""

import os

import dj_database_url

if os.environ.get("DATABASE_URL", "").startswith("mysql:"):
    import pymysql

    # Pure Python: it needs no compiler, and no headers of the server's.
    pymysql.install_as_MySQLdb()
    # Django's word for constraints of test models that this database does not have.
    SILENCED_SYSTEM_CHECKS = ["models.W036", "models.W044"]

# Django 6.1 asks for it before a mail is sent; older versions ignore it.
MAILERS: dict[str, dict[str, object]] = {"default": {}}
SECRET_KEY = "only for tests, and long enough to sign with"
DEBUG = False
ALLOWED_HOSTS = ["*"]
USE_TZ = True
ROOT_URLCONF = "tests.urls"
STATIC_URL = "static/"

DATABASES = {"default": dj_database_url.config(default="sqlite://:memory:")}
if os.environ.get("DATABASE_URL", "").startswith("sqlite:///"):
    # A file, which other processes can open; Django would test in memory.
    DATABASES["default"]["TEST"] = {"NAME": DATABASES["default"]["NAME"]}
    DATABASES["default"]["OPTIONS"] = {"timeout": 60, "transaction_mode": "IMMEDIATE"}
CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
if "REDIS_URL" in os.environ:
    # A test that clears the cache empties its database: each worker of pytest-xdist has its own.
    server, _, database = os.environ["REDIS_URL"].rpartition("/")
    worker = os.environ.get("PYTEST_XDIST_WORKER", "").removeprefix("gw")
    database = str(int(database) + 1 + int(worker)) if worker else database
    CACHES["default"] = {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": f"{server}/{database}",
        "KEY_PREFIX": f"api_guard-tests-{os.getpid()}",
    }

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.postgres",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "rest_framework",
    "rest_framework.authtoken",
    "oauth2_provider",
    "api_guard",
    "tests",
    "tests.hostile",
    "tests.objects",
]
MIDDLEWARE = [
    "api_guard.middleware.GuardMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
]
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
AUTHENTICATION_BACKENDS = [
    "api_guard.backends.LoginLimit",
    "django.contrib.auth.backends.ModelBackend",
]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "api_guard.authentication.OAuth2Authentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["api_guard.permissions.Guarded"],
    "DEFAULT_PARSER_CLASSES": [
        "api_guard.parsers.JSONParser",
        "api_guard.parsers.FormParser",
        "api_guard.parsers.MultiPartParser",
    ],
    "DEFAULT_RENDERER_CLASSES": ["api_guard.renderers.JSONRenderer"],
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}
OAUTH2_PROVIDER = {
    "SCOPES_BACKEND_CLASS": "api_guard.oauth2.GrantedScopes",
    "OAUTH2_VALIDATOR_CLASS": "api_guard.oauth2.GuardedValidator",
    # The toolkit's views keep what they made of these settings; tests change them.
    "ALWAYS_RELOAD_OAUTHLIB_CORE": True,
}
API_GUARD = {
    "SCOPES": {
        "notes:read": "Read notes",
        "notes:write": "Change notes",
        "notes:publish": "Publish notes",
        "audit:read": "Read the audit",
    },
}
