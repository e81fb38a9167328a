"""The validator: what a token may carry is asked at every step of its life, not at issue alone."""

from oauth2_provider.oauth2_validators import OAuth2Validator

from api_guard.oauth2.validators.clients import ClientMixin
from api_guard.oauth2.validators.devices import DeviceCodeMixin
from api_guard.oauth2.validators.issuing import IssueMixin
from api_guard.oauth2.validators.redeeming import RedeemMixin
from api_guard.oauth2.validators.refreshing import RefreshMixin
from api_guard.oauth2.validators.using import UseMixin

__all__ = ["GuardedValidator", "GuardedValidatorMixin"]


class GuardedValidatorMixin(
    ClientMixin, DeviceCodeMixin, RefreshMixin, RedeemMixin, IssueMixin, UseMixin
):
    """For a validator of your own: `class MyValidator(GuardedValidatorMixin, OAuth2Validator)`."""


class GuardedValidator(GuardedValidatorMixin, OAuth2Validator):  # type: ignore[misc]
    """For `OAUTH2_PROVIDER["OAUTH2_VALIDATOR_CLASS"]`.

    Consent, code exchange, refresh, the device flow and every use of a token carry what is granted,
    live, to its user and its client, and no more.
    """
