"""Any Python function of pictures as a model: only scores, without layers and gradients."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import attrs
import numpy as np

from visioncam_core.engine.model_inputs import ModelInput, ModelInputs
from visioncam_core.engine.records import Hints
from visioncam_core.errors import OptionError, OptionTypeError
from visioncam_core.targets.class_names import load_class_names
from visioncam_core.text import brief, whole
from visioncam_engines.called import CalledEngine, Calls, in_range


@attrs.frozen(eq=False)
class BlackBox:
    """A function as a model; see `blackbox`.

    Attributes:
        calls: the function.
        size: (height, width) of its pictures; None for the picture's own.
        channels: 3 for RGB, 1 for grey.
        names: of its K classes, or None.
    """

    calls: Calls = attrs.field(repr=lambda calls: calls.title)
    size: tuple[int, int] | None
    channels: int
    names: tuple[str, ...] | None = attrs.field(repr=False)

    @property
    def inputs(self) -> ModelInputs:
        """One picture; whole numbers are floats until the function is called."""
        shape = (*(self.size or (None, None)), self.channels)
        return ModelInputs((ModelInput("picture", shape, "float32"),), 0, 0, False)

    @property
    def hints(self) -> Hints:
        """Its name, and what its pixels are."""
        kind = "uint8" if self.calls.values is None else f"values={self.calls.values}"
        why = f"visioncam.blackbox says {kind}"
        return Hints(
            self.calls.title, "Python function", 0, in_range(*self.calls.range), why, class_names=self.names
        )


def blackbox(
    function: Callable[[np.ndarray], Any],
    size: tuple[int, int] | None = (224, 224),
    *,
    values: tuple[float, float] | None = None,
    names: Any = None,
    channels: int = 3,
    batch: int = 32,
) -> BlackBox:
    """Return a model made of any function of pictures, for the methods that need only scores.

        model = visioncam.blackbox(classify, size=(224, 224), names=["cat", "dog"])
        visioncam.explain(model, "cat.jpg", "occlusion").save("cat.png")

    Args:
        function: given pictures (N, height, width, channels), RGB, returns (N, K) scores or probabilities;
            (N,) where there is a single one.  It may be a remote service, a scikit-learn pipeline, a rule.
        size: (height, width) that pictures are fitted to; None for the picture's own.
        values: None for uint8, 0 to 255; (0, 1) or another range for float32.
        names: a name for each of the K, or a JSON or text file with them.
        channels: 3, or 1 for grey pictures.
        batch: pictures in one call; 1 for a function that takes a single one, (1, height, width, channels),
            and may return (K,).

    Raises:
        OptionError: an argument out of its range.
    """
    if not callable(function) or isinstance(function, type):
        raise OptionTypeError(
            f"blackbox takes a function of pictures (N, H, W, C), received {brief(function, 60)}; pass that"
        )
    if size is not None and not (_pair(size) and all((whole(n) or 0) >= 1 for n in size)):
        raise OptionError(f"size is (height, width) or None, received {brief(size)}; pass (224, 224)")
    if values is not None and not (_pair(values) and _ascends(*values)):
        raise OptionError(
            f"values is the range of a pixel or None for uint8, received {brief(values)}; pass (0, 1)"
        )
    if channels not in (1, 3):
        raise OptionError(
            f"channels is 3 for RGB or 1 for grey, received {brief(channels)}; pass one of them"
        )
    if (whole(batch) or 0) < 1:
        raise OptionError(f"batch must be a number of pictures, at least 1; received {brief(batch)}; pass 32")
    inner = function.func if isinstance(function, partial) else function
    title = str(getattr(inner, "__name__", type(inner).__name__))
    limits = None if values is None else (float(values[0]), float(values[1]))
    fitted = None if size is None else (int(size[0]), int(size[1]))
    calls = Calls(function, title, limits, int(batch))
    return BlackBox(calls, fitted, int(channels), load_class_names(names))


def _pair(value: Any) -> bool:
    return isinstance(value, tuple | list) and len(value) == 2


def _ascends(low: Any, high: Any) -> bool:
    try:
        return bool(low < high) and math.isfinite(low) and math.isfinite(high)
    except TypeError:
        return False


class BlackBoxEngine(CalledEngine):
    """Calls functions."""

    name = "blackbox"
