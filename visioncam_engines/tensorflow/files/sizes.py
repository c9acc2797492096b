"""How many weights a model's description asks for, reckoned without building one."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

LIMIT = 2_000_000_000  # weights; 8 GB in float32
_LARGEST = 10**15  # of one number; longer ones would take long to multiply, and are as impossible
_AXES = 8  # of a kernel; Keras takes three
_WIDTHS = ("units", "filters", "output_dim", "depth_multiplier")


def declared(node: Mapping[str, Any]) -> int:
    """Return a lower bound of the weights that one layer's description asks for.

    Args:
        node: a mapping with `class_name` and `config`, and `build_config` where the file has it.
    """
    config = node.get("config")
    if not isinstance(config, Mapping):
        return 0
    widths = [_size(config.get(name)) for name in _WIDTHS]
    if not any(widths):
        return 0
    total = math.prod(width for width in widths if width)
    kernel = config.get("kernel_size", 1)
    total *= math.prod(_size(one) or 1 for one in (kernel[:_AXES] if isinstance(kernel, list) else [kernel]))
    if "output_dim" in config:
        total *= _size(config.get("input_dim")) or 1
    built = node.get("build_config")
    shape = built.get("input_shape") if isinstance(built, Mapping) else None
    if isinstance(shape, list) and shape and "output_dim" not in config:
        axis = 1 if config.get("data_format") == "channels_first" and len(shape) > 1 else -1
        total *= _size(shape[axis]) or 1
    return total // (_size(config.get("groups")) or 1)


def _size(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int | float) or value != value:
        return 0
    return int(min(max(value, 0), _LARGEST))
