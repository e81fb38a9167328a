"""Which user a subject of another authorization server is."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from api_guard.models.recorded import SignalledQuerySet


class RemoteSubject(models.Model):
    """A user of this site, as another authorization server names it.

    By issuer and subject, which are the two that are never given to somebody else (OpenID Connect
    Core §5.7). A name or an e-mail address is none: it may be, over there, anybody's.
    """

    issuer = models.CharField(
        _("issuer"), max_length=255, help_text=_("As API_GUARD['INTROSPECTION']['ISSUER'] has it.")
    )
    subject = models.CharField(
        _("subject"), max_length=255, help_text=_("What the issuer calls the user: the claim sub.")
    )
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        related_name="remote_subjects",
        verbose_name=_("user"),
    )

    objects = SignalledQuerySet.as_manager()

    class Meta:
        base_manager_name = "objects"
        verbose_name = _("remote subject")
        # The searches and the filter of the admin.
        indexes = [
            models.Index(fields=["subject", "-id"], name="api_guard_subjects"),
            models.Index(fields=["issuer", "-id"], name="api_guard_subjects_of_issuer"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["issuer", "subject"],
                name="api_guard_one_user_per_subject",
                violation_error_message=_("This subject is a user already."),
            )
        ]

    def __str__(self) -> str:
        return f"{self.subject} of {self.issuer}"
