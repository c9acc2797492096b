"""Functions that sum over axes or run over time: products, attention, reductions, recurrences."""

from __future__ import annotations

import string
from typing import Any

import attrs

from visioncam_core.engine import space as spaces_of
from visioncam_core.engine.graph.windows import einsum_terms, matmul_terms, multiplied
from visioncam_core.engine.space import BATCH, Axis, Run, Space, merged, own, without
from visioncam_engines.torch.space.walk import Found, Step, rule

SUMMED = frozenset(
    {
        *(
            "matmul",
            "mm",
            "bmm",
            "mv",
            "einsum",
            "linear",
            "bilinear",
            "addmm",
            "baddbmm",
            "tensordot",
            "inner",
        ),
        *("scaled_dot_product_attention", "multi_head_attention_forward", "chain_matmul", "addbmm"),
        *("outer", "mean", "sum", "amax", "amin", "max", "min", "prod", "logsumexp", "nansum", "nanmean"),
        *("norm",),
    }
)
"""Of whose results positions are those of one factor, and not of what was summed over."""


def _product(step: Step, factors: list[Any], terms: list[list[str]], out: list[str]) -> Space:
    return multiplied([step.of(one) for one in factors], terms, out, step.shape)


@rule("einsum")
def _einsum(step: Step) -> Found:
    equation, *factors = step.node.args
    if len(factors) == 1 and isinstance(factors[0], tuple | list):
        factors = list(factors[0])
    ranks = [len(step.lengths(one)) for one in factors]
    return _product(step, factors, *einsum_terms(equation, ranks, len(step.shape)))


@rule("matmul", "mm", "bmm", "mv", "inner", "dot", "vdot", "addmm", "baddbmm", "addmv")
def _matmul(step: Step) -> Found:
    name = step.name
    place = 1 if name in ("addmm", "baddbmm", "addmv") else 0
    factors = [step.get(place, "mat1"), step.get(place + 1, "mat2", step.node.kwargs.get("other"))]
    if place and step.node.kwargs:
        named = ("batch1", "batch2") if name == "baddbmm" else ("mat1", "mat2")
        factors = [step.get(1, named[0]), step.get(2, named[1])]
    if step.node.name == "__rmatmul__":
        factors.reverse()
    ranks = [len(step.lengths(one)) for one in factors]
    terms, out = matmul_terms(max(ranks[0], 2), max(ranks[1], 2), (False, name == "inner"))
    if ranks[0] == 1:
        terms[0], out = terms[0][1:], [label for label in out if label != "m"]
    if ranks[1] == 1:
        terms[1], out = terms[1][:1], [label for label in out if label != "n"]
    found = _product(step, factors, terms, out)
    added = step.of(step.node.args[0]) if place else None
    return found if added is None else merged([found, added], step.shape)


@rule("linear")
def _linear(step: Step) -> Found:
    labels = list(string.ascii_letters[: len(step.first.axes)])
    weight = step.get(1, "weight")
    out = [*labels[:-1], "…"] if len(step.lengths(weight)) > 1 else labels[:-1]
    return _product(step, [step.get(0, "input")], [labels], out)


@rule("tensordot")
def _tensordot(step: Step) -> Found:
    factors = [step.get(0, "a"), step.get(1, "b")]
    ranks = [len(step.lengths(one)) for one in factors]
    dims = step.number_of(2, "dims", 2)
    if isinstance(dims, int):
        dims = [list(range(ranks[0] - dims, ranks[0])), list(range(dims))]
    terms = [list(string.ascii_lowercase[: ranks[0]]), list(string.ascii_uppercase[: ranks[1]])]
    for one, other in zip(*dims, strict=True):
        terms[1][other % ranks[1]] = terms[0][one % ranks[0]]
    summed = {*terms[0]} & {*terms[1]}
    return _product(step, factors, terms, [label for term in terms for label in term if label not in summed])


def _attention(
    step: Step, given: list[Space | None], labels: list[list[str]], out: list[str], weights: list[str]
) -> tuple[Space, Space]:
    """Return the space of an attention's result, and that of its weights."""
    sizes: dict[str, int] = {}
    for space, names in zip(given, labels, strict=True):
        if space is not None:
            sizes |= {name: max(n, sizes.get(name, 1)) for name, n in zip(names, space.sizes, strict=True)}
    asked = multiplied(given[:2], labels[:2], weights, [sizes.get(label, 1) for label in weights])
    found = multiplied([asked, given[2]], [weights, labels[2]], out, [sizes.get(label, 1) for label in out])
    return found, asked


@rule("scaled_dot_product_attention")
def _scaled_dot_product_attention(step: Step) -> Found:
    parts = [step.get(i, name) for i, name in enumerate(("query", "key", "value"))]
    given = [step.of(one) for one in parts]
    batch = list(string.ascii_uppercase[: len(step.shape) - 2])
    labels = [[*batch, "l", "e"], [*batch, "s", "e"], [*batch, "s", "v"]]
    if any(len(step.lengths(one)) != len(step.shape) for one in parts):
        raise ValueError("factors of several ranks")
    found, _ = _attention(step, given, labels, [*batch, "l", "v"], [*batch, "l", "s"])
    return found


