"""Ctrl-C while TensorFlow builds a graph."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from typing import Any

import keras
import pytest
from helpers.networks.kinds import X, conv, gap
from helpers.untouched import snapshot
from keras import layers as L  # noqa: N812  -- as everybody writes it

import visioncam
from visioncam_core.engine import cache


class Interrupting(L.Layer):
    """Sends Ctrl-C to its own process in the middle of a call."""

    times = 0

    def call(self, x: Any) -> Any:
        for _ in range(Interrupting.times):
            signal.raise_signal(signal.SIGINT)
        return x * 1.0


@pytest.fixture
def ctrl_c() -> Iterator[Any]:
    """Python's own handler of Ctrl-C, which a worker of pytest-xdist has not."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield signal.default_int_handler
    signal.signal(signal.SIGINT, before)


@pytest.mark.parametrize("times", [1, 2])
def test_ctrl_c_while_a_model_is_traced_arrives_and_spoils_nothing(times: int, ctrl_c: Any) -> None:
    """One waits until the graph is whole, which is kept; a second one does not wait."""
    i = L.Input((16, 16, 3))
    Interrupting.times = 0
    model = keras.Model(i, L.Dense(5)(gap(Interrupting()(conv("c")(i)))))
    before = snapshot(model)
    Interrupting.times = times
    with pytest.raises(KeyboardInterrupt):
        visioncam.explain(model, X[0])
    assert signal.getsignal(signal.SIGINT) is ctrl_c
    assert snapshot(model) == before
    assert len(cache._ENTRIES[model].traces) == 2 - times
    Interrupting.times = 0
    found = visioncam.explain(model, X[0]).raw
    visioncam.forget(model)
    assert visioncam.explain(model, X[0]).raw.tobytes() == found.tobytes()
