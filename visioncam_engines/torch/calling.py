"""How a model takes its inputs, and calling it at rest without touching it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from visioncam_engines.torch.recorder import uncompiled
from visioncam_engines.torch.tape.model_trace import at_rest, outputs_of
from visioncam_engines.torch.tape.shadow import shadow


def caller(structure: Any) -> Callable[[Any, list[Any]], Any]:
    """Return `(model, flat inputs) -> answer` for inputs of a structure: one, a list, or names."""

    def call(model: Any, flat: list[Any]) -> Any:
        if isinstance(structure, Mapping):
            return model(**{name: flat[place] for name, place in structure.items()})
        if isinstance(structure, list | tuple):
            return model(*(flat[place] for place in structure))
        return model(flat[0])

    return call


def answers_of(model: Any, structure: Any, flat: list[Any]) -> list[Any]:
    """Return every output of a model, called at rest on inputs where it takes them.

    A copy of its modules is called: the model's own buffers, flags and hooks stay as they are.
    """
    with at_rest(), uncompiled():
        answer = caller(structure)(shadow(model).module, [x.clone() for x in flat])
    return [leaf for _, leaf in outputs_of(answer)]
