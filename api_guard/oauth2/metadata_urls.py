"""The metadata at the root of the site, which is where clients look first (RFC 8414, RFC 9728)."""

from oauth2_provider.urls import metadata_urlpatterns

app_name = "oauth2_metadata"

urlpatterns = list(metadata_urlpatterns)
