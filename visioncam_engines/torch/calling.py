"""How a model takes its inputs, and calling it at rest without touching it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch

from visioncam_engines.torch.recorder import uncompiled
from visioncam_engines.torch.tape.draws import Draws
from visioncam_engines.torch.tape.model_trace import at_rest, outputs_of
from visioncam_engines.torch.tape.shadow import shadow


def caller(structure: Any) -> Callable[[Any, list[Any]], Any]:
    """Return `(model, flat inputs) -> answer` for inputs of a structure: one, a list, or names."""

    def call(model: Any, flat: list[Any]) -> Any:
        if isinstance(structure, Mapping):
            answer = model(**{name: flat[place] for name, place in structure.items()})
        elif isinstance(structure, list | tuple):
            answer = model(*(flat[place] for place in structure))
        else:
            answer = model(flat[0])
        return _with_batch(answer) if len(flat[0]) == 1 else answer

    return call


def _with_batch(answer: Any) -> Any:
    """Return what a detector says of one picture, a dictionary in a list, with the batch axis."""
    if not isinstance(answer, list) or len(answer) != 1 or not isinstance(answer[0], Mapping):
        return answer
    parts = {key: part for key, part in answer[0].items() if isinstance(part, torch.Tensor)}
    if "boxes" not in parts and all(part.ndim > 1 and len(part) == 1 for part in parts.values()):
        return answer
    return {key: part[None] for key, part in parts.items()}


class _KeyError(KeyError):
    """Raised where a model reads from a dictionary."""


class _Asked(dict[str, Any]):
    """A dictionary that refuses to be read, and tells which key was wanted."""

    def __getitem__(self, key: str) -> Any:
        raise _KeyError(key)

    def get(self, key: str, default: Any = None) -> Any:
        raise _KeyError(key)


def key_wanted(model: Any) -> str:
    """Return the key that a model reads first from a dictionary, if it takes one; else ""."""
    try:
        with at_rest(), uncompiled(), Draws():
            shadow(model).module(_Asked())
    except _KeyError as error:
        return str(error.args[0])
    except Exception:  # it takes something else
        return ""
    return ""


def answers_of(model: Any, structure: Any, flat: list[Any]) -> list[Any]:
    """Return every output of a model, called at rest on inputs where it takes them.

    A copy of its modules is called: the model's own buffers, flags and hooks stay as they are.
    """
    with at_rest(), uncompiled(), Draws():
        answer = caller(structure)(shadow(model).module, [x.clone() for x in flat])
    return [leaf for _, leaf in outputs_of(answer)]
