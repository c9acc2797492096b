"""What a model says of its inputs."""

from __future__ import annotations

from typing import Any

import attrs


@attrs.frozen
class ModelInput:
    """One input of a model.

    Attributes:
        name: its name, or its position as text.
        shape: axes without the batch, None where the axis is open; None where the model does not say.
        dtype: such as "float32".
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
