"""Feeds the readers of bodies and of requests what atheris makes up, for as long as it is let.

    pip install atheris
    python -m tests.hostile.fuzz -max_total_time=600

What comes out of the reader of JSON is what Python reads, strictly; what is malformed to it Python
does not read strictly either; every other outcome is a limit's.
"""

import contextlib
import json
import sys

import atheris

with atheris.instrument_imports(include=["api_guard.core", "api_guard.input.json_text"]):
    from api_guard.core import bodies, forms, media_types, queries
    from api_guard.core.limits import Limits
    from api_guard.input.json_text import loads

from api_guard import wsgi
from tests.strict_json import NotStrict, strictly

ANY = Limits(top="any")
SMALL = Limits(depth=3, items=8, digits=8, text=8, name=4, top="any")
LIMITS = (ANY, SMALL)


def same(one, other):
    # -0.0 and 0.0 differ as text, and an order of keys is kept.
    return json.dumps(one) == json.dumps(other)


def is_read_by_none(data):
    try:
        strictly(data)
    except NotStrict:
        return True
    return False


def one_input(data):
    for limits in LIMITS:
        try:
            value = loads(data, limits)
        except bodies.OverLimit:
            continue
        except bodies.Malformed:
            assert is_read_by_none(data)
        else:
            assert same(value, strictly(data))
    text = data.decode("latin-1")
    for judge, errors in (
        (lambda: forms.refuse_encoded(data), bodies.BodyError),
        (lambda: queries.refuse_query(data, ANY), queries.RequestError),
        (lambda: queries.refuse_credentials(text), queries.RequestError),
        (lambda: queries.refuse_headers({"HTTP_ACCEPT": text}), queries.RequestError),
        (lambda: media_types.content_length(text), ValueError),
        (lambda: media_types.is_readable_charset(text), ()),
        (lambda: wsgi.is_readable(text), ()),
    ):
        with contextlib.suppress(errors):
            judge()


if __name__ == "__main__":
    atheris.Setup(sys.argv, one_input)
    atheris.Fuzz()
