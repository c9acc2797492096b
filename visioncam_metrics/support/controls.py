"""Maps without information about the model: what every method has to beat."""

from __future__ import annotations

from collections.abc import Callable

import attrs
import numpy as np

from visioncam_core.resize import resize

Draw = Callable[[np.ndarray, tuple[int, ...], np.random.Generator], np.ndarray]


@attrs.frozen
class Control:
    """A map that does not look at the model.

    Attributes:
        name: canonical.
        title: for people.
        draw: (*space, C) picture, grid of the layer, generator -> (*space) map in [0, 1].
    """

    name: str
    title: str
    draw: Draw


def random_map(x: np.ndarray, grid: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    """Return uniform noise on the layer's grid, at the picture's size: as smooth as a method's map."""
    return resize(rng.uniform(size=grid), x.shape[:-1])


def centred_gaussian(x: np.ndarray, grid: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    """Return a Gaussian in the middle, sigma a quarter of each axis: photographers centre their subjects."""
    result = np.ones((), np.float64)
    for n in x.shape[:-1]:
        axis = np.exp(-0.5 * ((np.arange(n) - (n - 1) / 2) / (n / 4)) ** 2)
        result = np.multiply.outer(result, axis)
    return result.astype(np.float32)


def sobel_edges(x: np.ndarray, grid: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    """Return the strength of the picture's edges, over its maximum; zeros where it has none."""
    from scipy.ndimage import generic_gradient_magnitude, sobel

    edges = generic_gradient_magnitude(x.mean(axis=-1, dtype=np.float64), sobel)
    return np.asarray(edges / max(float(edges.max()), 1e-30), np.float32)


def fake_cam(x: np.ndarray, grid: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    """Return ones but for one pixel: nearly perfect average drop, without any information.

    References:
        Poppi et al., CVPRW 2021, arXiv:2104.10252.
    """
    fake = np.ones(x.shape[:-1], np.float32)
    fake.flat[0] = 0
    return fake


CONTROLS = (
    Control("random", "Random map", random_map),
    Control("gaussian", "Centred Gaussian", centred_gaussian),
    Control("sobel", "Sobel edges", sobel_edges),
    Control("fakecam", "Fake-CAM", fake_cam),
)
