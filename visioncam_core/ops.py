"""A dozen functions that method bodies are written in.

They are NumPy for arrays and the framework's own for its tensors, by the names of the array API standard, so
that one body serves all; nothing is imported until a tensor arrives.  Arrays are `(N, *grid, K)`: batch
first, channels last, one to three spatial axes in between.  Reductions run over space or channels, never over
the batch, in at least float32 (half precision is widened, float64 stays); where terms cancel, 0 is left.
"""

from __future__ import annotations

from functools import lru_cache
from importlib import import_module
from importlib.util import find_spec
from math import prod
from typing import Any

import numpy as np

from visioncam_core.resize import linear_matrix

RELATIVE_ZERO = 1e-5
"""A sum of terms that cancel to no more than this share of their absolute sum counts as zero."""
DOUBTFUL = 1e-2
"""Below this share of its absolute sum a float32 sum is made in float64, taken where they differ as much."""
CONSTANT = 1e-6
"""A channel that varies by no more than this share of its largest size is constant."""

NAMESPACES: dict[str, str] = {}
"""Package of a framework's arrays -> module with the functions of the array API for them, where a third-party
engine brings one; ours lie at `visioncam_engines.PACKAGE.arrays`.  array-api-compat serves all others.
"""


def backend(values: Any) -> Any:
    """Return the functions for a kind of array, by their names in the array API: `numpy` for NumPy's own."""
    if isinstance(values, np.ndarray | np.generic | float | int):
        return np
    namespace = _namespace_of(type(values).__module__.partition(".")[0])
    if namespace is not None:
        return namespace
    from array_api_compat import array_namespace

    return array_namespace(values)


@lru_cache(maxsize=256)
def _namespace_of(package: str) -> Any:
    """Return the module that serves arrays of a package, or None where array-api-compat does."""
    name = NAMESPACES.get(package) or f"visioncam_engines.{package}.arrays"
    try:
        known = package in NAMESPACES or find_spec(name) is not None
    except ModuleNotFoundError:  # no such folder
        return None
    return import_module(name) if known else None


def wide(values: Any) -> Any:
    """Return the values in at least float32."""
    return values if dtype_name(values) in ("float32", "float64") else astype(values, "float32")


def astype(values: Any, dtype: str) -> Any:
    """Return the values in another dtype, such as "float32"; as they are where it is theirs."""
    if dtype_name(values) == dtype:
        return values
    if isinstance(values, np.ndarray | np.generic):
        return values.astype(dtype)
    xp = backend(values)
    return xp.astype(values, getattr(xp, dtype, dtype))


def dtype_name(values: Any) -> str:
    """Return the name of the values' dtype, such as "float32"; "string" for text."""
    name = str(getattr(values.dtype, "name", values.dtype)).removeprefix("torch.")
    return "string" if name.startswith(("str", "bytes")) else name


def as_array(values: Any) -> Any:
    """Return what a user's function returned as an array: a list of arrays is stacked.

    Raises:
        TypeError: None, or an object.
    """
    if hasattr(values, "shape") and hasattr(values, "dtype"):
        return values
    if isinstance(values, list | tuple) and values and all(hasattr(one, "shape") for one in values):
        return stack(list(values))
    array = np.asarray(values)
    if array.dtype.kind == "O":
        raise TypeError(f"{values!r:.60} of type {type(values).__name__} is not an array")
    return array


def like(array: np.ndarray, values: Any) -> Any:
    """Return a NumPy array as it is beside an array; beside a tensor as one, on its device."""
    if isinstance(values, np.ndarray):
        return array
    array = array.copy() if hasattr(values, "detach") else array  # torch may write into it
    return backend(values).asarray(array, device=getattr(values, "device", None))


def stop_gradient(values: Any) -> Any:
    """Return the values as a constant: no gradient goes through them."""
    if hasattr(values, "detach"):  # torch
        return values.detach()
    stop = getattr(backend(values), "stop_gradient", None)
    return values if stop is None else stop(values)


def space(values: Any) -> tuple[int, ...]:
    """Return the spatial axes of `(N, *grid, K)`: all but the first and the last."""
    return tuple(range(1, len(values.shape) - 1))


def relu(values: Any) -> Any:
    """Return max(x, 0), elementwise."""
    return backend(values).maximum(values, 0)


