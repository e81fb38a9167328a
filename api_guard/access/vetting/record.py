"""The record of the objects of one request."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from django.db.models import Manager, Model, Q, QuerySet
from rest_framework.request import Request

from api_guard.access import ownership
from api_guard.access.callers import caller_of
from api_guard.access.endpoints import policy_of
from api_guard.access.failures import failures_as_refusals
from api_guard.access.vetting.foreign_keys import Links, links_of
from api_guard.core.caller import Caller
from api_guard.core.objects import ObjectRule
from api_guard.core.operations import Operation
from api_guard.core.policy import Policy


class Vetting:
    """The object rules of one view instance (one request).

    `model` is the view's model; `held` are the other models that its serializers write. `has_run`
    means that the handler used the rule, `has_vetted` that an object has passed it. `saved` are the
    rows whose saves were checked and `made` the new ones among them; `judged` are the deletes that
    were checked and `gone` the deleted rows. `pending` are checks that must wait until the event
    loop is left. `loaded` are objects of the view's model that were read before the first check;
    `has_read` means that a statement read the model's tables before the rule ran; `written` names
    other tables that were written. `pinned` is the request of the running handler. `unowned` are
    new objects whose owners do not include the caller.
    """

    def __init__(
        self, view: Any, model: type[Model] | None, operation_of: Callable[[], Operation]
    ) -> None:
        self.view = view
        self.model = model
        self.held: set[type[Model]] = set()
        self.pinned: Request | None = None
        self.has_run = False
        self.has_vetted = False
        self.is_filling = False
        # Refusals are only reported: nothing is narrowed and nothing is checked.
        self.is_suspended = False
        self.is_saving = False
        self.saved: set[ownership.Key] = set()
        self.made: set[ownership.Key] = set()
        self.pending: list[Callable[[], None]] = []
        self.loaded: list[Model] = []
        self.has_read = False
        self.written: set[str] = set()
        self.judged: list[object] = []
        self.gone: list[Model] = []
        self.unowned: list[tuple[Model, Any, str]] = []
        self._operation_of = operation_of
        self._rule_keys: set[object] = set()
        self._known: dict[tuple[object, type[Model], object], Links] = {}
        self._allowed: dict[tuple[object, type[Model]], tuple[ObjectRule, Q | None]] = {}

    @property
    def policy(self) -> Policy:
        """The policy of the class; attributes of the instance are ignored."""
        return policy_of(type(self.view)) or Policy()

    @property
    def request(self) -> Any:
        """DRF's request, or None in a schema generator.

        While the handler runs, this is the decided request, even if `view.request` changes.
        """
        if self.pinned is not None:
            return self.pinned
        request = getattr(self.view, "request", None)
        return request if isinstance(request, Request) else None

    @property
    def caller(self) -> Caller:
        """The caller."""
        return caller_of(self.request)

    @property
    def operation(self) -> Operation:
        """The current operation: the decided one while its handler runs."""
        return self._operation_of()

    @property
    def rule(self) -> ObjectRule | None:
        """The rule for finding objects; None if every object may be used."""
        rule = self.policy.object_rule_for(self.operation)
        return None if rule is None or rule.is_any or self.is_suspended else rule

    @property
    def keep(self) -> ObjectRule | None:
        """The rule for written objects; None if everything may be written."""
        rule = self.policy.keep_rule_for(self.operation)
        return None if rule is None or rule.is_any or self.is_suspended else rule

    @property
    def asking(self) -> ownership.Asking:
        """The question to the rules of other views."""
        return ownership.Asking(self.caller, self.request, type(self.view))

    def begin(self) -> None:
        """Start a handler. Its rule has not run yet."""
        self.has_run = self.has_vetted = self.has_read = False
        self.loaded.clear()

    @property
    def is_open(self) -> bool:
        """Whether the handler may still have to use its rule."""
        if self.rule is None or self.has_vetted:
            return False
        return not self.has_run or bool(self.loaded_rows())

    def loaded_rows(self) -> list[Model]:
        """Return the stored objects that were loaded before the first check."""
        return [each for each in self.loaded if not each._state.adding and each.pk is not None]

    @contextmanager
    def saving(self) -> Iterator[None]:
        """Mark the statements in this block as those of a checked save."""
        before, self.is_saving = self.is_saving, True
        try:
            yield
        finally:
            self.is_saving = before

    def root(self, model: type[Model]) -> type[Model] | None:
        """Return the table that `model` shares with the model of the view, or None."""
        return None if self.model is None else ownership.shared_root(self.model, model)

    def allowed(self, rule: ObjectRule, model: type[Model]) -> Q | None:
        """Return the condition of the objects of `model` that a rule allows; None for all."""
        key = (rule.key, model)
        if key not in self._allowed:
            with failures_as_refusals(self.view, "the object rule"):
                found = ownership.restriction(rule, self.caller, model, self.request)
            # The key contains the rule itself, so that no other function can reuse its id.
            self._allowed[key] = (rule, found)
        return self._allowed[key][1]

    def foresee(self) -> None:
        """Call a rule function now: it may query the database, and an event loop must not wait.

        Its result is remembered.
        """
        if self.rule is not None and self.model is not None:
            self.allowed(self.rule, self.model)

    def narrow(self, queryset: Any) -> Any:
        """Return the part of a queryset of the view's model that the rule allows the caller."""
        rule = self.rule
        model: Any = getattr(queryset, "model", None) or self.model
        if rule is None or (isinstance(queryset, (Manager, QuerySet)) and self._is_other(model)):
            return queryset
        if self.request is None:
            # A schema generator has no request, and gets no rows.
            return queryset.none() if hasattr(queryset, "none") else queryset
        self.has_run = True
        with failures_as_refusals(self.view, "the object rule"):
            self._rule_keys.add(rule.key)
            mark = ownership.Mark(rule.key, self)
            return ownership.narrow(queryset, rule, self.allowed(rule, model or Model), mark)

    def _is_other(self, model: type[Model]) -> bool:
        return self.model is not None and self.root(model) is None

    def remember(self, rule_key: object, instance: Model) -> None:
        """Accept `instance` as an object of the caller."""
        self.has_vetted = self.has_vetted or rule_key in self._rule_keys
        links = links_of(instance)
        for key in ownership.keys_of(instance):
            self._known[rule_key, *key] = links

    def learn(self, rule_key: object, key: ownership.Key, links: Links) -> None:
        """Accept a stored row as an object of the caller."""
        self._known[rule_key, *key] = links

    def known(self, rule_key: object, key: ownership.Key) -> Links | None:
        """Return what an accepted row points to; None for any other row."""
        return self._known.get((rule_key, *key))
