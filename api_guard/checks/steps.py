"""The order in which a person solves what the checks report."""

from __future__ import annotations

from enum import Enum


class Step(Enum):
    """One step of closing an API. The steps after it may find more when it is done."""

    INSTALL = "install the guard"
    VIEWS = "state what each view requires"
    OPERATIONS = "state it for each operation, with declared scopes"
    OBJECTS = "say whose objects each view reaches"
    GRANTS = "keep the grants safe"
    COUNTING = "count requests and failed logins"
    INPUT = "limit what may come in"
    DEPLOY = "deploy it safely"

    @property
    def place(self) -> int:
        """The place in the order, from 0."""
        return list(Step).index(self)


_NUMBERS = {
    Step.INSTALL: "001 005 006 007 009 017 021 023 026 027 033 034 036 086 088 090 098",
    Step.VIEWS: "002 010 011 012 013 014 015 024 025 037 039",
    Step.OPERATIONS: "003 004",
    Step.OBJECTS: "016 018 029",
    Step.GRANTS: "082 083 085 089",
    Step.COUNTING: "019 020 050 051 052 053 054",
    Step.INPUT: "008 028 060 061 062 063 064 065 070 071 073 074 075",
    Step.DEPLOY: "022 030 031 032 035 038 040 041 072 080 081 087",
}
_STEPS = {number: step for step, numbers in _NUMBERS.items() for number in numbers.split()}


def step_of(check_id: str) -> Step:
    """Return the step of a check's id, `api_guard.E002`. A test holds that each id has one."""
    return _STEPS.get(check_id[-3:], Step.DEPLOY)