@rule("multi_head_attention_forward")
def _multi_head_attention(step: Step) -> Found:
    """Queries, keys and values are (L, N, E), or (L, E) without a batch."""
    given = [step.of(step.get(i, name)) for i, name in enumerate(("query", "key", "value"))]
    many = ["n"] if len(step.shape) == 3 else []
    labels = [["l", *many, "e"], ["s", *many, "e"], ["s", *many, "v"]]
    found, asked = _attention(step, given, labels, ["l", *many, "v"], [*many, "l", "s"])
    found = found.with_axis(len(found.axes) - 1, own(step.shape[-1]))
    results: list[Space | None] = [found]
    if len(step.node.made) > 1:
        heads = len(step.walk.trace.shapes[step.node.made[1]]) - len(asked.axes)
        count = step.walk.trace.shapes[step.node.made[1]][len(many)]
        axes = asked.axes if not heads else (*asked.axes[: len(many)], own(count), *asked.axes[len(many) :])
        results.append(attrs.evolve(asked, axes=axes))
    return results


@rule(
    *("mean", "sum", "amax", "amin", "max", "min", "prod", "std", "var", "median", "nanmedian", "mode"),
    *("norm", "logsumexp", "nansum", "nanmean", "any", "all", "argmax", "argmin", "count_nonzero"),
    *("vector_norm", "linalg_vector_norm", "linalg_norm", "std_mean", "var_mean", "aminmax", "quantile"),
    *("kthvalue",),
)  # fmt: skip
def _reduced(step: Step) -> Found:
    space, name = step.first, step.name
    place = (
        2
        if name in ("norm", "vector_norm", "linalg_vector_norm", "linalg_norm", "quantile", "kthvalue")
        else 1
    )
    given = step.get(place, "dim", step.node.kwargs.get("axis"))
    if name in ("max", "min") and step.of(given) is not None:  # of two tensors
        return merged(step.placed, step.shape)
    if given is None or isinstance(given, bool):
        axes = list(range(len(space.axes)))
    else:
        axes = [axis % len(space.axes) for axis in _numbers(step, place, given)]
    if any(space.axes[axis].batch and space.axes[axis].size == 1 for axis in axes):
        raise ValueError("pictures mixed with each other")
    keep = len(step.shape) == len(space.axes)
    return [without(space, axes, keep)] * len(step.node.made)


def _numbers(step: Step, place: int, given: Any) -> list[int]:
    found = step.rest(place, "dim", "axis") if isinstance(given, int) else step.number_of(place, "dim", given)
    if isinstance(given, int):
        found = [n for n in found if type(n) is int][:1] if isinstance(found, list) else found
    return list(found) if isinstance(found, list | tuple) else [int(found)]


@rule("cosine_similarity", "pairwise_distance")
def _compared(step: Step) -> Found:
    axis = step.number_of(2, "dim", 1 if step.name == "cosine_similarity" else -1)
    whole = merged(step.placed, step.lengths(step.node.args[0]))
    return without(whole, [axis % len(whole.axes)], len(step.shape) == len(whole.axes))


@rule("glu")
def _gated(step: Step) -> Found:
    """Half of the entries of an axis weigh the others."""
    space, axis = step.first, step.number_of(1, "dim", -1) % len(step.first.axes)
    return space.with_axis(axis, spaces_of.unplaced(space.axes[axis], step.shape[axis]))


@rule("maxout", "sort", "topk", "fft", "unique", "argsort", "cdist", "histc", "nonzero", "multinomial")
def _own_positions(step: Step) -> Found:
    """Return the space of results whose positions are none of the picture's, behind the batch."""
    start = step.placed[0].start
    found: list[Space | None] = []
    for value in step.node.made:
        shape = step.walk.trace.shapes[value]
        batch = (Axis((Run(BATCH, 1),)),) if shape else ()
        found.append(Space((*batch, *(own(n) for n in shape[1:])), start))
    return found


rule(*(f"fft_{way}fft{rank}" for way in ("", "i", "r", "ir", "h", "ih") for rank in ("", "2", "n")))(
    _own_positions
)


@rule("one_hot", "embedding")
def _looked_up(step: Step) -> Found:
    space = step.first
    return attrs.evolve(space, axes=(*space.axes, own(step.shape[-1])))


@rule("lstm", "gru", "rnn_tanh", "rnn_relu")
def _recurrent(step: Step) -> Found:
    """Each step in time keeps its place; its features are mixed."""
    space = step.first
    if len(space.axes) != 3:
        raise ValueError("packed sequences")
    batch_first = bool(step.node.args[8])
    time = 1 if batch_first else 0
    features = space.with_axis(2, own(step.shape[2]))
    last = without(space, [time])
    found: list[Space | None] = [features]
    for value in step.node.made[1:]:
        layers, _, size = step.walk.trace.shapes[value]
        found.append(attrs.evolve(last, axes=(own(layers), last.axes[0], own(size))))
    return found


@rule("lstm_cell", "gru_cell", "rnn_tanh_cell", "rnn_relu_cell")
def _recurrent_cell(step: Step) -> Found:
    spaces = [one.with_axis(1, own(step.shape[1])) for one in step.placed]
    return [merged(spaces, step.shape)] * len(step.node.made)
