"""Makes two users whose tokens open the view, anew."""

from datetime import timedelta

import django

django.setup()

from django.contrib.auth import get_user_model  # noqa: E402
from django.utils import timezone  # noqa: E402
from oauth2_provider.models import AccessToken, Application  # noqa: E402

from api_guard import grants  # noqa: E402

get_user_model().objects.all().delete()
Application.objects.all().delete()
client = Application.objects.create(
    client_id="web", client_type="public", authorization_grant_type="authorization-code"
)
grants.grant("notes:read", client, by=grants.System("a test"))
ends = timezone.now() + timedelta(hours=1)
for name in ("by-grant", "by-token"):
    user = get_user_model().objects.create_user(name)
    grants.grant("notes:read", user, by=grants.System("a test"))
    AccessToken.objects.create(
        token=name, user=user, application=client, scope="notes:read", expires=ends
    )
