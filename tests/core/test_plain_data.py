"""`plain`: one function makes any value fit for JSON, with two decisions left to who calls it."""

from __future__ import annotations

import json
from fractions import Fraction

import numpy as np

from visioncam_core.plain_data import plain

VALUE = {
    1: (np.float32(0.5), np.arange(3), {"b", "a"}, None, True, "x"),
    "inf": [float("inf"), np.float64("nan")],
    "other": Fraction(1, 2),
    "lazy": map(str, (1, 2)),
}


def test_everything_becomes_json() -> None:
    found = plain(VALUE)
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    assert found == {
        "1": [0.5, [0, 1, 2], ["a", "b"], None, True, "x"],
        "inf": [None, None],
        "other": "1/2",
        "lazy": ["1", "2"],
    }


def test_what_json_lacks_is_the_callers_to_decide() -> None:
    found = plain({"inf": [float("-inf"), float("nan")]}, not_finite=str)
    assert found == {"inf": ["-inf", "nan"]}
    assert plain([Fraction(1, 2), np.arange(2)], other=lambda one: type(one).__name__) == [
        "Fraction",
        "ndarray",
    ]
