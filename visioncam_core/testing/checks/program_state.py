"""What a plugin shares with the program it runs in, and must leave as it is."""

from __future__ import annotations

import contextlib
import io
import os
import random
import sys
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

ADVICE = {
    "the global generators": "draw from np.random.default_rng(evidence.seed), created in every call",
    "the working directory": "use whole paths",
    "the environment variables": "set none; take an option instead",
    "the warnings filters": "wrap the noisy line in warnings.catch_warnings()",
    "NumPy's error handling": "use the context manager np.errstate(...)",
    "sys.path": "import installed packages by name",
    "matplotlib's settings": "use matplotlib.rc_context(), or better, draw without pyplot",
    "the open figures": "draw with numpy, OpenCV or matplotlib.figure.Figure, never with pyplot",
    "standard output": "return, do not print; a caller may read data there",
}
"""What is watched -> what to do instead."""


def assert_left_alone(name: str, run: Callable[[], object], among: tuple[str, ...] = tuple(ADVICE)) -> None:
    """Raise AssertionError where something changes the program's state.

    Args:
        name: whose fault it is.
        run: what may change it.
        among: what is looked at, keys of `ADVICE`.
    """
    with restored(), contextlib.redirect_stdout(io.StringIO()) as printed:
        np.random.seed()  # noqa: NPY002  -- a state that nobody can seed by chance
        random.seed()
        before = _state()
        run()
        after = _state()
    changed = [what for what, value in before.items() if value is not None and after[what] != value]
    if printed.getvalue():
        changed.append("standard output")
    faults = "; ".join(f"{what} ({ADVICE[what]})" for what in changed if what in among)
    if faults:
        raise AssertionError(f"{name} changed global state of the user's program: {faults}")


def _state() -> dict[str, object]:
    drawn = np.random.get_state(legacy=False)["state"]  # noqa: NPY002  -- the one that all share
    state: dict[str, object] = {
        "the global generators": (drawn["key"].tobytes(), int(drawn["pos"]), random.getstate()),
        "the working directory": os.getcwd(),
        "the environment variables": dict(os.environ),
        "the warnings filters": list(warnings.filters),
        "NumPy's error handling": np.geterr(),
        "sys.path": list(sys.path),
    }
    matplotlib = sys.modules.get("matplotlib")
    state["matplotlib's settings"] = None if matplotlib is None else str(_settings(matplotlib))
    state["the open figures"] = _figures()
    return state


def _figures() -> list[int]:
    pyplot = sys.modules.get("matplotlib.pyplot")
    return [] if pyplot is None else list(pyplot.get_fignums())


def _settings(matplotlib: Any) -> dict[str, Any]:
    return dict(dict.items(matplotlib.rcParams))  # not through rcParams itself: that may load a backend


@contextlib.contextmanager
def restored() -> Iterator[None]:
    """Put the program's state back at the end, so that a faulty plugin does not spoil the next test."""
    theirs = np.random.get_state(), random.getstate()  # noqa: NPY002
    here, environment, path = os.getcwd(), dict(os.environ), list(sys.path)
    matplotlib = sys.modules.get("matplotlib")
    settings = {} if matplotlib is None else _settings(matplotlib)
    figures = _figures()
    try:
        with warnings.catch_warnings(), np.errstate():
            yield
    finally:
        np.random.set_state(theirs[0])  # noqa: NPY002
        random.setstate(theirs[1])
        os.chdir(here)
        for name in {*os.environ} - {*environment}:
            del os.environ[name]
        os.environ.update(environment)
        sys.path[:] = path
        for number in [one for one in _figures() if one not in figures]:
            sys.modules["matplotlib.pyplot"].close(number)
        if matplotlib is not None:
            dict.update(matplotlib.rcParams, settings)
