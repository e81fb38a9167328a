"""Maps a subject of another authorization server to a user."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from api_guard.models.recorded import SavedWithRecord, SignalledQuerySet


class RemoteSubject(SavedWithRecord):
    """A user of this site, as another authorization server names it.

    Only issuer and subject together always mean the same person (OpenID Connect Core §5.7). A name
    or an e-mail address may belong to somebody else on the other server.
    """

    issuer = models.CharField(
        _("issuer"),
        max_length=255,
        help_text=_("The value of API_GUARD['INTROSPECTION']['ISSUER']."),
    )
    subject = models.CharField(
        _("subject"),
        max_length=255,
        help_text=_("The issuer's identifier for the user: the claim sub."),
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
        verbose_name_plural = _("remote subjects")
        # The searches and the filter of the admin.
        indexes = [
            models.Index(fields=["subject", "-id"], name="api_guard_subjects"),
            models.Index(fields=["issuer", "-id"], name="api_guard_subjects_of_issuer"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["issuer", "subject"],
                name="api_guard_one_user_per_subject",
                violation_error_message=_("This subject already belongs to a user."),
            )
        ]

    def __str__(self) -> str:
        return f"{self.subject} of {self.issuer}"
