"""Checks membership of groups with grants or authority, and the name of everyone's group."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.db import models

from api_guard import conf, grants
from api_guard.access.receivers import judging
from api_guard.access.receivers.judging import note, refuse, refuse_to_give, refuse_without_any
from api_guard.access.vetting.databases import written_to
from api_guard.core.ledger import Event
from api_guard.grants.serving import current_user

_EVENTS = {"pre_add": Event.JOIN_GROUP, "pre_remove": Event.LEAVE_GROUP}
_EVENTS["pre_clear"] = Event.LEAVE_GROUP


def before_membership(sender: Any, instance: Any, action: str, **kwargs: Any) -> None:
    """Before users join or leave groups: check it, and record it."""
    del sender
    event = _EVENTS.get(action)
    if event is None:
        return
    members = {group.pk: group for group in _giving(instance, kwargs)}
    if not members:
        return
    # Read them once for each group; in an import nobody is checked, so do not read them.
    is_judged = event is Event.JOIN_GROUP and current_user() is not None
    scopes = {pk: judging.scopes_held(group=pk) if is_judged else [] for pk in members}
    if is_judged and (managing := grants.authorities().filter(group__in=members).first()):
        refuse_without_any(f"{managing.group} manages scopes, and you may not choose who does.")
    for user, group in _pairs(instance, members, kwargs):
        refuse_to_give(
            scopes[group.pk], user, f"You may not give the scopes that the group {group} holds."
        )
        note(event, user, facts={"group": group.pk, "group_name": group.name})


def _giving(instance: Any, signal: Any) -> list[Group]:
    """Return those of the groups that hold a live grant or manage scopes."""
    using = written_to(instance, signal.get("using"))
    if isinstance(instance, Group):
        pks = [instance.pk]
    elif signal["pk_set"] is None:
        pks = list(instance.groups.using(using).values_list("pk", flat=True))
    else:
        pks = list(signal["pk_set"])
    # One query for both, because most groups give nothing.
    holding = grants.live().filter(group__in=pks).order_by().values_list("group")
    managing = grants.authorities().filter(group__in=pks).order_by().values_list("group")
    giving = [pk for (pk,) in holding.union(managing).order_by()]
    if not giving:
        return []
    return list(Group.objects.using(using).filter(pk__in=giving).order_by("pk"))


def _pairs(
    instance: Any, groups: dict[Any, Group], signal: Any
) -> Iterator[tuple[models.Model, Group]]:
    if not isinstance(instance, Group):
        yield from ((instance, group) for group in groups.values())
        return
    model: Any = get_user_model()
    users = model._base_manager.using(written_to(instance, signal.get("using")))
    pks = signal["pk_set"]
    asked = users.filter(groups=instance) if pks is None else users.filter(pk__in=pks)
    for user in asked.iterator():
        yield user, instance


def before_group(sender: Any, instance: Group, **kwargs: Any) -> None:
    """Before a group is saved: check whether it becomes, or stops being, everyone's group."""
    del sender
    everyone = conf.everyone_group()
    if (
        kwargs.get("raw")
        or everyone is None
        or not judging.is_saved("name", kwargs.get("update_fields"))
    ):
        return
    old = judging.stored(instance, kwargs.get("using"))
    if old is None or old.name == instance.name:
        return
    becomes = conf.is_everyone_group(instance.name)
    if not (becomes or conf.is_everyone_group(old.name)):
        return
    refuse_without_any(f"You may not choose who is in {everyone}.")
    terms = conf.scope_terms()
    scopes = judging.scopes_held(group=instance)
    if becomes and any(s in terms and terms[s].is_sensitive for s in scopes):
        refuse(f"{old.name} holds a sensitive scope and cannot become everyone's group.")
    note(Event.RENAME_GROUP, instance, facts={"was": old.name, "name": instance.name})
