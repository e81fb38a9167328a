"""The validator, which checks the scopes of a token at every step, not only when it is issued."""

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

    Consent, code exchange, refresh, the device flow and every use of a token get only the scopes
    that the user and the client hold at that moment.
    """
