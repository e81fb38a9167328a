"""The example's settings with OpenID Connect, and with what `manage.py check --deploy` asks.

Its issuer is the root of the site. It speaks no TLS, for the clients of the tests have none.
"""

import os

from example_project import settings
from example_project.settings import *  # noqa: F403
from tests.deployment import DEPLOYED
from tests.keys import rsa_key

OAUTH2_PROVIDER = {
    **settings.OAUTH2_PROVIDER,
    **DEPLOYED,
    "OIDC_ENABLED": True,
    "OIDC_RSA_PRIVATE_KEY": rsa_key(),
    "OIDC_ISS_ENDPOINT": f"http://127.0.0.1:{os.environ['PORT']}",
}