def sum_space(values: Any, keepdims: bool = False) -> Any:
    """Return the sum over positions, 0 where its terms, or all of them, cancel: (N, *grid, K) -> (N, K)."""
    xp, values = backend(values), wide(values)
    total, size = _added(values), _added(xp.abs(values))
    if isinstance(values, np.ndarray) and np.any(doubtful := np.abs(total) < DOUBTFUL * size):
        exact = np.sum(values, axis=space(values), dtype=np.float64)
        doubtful &= np.abs(exact - total) > DOUBTFUL * np.abs(exact)
        total = np.where(doubtful, exact, total).astype(values.dtype)
    left, whole = (xp.sum(part, axis=-1, keepdims=True) for part in (xp.abs(total), size))
    total = xp.where(_cancels(total, size) | _cancels(left, whole), 0, total)
    return xp.reshape(total, (-1, *[1] * len(space(values)), int(values.shape[-1]))) if keepdims else total


def mean_space(values: Any, keepdims: bool = False) -> Any:
    """Return the mean over positions, 0 where its terms, or all of them, cancel: (N, *grid, K) -> (N, K)."""
    return sum_space(values, keepdims) / prod(values.shape[1:-1])


def _added(values: Any) -> Any:
    """Return the sum over positions in the values' dtype: (N, *grid, K) -> (N, K)."""
    if isinstance(values, np.ndarray) and prod(values.shape[1:-1]) <= 1024:  # as exact, and faster
        return np.einsum(values, range(values.ndim), [0, values.ndim - 1])
    return backend(values).sum(values, axis=space(values))


def _cancels(total: Any, size: Any) -> Any:
    return (RELATIVE_ZERO * size >= backend(total).abs(total)) & (size < np.inf)


def sum_channels(values: Any) -> Any:
    """Return the sum over channels, 0 where all of it cancels: (N, *grid, K) -> (N, *grid)."""
    return _without_noise(backend(values).sum(wide(values), axis=-1), wide(values))


def weigh(activations: Any, weights: Any) -> Any:
    """Return Σ_k w_k A_pk, 0 where all of it cancels: (N, *grid, K), (N, K) -> (N, *grid)."""
    activations, weights = wide(activations), wide(weights)
    xp, shape = backend(activations), tuple(activations.shape)
    flat = xp.reshape(activations, (-1, prod(shape[1:-1]), shape[-1]))  # the batch may be open
    maps = xp.reshape(xp.matmul(flat, weights[..., None]), (-1, *shape[1:-1]))
    return _without_noise(maps, weights * _added(xp.abs(flat)))


def _without_noise(maps: Any, terms: Any) -> Any:
    """Return maps (N, *grid), zero where the terms (N, ...) of a whole picture cancel."""
    xp = backend(maps)
    left, size = (xp.sum(xp.abs(part), axis=tuple(range(1, len(part.shape)))) for part in (maps, terms))
    noise = xp.reshape(_cancels(left, size), (-1, *[1] * (len(maps.shape) - 1)))
    return xp.where(noise, 0, maps)


def divide(numerator: Any, denominator: Any, valid: Any) -> Any:
    """Return numerator / denominator where `valid`, 0 elsewhere; never divides by an invalid value."""
    xp = backend(denominator)
    if isinstance(valid, np.ndarray) and valid.all():
        return numerator / denominator
    return xp.where(valid, numerator / xp.where(valid, denominator, 1), 0)


def divide_by_sum(numerator: Any, activations: Any) -> Any:
    """Return numerator_k / Σ_p A_pk, and 0 for channels whose sum vanishes.

    The guard is that of `sum_space`, relative: scaling changes nothing.  (N, K), (N, *grid, K) -> (N, K).
    """
    size = backend(activations).abs(total := sum_space(activations))
    return divide(numerator, total, (size > 0) & (size < np.inf))


def spread(values: Any) -> Any:
    """Return max − min over positions: (N, *grid, K) -> (N, K)."""
    xp, axes = backend(values), space(values)
    return xp.max(values, axis=axes) - xp.min(values, axis=axes)


def sigmoid(values: Any) -> Any:
    """Return the logistic function, elementwise."""
    own = getattr(backend(values), "sigmoid", None)
    return 0.5 * (1.0 + backend(values).tanh(0.5 * values)) if own is None else own(values)


