"""The metadata at the root of the site, where clients look first (RFC 8414, RFC 9728)."""

from api_guard.oauth2.metadata import oauth_urlpatterns, openid_urlpatterns

app_name = "oauth2_metadata"

urlpatterns = [*oauth_urlpatterns, *openid_urlpatterns]
