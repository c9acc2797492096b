"""A `reshape=` of the user's own: called, and what it returns checked."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from visioncam_core.errors import LayerError, VisionCamError
from visioncam_core.ops import as_array, dtype_name
from visioncam_core.text import error_text

_GRIDS = {1: "(N, length, K)", 2: "(N, h, w, K)", 3: "(N, depth, h, w, K)"}


def checked_reshape(function: Callable[[Any], Any], rank: int) -> Callable[[Any], Any]:
    """Return a user's `(N, ...) -> (N, *grid, K)` as a function that explains what goes wrong in it.

    It is called with a layer's output, and with its gradient, and raises `LayerError`.

    Args:
        function: the user's.
        rank: spatial axes of the picture, on which the map is drawn.
    """
    wanted = (
        f"it must turn the layer's (N, ...) into (N, *grid, K), here {_GRIDS.get(rank, 'as the picture')}"
    )

    def reshaped(values: Any) -> Any:
        shape = tuple(values.shape)
        try:
            grid = as_array(function(values))
        except VisionCamError:
            raise
        except Exception as error:
            raise LayerError(
                f"reshape= failed on a layer of shape {shape}: {error_text(error)}; {wanted}"
            ) from error
        dtype = dtype_name(grid)
        if not dtype.startswith(("float", "bfloat")):
            raise LayerError(f"reshape= returned {dtype} for a layer of shape {shape}; {wanted}")
        found = tuple(grid.shape)
        if 3 <= len(found) <= 5 and len(found) != rank + 2:
            raise LayerError(
                f"reshape= returned shape {found}, {_axes(len(found) - 2)}, for a picture with "
                f"{_axes(rank)}; {wanted}, with length 1 along an axis that the layer does not have"
            )
        if len(found) != rank + 2 or found[0] != shape[0] or 0 in found:
            raise LayerError(f"reshape= returned shape {found} for a layer of shape {shape}; {wanted}")
        return grid

    return reshaped


def _axes(count: int) -> str:
    return f"{count} spatial ax{'i' if count == 1 else 'e'}s"
