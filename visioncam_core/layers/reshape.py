"""A `reshape=` of the user's own: called, and what it returns checked."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from visioncam_core.errors import LayerError, VisionCamError
from visioncam_core.ops import as_array, dtype_name
from visioncam_core.text import error_text

WANTED = "it must turn the layer's (N, ...) into (N, *grid, K) with one to three spatial axes"


def checked_reshape(function: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Return a user's `(N, ...) -> (N, *grid, K)` as a function that explains what goes wrong in it.

    It is called with a layer's output, and with its gradient, and raises `LayerError`.
    """

    def reshaped(values: Any) -> Any:
        shape = tuple(values.shape)
        try:
            grid = as_array(function(values))
        except VisionCamError:
            raise
        except Exception as error:
            raise LayerError(
                f"reshape= failed on a layer of shape {shape}: {error_text(error)}; {WANTED}"
            ) from error
        dtype = dtype_name(grid)
        if not dtype.startswith(("float", "bfloat")):
            raise LayerError(f"reshape= returned {dtype} for a layer of shape {shape}; {WANTED}")
        found = tuple(grid.shape)
        if not 3 <= len(found) <= 5 or found[0] != shape[0] or 0 in found:
            raise LayerError(f"reshape= returned shape {found} for a layer of shape {shape}; {WANTED}")
        return grid

    return reshaped
