"""A model with other weights: the same tape, reading other tensors."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch

from visioncam_core import ops
from visioncam_core.engine.copies import Twin
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


class TensorTwin(Twin):
    """A model with other tensors."""

    @classmethod
    def of(cls, model: Any) -> TensorTwin:
        found = list(weights_of(model))
        if not found:
            raise ModelError(f"the model {title_of(model)!r} has no weights to randomise; leave that out")
        return cls.made(model, found)

    @classmethod
    def made(cls, model: Any, weights: Sequence[tuple[str, Any]]) -> TensorTwin:
        """Return a twin of a model with these weights, by name."""
        names, own = zip(*weights, strict=True)
        with torch.no_grad(), torch.inference_mode(False):
            return cls(model, tuple(names), tuple(own), tuple(one.detach().clone() for one in own))

    def get(self) -> list[np.ndarray]:
        return [np.array(ops.to_numpy(one)) for one in self.others]

    def set(self, values: Sequence[np.ndarray]) -> None:
        with torch.no_grad():
            for tensor, value in zip(self.others, values, strict=True):
                tensor.copy_(torch.from_numpy(np.array(value)))
