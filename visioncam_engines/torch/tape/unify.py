"""Two tapes, of one picture and of two: what grows between them is the batch."""

from __future__ import annotations

from typing import Any

import torch

from visioncam_engines.torch.tape.records import Grows, Ref
from visioncam_engines.torch.tape.tape import Tape, UntraceableError


def unify(one: Tape, two: Tape) -> list[bool]:
    """Mark in `one` the whole numbers that grow with the batch; return which values are batch first.

    A value is batch first also with windows or heads folded into its first axis.

    Raises:
        UntraceableError: the steps are not the same for both.
    """
    if [node.name for node in one.nodes] != [node.name for node in two.nodes]:
        raise UntraceableError("it runs different steps for two pictures than for one")
    for a, b in zip(one.nodes, two.nodes, strict=True):
        args, kwargs = _both(a.args, b.args, a.name), _both(a.kwargs, b.kwargs, a.name)
        a.args, a.kwargs = args, kwargs
        if a.made != b.made or a.touched != b.touched:
            raise UntraceableError(f"{a.name} computes different values for two pictures")
    return [
        len(small) > 0 and small[1:] == large[1:] and 2 * small[0] == large[0]
        for small, large in zip(one.shapes, two.shapes, strict=True)
    ]


def _both(a: Any, b: Any, where: str) -> Any:
    if isinstance(a, Ref) or isinstance(b, Ref):
        if a != b:
            raise UntraceableError(f"{where} takes different values for two pictures")
        return a
    if isinstance(a, torch.Tensor):
        if a is not b and not _equal(a, b):
            raise UntraceableError(f"{where} takes a tensor made outside of torch functions")
        return a
    if isinstance(a, tuple | list):
        if type(a) is not type(b) or len(a) != len(b):
            raise UntraceableError(f"{where} takes different arguments for two pictures")
        return type(a)(_both(x, y, where) for x, y in zip(a, b, strict=True))
    if isinstance(a, dict):
        if not isinstance(b, dict) or a.keys() != b.keys():
            raise UntraceableError(f"{where} takes different arguments for two pictures")
        return {key: _both(value, b[key], where) for key, value in a.items()}
    if isinstance(a, slice):
        return slice(
            *(_both(x, y, where) for x, y in ((a.start, b.start), (a.stop, b.stop), (a.step, b.step)))
        )
    if type(a) is int and type(b) is int and a != b:
        return Grows(a, b - a)
    if isinstance(a, int | float | str | bool) and a != b and not (a != a and b != b):
        raise UntraceableError(f"{where} takes {a!r} for one picture and {b!r} for two")
    return a


def _equal(a: Any, b: Any) -> bool:
    return (
        isinstance(b, torch.Tensor)
        and a.shape == b.shape
        and a.dtype == b.dtype
        and a.device == b.device
        and bool(torch.equal(a, b))
    )
