"""The example's settings, with what `manage.py check --deploy` asks of the authorization server.

Its issuer is the root of the site. It speaks no TLS, for the clients of the tests have none.
"""

import os

from example_project import settings
from example_project.settings import *  # noqa: F403
from tests.deployment import DEPLOYED

OAUTH2_PROVIDER = {
    **settings.OAUTH2_PROVIDER,
    **DEPLOYED,
    "OIDC_ISS_ENDPOINT": f"http://127.0.0.1:{os.environ['PORT']}",
}