def norm(values: Any) -> Any:
    """Return the Euclidean norm over the last axis."""
    xp = backend(values)
    return xp.sqrt(xp.sum(values * values, axis=-1))


def softmax(values: Any) -> Any:
    """Return the softmax over the last axis."""
    xp = backend(values)
    powers = xp.exp(wide(values) - xp.max(values, axis=-1, keepdims=True))
    return powers / xp.sum(powers, axis=-1, keepdims=True)


def resize(maps: Any, shape: tuple[int, ...]) -> Any:
    """Resize (B, *grid) maps linearly, half-pixel centres, to (B, *shape)."""
    xp = backend(maps)
    result = wide(maps)
    for axis, length in enumerate(shape, start=1):
        matrix = linear_matrix(length, int(result.shape[axis]))
        result = xp.moveaxis(xp.tensordot(result, like(matrix, result), axes=[[axis], [1]]), -1, axis)
    return result


def to_numpy(values: Any) -> np.ndarray:
    """Return a NumPy array of the values."""
    if isinstance(values, np.ndarray):
        return values
    if hasattr(values, "detach"):  # torch: off its graph, and off its device
        values = values.detach().cpu()
        values = values.float() if str(getattr(values, "dtype", "")) == "torch.bfloat16" else values
    return np.asarray(values.numpy() if hasattr(values, "numpy") else values)


def read_only_array(values: Any) -> Any:
    """Return a view of a NumPy array that cannot be written to; anything else as it is."""
    if isinstance(values, np.ndarray):
        values = values.view()
        values.flags.writeable = False
    return values


def stack(values: list[Any]) -> Any:
    """Return the arrays or tensors stacked along a new first axis."""
    return backend(values[0]).stack(values)


def concatenate(values: list[Any]) -> Any:
    """Return the arrays or tensors joined along the first axis."""
    if len(values) == 1:
        return values[0]
    return np.concatenate(values) if isinstance(values[0], np.ndarray) else backend(values[0]).concat(values)


def live_channels(activations: Any) -> np.ndarray:
    """Return the channels of one picture (1, *grid, K) that are not zero everywhere, (L,) int."""
    return np.flatnonzero(_largest(activations))


def varying_channels(activations: Any) -> np.ndarray:
    """Return the channels of one picture (1, *grid, K) that are not constant over space, (L,) int."""
    return np.flatnonzero(to_numpy(spread(activations))[0] > CONSTANT * _largest(activations))


def _largest(activations: Any) -> np.ndarray:
    """Return max |A_pk| over positions for each channel of one picture, (K,)."""
    xp = backend(activations)
    return to_numpy(xp.max(xp.abs(activations), axis=space(activations)))[0]


def channels(activations: Any, which: np.ndarray) -> Any:
    """Return channels of one picture as maps: (1, *grid, K), (b,) -> (b, *grid)."""
    xp = backend(activations)
    return xp.moveaxis(xp.take(activations[0], like(which, activations), axis=-1), -1, 0)


def without_channels(activations: Any, which: np.ndarray) -> Any:
    """Return copies with one channel set to zero each: (1, *grid, K), (b,) -> (b, *grid, K)."""
    mask = np.ones((len(which), int(activations.shape[-1])), np.float32)
    mask[np.arange(len(which)), which] = 0.0
    mask = mask.reshape(len(which), *[1] * (len(activations.shape) - 2), -1)
    return activations * astype(like(mask, activations), dtype_name(activations))


def channel_norms(activations: Any) -> np.ndarray:
    """Return the Euclidean norm of each channel of one picture: (1, *grid, K) -> (K,)."""
    return np.sqrt(to_numpy(sum_space(wide(activations) ** 2))[0])


def unit_range(maps: Any) -> Any:
    """Return each map of (B, *grid) scaled so that its minimum is 0 and its maximum 1."""
    xp, axes = backend(maps), tuple(range(1, len(maps.shape)))
    low, high = (reduce(maps, axis=axes, keepdims=True) for reduce in (xp.min, xp.max))
    return (maps - low) / (high - low)


def place(weights: Any, which: np.ndarray, activations: Any) -> Any:
    """Return (1, K) weights with the (L,) given at the channels `which`, 0 elsewhere."""
    given = to_numpy(weights)
    full = np.zeros((1, int(activations.shape[-1])), given.dtype)
    full[0, which] = given
    return like(full, activations)
