"""What validation costs, beside DRF's own serializer and field.

    python -m benchmarks.serializers

Both validate the same input, in turns in one process: the rows of `tests/test_input_costs.py`.
"""

from __future__ import annotations

from rest_framework.serializers import CharField

from api_guard.fields import PlainTextField
from benchmarks.rounds import Spread, interleaved, ratios
from tests.test_input_costs import ROW, Loose, Strict

PROSE = "The quick brown fox jumps over the lazy dog. "
LENGTHS = (10, 100, 1_000, 10_000)


def validating(serializer, data, *, many=False):
    return lambda: serializer(data=data, many=many).is_valid(raise_exception=True)


def cleaning(field, text):
    return lambda: field.run_validation(text)


def compare(what, own, stock, times):
    taken = interleaved({"own": own, "DRF": stock}, times, 11)
    ratio = Spread.of(ratios(taken, "own", "DRF"))
    print(
        f"{what:24} DRF {Spread.of(taken['DRF']).median:8.1f} µs  "
        f"api_guard {Spread.of(taken['own']).median:8.1f} µs  "
        f"{ratio.median:.2f} ({ratio.low:.2f} to {ratio.high:.2f})"
    )


def main():
    compare("a row of ten fields", validating(Strict, ROW), validating(Loose, ROW), 200)
    rows = [ROW] * 100
    strict, loose = validating(Strict, rows, many=True), validating(Loose, rows, many=True)
    compare("a list of 100 rows", strict, loose, 10)
    own, stock = PlainTextField(max_length=max(LENGTHS)), CharField(max_length=max(LENGTHS))
    for length in LENGTHS:
        text = (PROSE * length)[:length].strip()
        compare(f"a text of {length}", cleaning(own, text), cleaning(stock, text), 1_000)


if __name__ == "__main__":
    main()
