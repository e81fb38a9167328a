"""Which of django-oauth-toolkit's tests fail on purpose, and why. The docs have the same table."""

from pathlib import Path

# Of our classes.
CLASSES = {
    "neither an ID token nor a query parameter is accepted as an access token": [
        "test_authorization_code.py::TestOIDCAuthorizationCodeProtectedResource"
        "::test_id_token_resource_access_allowed",
        "test_hybrid.py::TestHybridProtectedResource::test_id_token_resource_access_allowed",
        "test_bcp_rfc9700.py::TestAccessTokenInQueryGate::test_query_token_allowed_by_default",
    ],
    "a client that names no scope gets all that was granted to it, not DEFAULT_SCOPES": [
        "test_authorization_code.py::TestDefaultScopes::test_pre_auth_default_scopes",
        "test_hybrid.py::TestDefaultScopesHybrid::test_pre_auth_default_scopes",
        "test_implicit.py::TestImplicitAuthorizationCodeView"
        "::test_pre_auth_valid_client_default_scopes",
    ],
    "the scopes are those of API_GUARD and of OpenID Connect, not those of SCOPES": [
        *(
            f"test_oidc_views.py::{name}"
            for name in (
                "TestConnectDiscoveryInfoView::test_get_connect_discovery_info",
                "TestConnectDiscoveryInfoView::test_get_connect_discovery_info_deprecated",
                "TestConnectDiscoveryInfoView::test_get_connect_discovery_info_with_rp_logout",
                "TestConnectDiscoveryInfoView::test_get_connect_discovery_info_without_issuer_url",
                "TestConnectDiscoveryInfoView"
                "::test_get_connect_discovery_info_without_issuer_url_with_rp_logout",
                "TestOAuthServerMetadataView::test_get_oauth_server_metadata",
                "TestOAuthServerMetadataView"
                "::test_get_oauth_server_metadata_omits_unregistered_endpoints",
                "TestOAuthServerMetadataView::test_get_oauth_server_metadata_without_issuer_url",
                "TestOAuthProtectedResourceMetadataView::test_get_protected_resource_metadata",
                "TestRPInitiatedRegistration::test_connect_discovery_info_has_create",
            )
        ),
        "test_models.py::test_id_token_methods",
        "test_scopes.py::TestReadWriteScope::test_improperly_configured",
        "test_scopes.py::TestReadWriteScope::test_properly_configured",
    ],
    "RESOURCE_SERVER_INTROSPECTION_URL would find a user by its name": [
        "test_introspection_auth.py::TestTokenIntrospectionAuth::test_get_resource",
        "test_introspection_auth.py::TestTokenIntrospectionAuth::test_post_resource",
    ],
    "`manage.py check` reports a project without a guard and a middleware": [
        "test_django_checks.py::DjangoChecksTestCase::test_checks_pass",
    ],
}
_INTROSPECTION = "test_introspection_view.py::TestTokenIntrospectionViews::test_view"
# Of our urls.
URLS = {
    "a token does not belong in the address of an introspection": [
        f"{_INTROSPECTION}_{name}"
        for name in (
            "forbidden",
            "get_invalid_token",
            "get_notexisting_token",
            "get_valid_token",
            "get_valid_token_without_app",
            "get_valid_token_without_user",
        )
    ],
    "introspection tells more, and a wrong client is 401": [
        f"{_INTROSPECTION}_post_{name}"
        for name in (
            "invalid_client_creds_basic_auth",
            "invalid_client_creds_plaintext",
            "valid_client_creds_basic_auth",
            "valid_client_creds_plaintext",
            "valid_token",
        )
    ],
    "an unknown device code is 400 invalid_grant": [
        "test_device.py::TestDeviceFlow::test_token_view_returns_404_error_if_device_not_found",
    ],
    "the scope was not declared": [
        "test_device.py::TestDeviceFlow::test_device_flow_scope_longer_than_64_chars_is_stored_intact",
    ],
    "an address cannot skip a consent that the settings force": [
        "test_authorization_code.py::TestAuthorizationCodeView::test_pre_auth_approval_prompt",
        "test_hybrid.py::TestHybridView::test_pre_auth_approval_prompt",
    ],
    "without a routed server there is no issuer": [
        "test_oidc_views.py::TestOAuthProtectedResourceMetadataView"
        "::test_get_protected_resource_metadata_derives_authorization_server",
    ],
    "the page of consent has its own template": [
        "test_ui_locales.py::TestUILocalesParam::test_application_ui_locales_param",
    ],
}
# Without api_guard too: oauthlib refuses a scope of spaces.
WITH_OAUTHLIB_4 = {
    "test_device.py::TestDeviceFlow::test_device_flow_whitespace_only_scope_falls_back_to_default_scopes",
}
# Without api_guard too: the toolkit's own view of devices fails.
WITH_OAUTHLIB_4_AND_THEIR_URLS = {
    f"test_device.py::{name}"
    for name in (
        "TestDeviceFlow::test_device_flow_authorization_initiation",
        "TestDeviceFlow::test_device_flow_authorization_user_code_confirm_and_access_token",
        "TestDeviceFlow"
        "::test_device_flow_authorization_user_code_confirm_and_access_token_default_scopes",
        "TestDeviceFlow::test_device_flow_default_scopes_not_re_evaluated_at_token_time",
        "TestDeviceFlow::test_device_flow_default_scopes_stored_on_grant_when_no_scope_requested",
        "TestDeviceFlow::test_device_flow_scope_longer_than_64_chars_is_stored_intact",
        "TestDeviceFlow::test_device_flow_uses_requested_scope_not_default",
        "TestDeviceFlow::test_device_polling_interval_can_be_changed",
        "TestDeviceFlowWithSwappedDeviceGrantModel"
        "::test_full_device_flow_uses_swapped_device_grant_model",
    )
}
# Without api_guard too: they do what the settings forbid, or read tokens that are stored hashed.
DEPLOYED = set((Path(__file__).parent / "deployed.txt").read_text().split())
# An error that is sent to the client names the issuer.
ISSUER_IN_ERRORS = (
    "test_hybrid.py::TestHybridView::test_code_post_auth_failing_redirection_uri_with_querystring"
)


def expected(oauthlib: str, added: str) -> tuple[set[str], set[str]]:
    """Return the tests that must fail with these additions, and those that may fail."""
    parts = added.split()
    reasons = [*(CLASSES if "guard" in parts else {}).values()]
    reasons += (URLS if "urls" in parts else {}).values()
    must = {name for names in reasons for name in names}
    if oauthlib.startswith("4."):
        must |= WITH_OAUTHLIB_4
        must |= set() if "urls" in parts else WITH_OAUTHLIB_4_AND_THEIR_URLS
    return must, DEPLOYED | {ISSUER_IN_ERRORS} if "deployed" in parts else set()
