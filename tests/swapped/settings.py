from tests.settings import *  # noqa: F403
from tests.settings import INSTALLED_APPS

INSTALLED_APPS = [*(app for app in INSTALLED_APPS if app != "tests"), "tests.swapped"]
ROOT_URLCONF = "tests.swapped.suite"
AUTH_USER_MODEL = "swapped.User"
OAUTH2_PROVIDER_APPLICATION_MODEL = "swapped.Application"
OAUTH2_PROVIDER_GRANT_MODEL = "swapped.Grant"
OAUTH2_PROVIDER_ID_TOKEN_MODEL = "swapped.IDToken"
OAUTH2_PROVIDER_ACCESS_TOKEN_MODEL = "swapped.AccessToken"
OAUTH2_PROVIDER_REFRESH_TOKEN_MODEL = "swapped.RefreshToken"
