"""A model with other weights: the same tape, reading other tensors."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import attrs
import numpy as np
import torch

from visioncam_core import ops
from visioncam_core.engine.model_card import card_of, set_model_card
from visioncam_core.errors import ModelError
from visioncam_engines.torch.modules import title_of
from visioncam_engines.torch.tape.shadow import unwrapped


def weights_of(model: Any) -> Iterator[tuple[str, Any]]:
    """Yield name and tensor of every parameter and buffer, each once, in the order of the modules."""
    seen: set[int] = set()
    for path, module in unwrapped(model).named_modules():
        for name, tensor in (*_named(module, "_parameters"), *_named(module, "_buffers")):
            if id(tensor) not in seen:
                seen.add(id(tensor))
                yield f"{path}.{name}" if path else name, tensor


def _named(module: Any, kind: str) -> list[tuple[str, Any]]:
    held = module.__dict__.get(kind)
    if held is None:  # a scripted part
        held = dict(getattr(module, f"named{kind}")(recurse=False))
    return [(name, tensor) for name, tensor in held.items() if tensor is not None]


@attrs.frozen(eq=False)
class Twin:
    """A model with other weights; nothing of it is copied but these.

    Attributes:
        original: the model.
        names: of the weights, in the model's own order.
        own: the model's weights, so that their numbers stay theirs.
        tensors: what is read in their place.
    """

    original: Any
    names: tuple[str, ...]
    own: tuple[Any, ...]
    tensors: tuple[Any, ...]

    @classmethod
    def of(cls, model: Any) -> Twin:
        found = list(weights_of(model))
        if not found:
            raise ModelError(
                f"the model {title_of(model)!r} has no weights that could be randomised; leave that out"
            )
        with torch.no_grad(), torch.inference_mode(False):
            tensors = tuple(one.detach().clone() for _, one in found)
        return cls(model, tuple(name for name, _ in found), tuple(one for _, one in found), tensors)

    @property
    def replaced(self) -> dict[int, Any]:
        """What is read in the place of the model's weights, by their number."""
        return {id(one): other for one, other in zip(self.own, self.tensors, strict=True)}


def original(model: Any) -> Any:
    """Return the model that a twin is of; any other model itself."""
    return model.original if isinstance(model, Twin) else model


@attrs.frozen(eq=False)
class TorchCopy:
    """A model with weights of its own; see `visioncam_core.engine.interface.Copy`."""

    model: Twin
    owners: tuple[int, ...]

    @classmethod
    def of(cls, model: Any) -> TorchCopy:
        """Return a copy with the same weights and card.

        Raises:
            ModelError: a model without weights.
        """
        twin = Twin.of(original(model))
        card = card_of(model)
        if card is not None:
            set_model_card(twin, card)
        names = [name.rpartition(".")[0] for name in twin.names]
        layers = list(dict.fromkeys(names))
        return cls(twin, tuple(map(layers.index, names)))

    def get(self) -> list[np.ndarray]:
        return [np.array(ops.to_numpy(one)) for one in self.model.tensors]

    def set(self, values: Sequence[np.ndarray]) -> None:
        with torch.no_grad():
            for tensor, value in zip(self.model.tensors, values, strict=True):
                tensor.copy_(torch.from_numpy(np.array(value)))
