"""Connects the receivers."""

from __future__ import annotations

from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.db.models.signals import m2m_changed, post_save, pre_delete, pre_save

from api_guard.access.receivers import clients, groups, rows, users
from api_guard.models import (
    GrantApproval,
    GrantAuthority,
    GrantRequest,
    RateOverride,
    RemoteSubject,
    ScopeGrant,
)
from api_guard.models.memberships import membership_of

_UID = "api_guard.access.receivers"


def connect() -> None:
    """Connect all receivers. A second call changes nothing."""
    client: Any = ScopeGrant._meta.get_field("client").related_model
    pre_save.connect(clients.before_client, client, dispatch_uid=_UID)
    post_save.connect(clients.after_client, client, dispatch_uid=_UID)
    # For every sender, because a proxy of the user model is a sender of its own.
    pre_save.connect(users.before_user, dispatch_uid=_UID)
    pre_save.connect(groups.before_group, Group, dispatch_uid=_UID)
    pre_save.connect(users.before_subject, RemoteSubject, dispatch_uid=_UID)
    post_save.connect(users.after_subject, RemoteSubject, dispatch_uid=_UID)
    pre_delete.connect(users.before_end_of_subject, RemoteSubject, dispatch_uid=_UID)
    pre_save.connect(rows.before_override, RateOverride, dispatch_uid=_UID)
    post_save.connect(rows.after_override, RateOverride, dispatch_uid=_UID)
    pre_delete.connect(rows.before_end_of_override, RateOverride, dispatch_uid=_UID)
    pre_delete.connect(rows.before_end_of_grant, ScopeGrant, dispatch_uid=_UID)
    pre_delete.connect(rows.before_end_of_authority, GrantAuthority, dispatch_uid=_UID)
    pre_delete.connect(rows.before_end_of_request, GrantRequest, dispatch_uid=_UID)
    pre_delete.connect(rows.before_end_of_approval, GrantApproval, dispatch_uid=_UID)
    membership = membership_of(get_user_model())
    if membership is not None:
        m2m_changed.connect(
            groups.before_membership, membership.remote_field.through, dispatch_uid=_UID
        )
