"""JSON as Python reads it, less what its grammar (RFC 8259) and one meaning rule out: an oracle."""

import json
import math


class NotStrict(ValueError):
    """No JSON, or JSON with more than one meaning."""


def strictly(body):
    """Return what `body` says. Raise NotStrict."""
    try:
        value = json.loads(
            body.decode(),
            parse_constant=_refuse,
            parse_float=_finite,
            object_pairs_hook=_without_duplicates,
        )
        text = json.dumps(value, ensure_ascii=False)
        text.encode()
    except ValueError as error:
        raise NotStrict(str(error)) from None
    if "\\u0000" in text.replace("\\\\", ""):
        raise NotStrict("a null character")
    return value


def _refuse(name):
    raise NotStrict(name)


def _finite(number):
    if math.isinf(float(number)):
        raise NotStrict(number)
    return float(number)


def _without_duplicates(pairs):
    if len(dict(pairs)) != len(pairs):
        raise NotStrict("a key twice")
    return dict(pairs)
