"""django-oauth-toolkit's endpoints, without those by which any user registers a client."""

from oauth2_provider.urls import (
    base_urlpatterns,
    management_urlpatterns,
    metadata_urlpatterns,
    oidc_urlpatterns,
)

app_name = "oauth2_provider"

urlpatterns = [
    *metadata_urlpatterns,
    *base_urlpatterns,
    *oidc_urlpatterns,
    # A user may see and revoke what it has consented to.
    *(p for p in management_urlpatterns if p.name.startswith("authorized-token")),
]
