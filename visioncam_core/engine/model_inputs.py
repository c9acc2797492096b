"""What a model says of its inputs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import attrs
import numpy as np

from visioncam_core.ops import dtype_name, to_numpy


@attrs.frozen
class ModelInput:
    """One input of a model.

    Attributes:
        name: its name, or its position as text.
        shape: axes without the batch, None where the axis is open; None where the model does not say.
        dtype: such as "float32"; "" where the model does not say.
        strict: the axes that are not open must fit; otherwise they are only what the model was built with.
    """

    name: str
    shape: tuple[int | None, ...] | None
    dtype: str
    strict: bool = True


@attrs.frozen
class ModelInputs:
    """All inputs of a model, in flat order.

    Attributes:
        inputs: the inputs.
        structure: any structure packed as the model wants its inputs; its leaves are flat positions.
        image: position of the image input: the one with the most spatial axes.
        channels_first: whether the image input is (K, *space).
    """

    inputs: tuple[ModelInput, ...]
    structure: Any
    image: int
    channels_first: bool

    @property
    def images(self) -> tuple[int, ...]:
        """Positions of all inputs that could be the picture: as many axes as the image input."""
        rank = len(self.image_shape or ())
        return tuple(i for i, one in enumerate(self.inputs) if len(one.shape or ()) == rank)

    @property
    def image_shape(self) -> tuple[int | None, ...] | None:
        """The image input's axes without the batch, or None where the model does not say."""
        return self.inputs[self.image].shape

    def with_channels(self, first: bool | None) -> ModelInputs:
        """Return the same inputs with the pictures' channels first or last; as they are for None."""
        if first is None or first == self.channels_first:
            return self
        found = list(self.inputs)
        for place in self.images:
            if (shape := found[place].shape) is not None:
                moved = (shape[-1], *shape[:-1]) if first else (*shape[1:], shape[0])
                found[place] = attrs.evolve(found[place], shape=moved)
        return attrs.evolve(self, inputs=tuple(found), channels_first=first)


def in_place(images: Any, flat: Sequence[Any], place: int, channels_first: bool) -> list[np.ndarray]:
    """Return flat inputs with other pictures (M, *space, C) at `place`; the other inputs are repeated.

    Args:
        images: the pictures.
        flat: the flat inputs of one picture.
        place: of the picture among them.
        channels_first: whether the model takes (C, *space).
    """
    pictures = np.moveaxis(to_numpy(images), -1, 1) if channels_first else to_numpy(images)
    dtype = dtype_name(flat[place])
    if dtype.startswith(("int", "uint")) and pictures.dtype.kind == "f":
        bounds = np.iinfo(dtype)
        pictures = np.clip(np.rint(pictures), bounds.min, bounds.max)
    pictures = pictures.astype(to_numpy(flat[place]).dtype)
    return [pictures if i == place else np.repeat(to_numpy(x), len(pictures), 0) for i, x in enumerate(flat)]
