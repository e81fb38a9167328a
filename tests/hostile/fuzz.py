"""Feeds the readers of bodies and of requests what atheris makes up, for as long as it is let.

    pip install atheris
    python -m tests.hostile.fuzz -max_total_time=600

What comes out of the reader of JSON is what Python reads, without a key that stands twice; every
other outcome is a refusal.
"""

import contextlib
import json
import sys

import atheris

with atheris.instrument_imports(include=["api_guard.core"]):
    from api_guard.core import forms, json_text, media_types, queries
    from api_guard.core.limits import Limits

ANY = Limits(top="any")
SMALL = Limits(depth=3, items=8, digits=8, text=8, name=4, top="any")
LIMITS = (ANY, SMALL)


def no_duplicates(pairs):
    assert len(dict(pairs)) == len(pairs)
    return dict(pairs)


def one_input(data):
    for limits in LIMITS:
        try:
            value = json_text.loads(data, limits)
        except json_text.BodyError:
            continue
        assert value == json.loads(data, object_pairs_hook=no_duplicates)
        # No lone surrogate, no Infinity and no null character.
        text = json.dumps(value, ensure_ascii=False, allow_nan=False)
        text.encode()
        assert "\\u0000" not in text.replace("\\\\", "")
    text = data.decode("latin-1")
    for judge, errors in (
        (lambda: forms.refuse_encoded(data), json_text.BodyError),
        (lambda: queries.refuse_query(data, ANY), queries.RequestError),
        (lambda: queries.refuse_credentials(text), queries.RequestError),
        (lambda: queries.refuse_headers({"HTTP_ACCEPT": text}), queries.RequestError),
        (lambda: media_types.content_length(text), ValueError),
        (lambda: media_types.is_readable(text), ()),
    ):
        with contextlib.suppress(errors):
            judge()


if __name__ == "__main__":
    atheris.Setup(sys.argv, one_input)
    atheris.Fuzz()
