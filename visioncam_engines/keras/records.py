"""What a trace wrote down of each unit, and the names that outputs go by."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

import attrs

from visioncam_engines.keras.recording import Call


@attrs.frozen(eq=False)
class Recorded:
    """What one unit returned in one call (or in the T calls of a `TimeDistributed`).

    Attributes:
        path: unique path, such as `backbone/conv`, `backbone/conv#1` or `lstm:0`.
        bare: the path without call number and output key.
        kind: class name of the unit.
        tensors: the symbolic tensors; several only when they are stacked over time.
        data_format: "channels_last", "channels_first", or "" where the unit has none.
        inside: why the tensor cannot be reached ("a loop, branch or function"), or "".
        holds: it is a model, which hands on what its last layer made.
    """

    path: str
    bare: str
    kind: str
    tensors: tuple[Any, ...]
    data_format: str
    inside: str
    holds: bool = False


def leaves(structure: Any, nest: Any, path: str = "") -> list[tuple[str, Any]]:
    """Return (path, leaf) in the order of `nest.flatten`; a lone leaf has the path "".

    Args:
        structure: any structure.
        nest: `tf.nest`, or `keras.tree`.
        path: of the structure itself.
    """
    if not nest.is_nested(structure):
        return [(path, structure)]
    if isinstance(structure, Mapping):
        parts = [(str(key), structure[key]) for key in sorted(structure)]
    else:
        names = getattr(structure, "_fields", range(len(structure)))
        parts = [(str(name), part) for name, part in zip(names, structure, strict=True)]
    return [leaf for name, part in parts for leaf in leaves(part, nest, f"{path}/{name}" if path else name)]


def output_names(model: Any, positions: list[str]) -> list[str]:
    """Return the outputs' own names where the model has them, else their keys or positions."""
    declared = [str(name) for name in getattr(model, "output_names", None) or ()]
    numbered = all(position.isdigit() for position in positions)
    if numbered and len(declared) == len(positions) == len(set(declared)):
        return declared
    return positions


def named_records(raw: list[tuple[Call, str, Any]]) -> list[Recorded]:
    """Give every recorded output its unique path; calls of one `TimeDistributed` are stacked."""
    groups: dict[tuple[Any, ...], list[tuple[Call, str, Any]]] = {}
    for call, key, value in raw:
        over_time = [(id(u), n) for u, n in call.parents if type(u).__name__ == "TimeDistributed"]
        owner = ("time", *over_time) if over_time else ("call", call.number)
        groups.setdefault((call.path, key, *owner), []).append((call, key, value))
    calls, seen = Counter((path, key) for path, key, *_ in groups), Counter[tuple[str, str]]()
    rows = []
    for (path, key, *_), members in groups.items():
        name = path + (f"#{seen[path, key]}" if calls[path, key] > 1 else "") + (f":{key}" if key else "")
        seen[path, key] += 1
        call = members[0][0]
        rows.append(
            Recorded(
                path=name,
                bare=path,
                kind=type(call.unit).__name__,
                tensors=tuple(value for _, _, value in members),
                data_format=str(getattr(call.unit, "data_format", "") or ""),
                inside=call.inside,
                holds=hasattr(type(call.unit), "layers"),
            )
        )
    return rows


def packed(structure: Any, flat: list[Any]) -> Any:
    """Return flat inputs packed as a Keras 3 model takes them."""
    import keras

    return keras.tree.pack_sequence_as(structure, flat) if keras.tree.is_nested(structure) else flat[0]
