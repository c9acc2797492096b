"""Ends of models: those whose answer is a probability, put together in every way, and some whose is not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from keras import layers as L  # noqa: N812  -- as everybody writes it
from keras import ops

from helpers.targets import CLASSES, by_hand

Head = Callable[[Any], Any]


def sigmoid_by_hand(x: Any) -> Any:
    return 1 / (1 + ops.exp(-x))


def rolled(x: Any) -> Any:
    """Return other logits: those of the classes next to them, smaller."""
    return 0.5 * ops.roll(x, 1, axis=-1)


def side_by_side(*parts: Any) -> Any:
    return L.Concatenate()(list(parts))


def unsure(x: Any) -> Any:
    """Return larger logits that say less: only their differences count."""
    return 0.3 * x + 40


def halves(x: Any) -> Any:
    return L.Flatten()(ops.softmax(L.Reshape((2, 3))(side_by_side(unsure(x[:, 2:]), x[:, 2:]))))


def coarse(x: Any) -> Any:
    """Return the probabilities of two wider classes."""
    return ops.stack([ops.sum(part, axis=-1) for part in ops.split(ops.softmax(x), [2], axis=-1)], axis=-1)


def hierarchy(x: Any) -> Any:
    """Return leaves: the probability of the branch times that on the branch."""
    branch = ops.softmax(x[:, :2])
    return side_by_side(branch[:, :1] * ops.softmax(x[:, 2:4]), branch[:, 1:] * ops.softmax(x[:, 1:4]))


def experts(x: Any) -> Any:
    gate = ops.expand_dims(ops.softmax(x[:, :2]), -1)
    return ops.sum(gate * ops.stack([ops.softmax(x), ops.softmax(rolled(x))], axis=1), axis=1)


FOUND: dict[str, Head] = {
    "average of sigmoids": lambda x: L.Average()([ops.sigmoid(x), ops.sigmoid(rolled(x))]),
    "average of softmaxes": lambda x: (ops.softmax(x) + ops.softmax(rolled(x)) + ops.softmax(-x)) / 3,
    "mean of a stack": lambda x: ops.mean(ops.stack([ops.softmax(x), ops.softmax(rolled(x))], 1), axis=1),
    "weighted": lambda x: 0.3 * ops.softmax(x) + 0.7 * ops.softmax(rolled(x)),
    "half a softmax": lambda x: 0.5 * ops.softmax(x),
    "smoothed": lambda x: 0.9 * ops.softmax(x) + 0.1 / CLASSES,
    "background dropped": lambda x: ops.softmax(x)[:, 1:],
    "gathered": lambda x: ops.take(ops.softmax(x), [4, 2, 0], axis=1),
    "two softmaxes": lambda x: side_by_side(ops.softmax(unsure(x)), ops.softmax(x)),
    "softmax and sigmoid": lambda x: side_by_side(ops.softmax(x[:, :3]), ops.sigmoid(x[:, 3:])),
    "two softmaxes by a reshape": halves,
    "two softmaxes, their second classes": lambda x: side_by_side(
        ops.softmax(x[:, :2])[:, 1:], ops.softmax(x[:, 2:4])[:, 1:]
    ),
    "one sigmoid for two": lambda x: side_by_side(1 - ops.sigmoid(x[:, :1]), ops.sigmoid(x[:, :1])),
    "tanh moved": lambda x: (1 + ops.tanh(x)) / 2,
    "exponential of a log softmax": lambda x: ops.exp(ops.log_softmax(x)),
    "softmax of a softmax": lambda x: ops.softmax(ops.softmax(x)),
    "sigmoid of a softmax": lambda x: ops.sigmoid(ops.softmax(x)),
}
"""Ends with an activation in them, whose answer is a probability as it is."""
OWN: dict[str, Head] = {
    "sigmoid by hand": sigmoid_by_hand,
    "softmax by hand": by_hand,
    "hard sigmoid": ops.hard_sigmoid,
    "clipped": lambda x: ops.clip(x, 0, 1),
    "wider classes": coarse,
    "wider classes by a matrix": lambda x: ops.softmax(x) @ np.eye(CLASSES, 2, dtype=np.float32),
    "hierarchy": hierarchy,
    "mixture of experts": experts,
    "larger of two": lambda x: ops.maximum(ops.sigmoid(x), ops.sigmoid(rolled(x))),
    "sharpened": lambda x: ops.softmax(x) ** 0.5 / ops.sum(ops.softmax(x) ** 0.5, axis=-1, keepdims=True),
}
"""Ends without one, whose answer is a probability as it is."""
OTHERWISE: dict[str, tuple[Head, Callable[[np.ndarray], np.ndarray]]] = {
    "percent": (lambda x: 100 * ops.softmax(x), lambda a: a / 100),
    "percent by a layer": (lambda x: L.Rescaling(100.0)(ops.softmax(x)), lambda a: a / 100),
    "percent of sigmoids": (lambda x: 100 * ops.sigmoid(x), lambda a: a / 100),
    "percent by hand": (lambda x: 100 * by_hand(x), lambda a: a / 100),
    "average of percents": (
        lambda x: (100 * ops.softmax(x) + 100 * ops.softmax(rolled(x))) / 2, lambda a: a / 100
    ),
    "sum of two": (lambda x: ops.softmax(x) + ops.softmax(rolled(x)), lambda a: a / 2),
    "logarithm": (lambda x: ops.log(ops.softmax(x)), np.exp),
    "logarithm of sigmoids": (ops.log_sigmoid, np.exp),
    "logarithm of sigmoids, taken": (lambda x: ops.log(ops.sigmoid(x)), np.exp),
    "two log softmaxes": (lambda x: side_by_side(ops.log_softmax(x), ops.log_softmax(rolled(x))), np.exp),
}  # fmt: skip
"""Ends whose answer is a probability in other units."""
KNOWN = {name: (head, lambda a: a) for name, head in {**FOUND, **OWN}.items()} | OTHERWISE


ASSUMED: dict[str, Head] = {
    "logits": lambda x: x,
    "scores between -1 and 1": ops.tanh,
    "rectified": ops.relu,
    "costs": lambda x: -ops.log_softmax(x),
    "difference": lambda x: ops.softmax(x) - ops.softmax(rolled(x)),
    "prior": lambda x: ops.softmax(x) * np.linspace(0.5, 3, CLASSES, dtype=np.float32),
    "small logits": lambda x: 0.5 + 1e-3 * x,
}
"""Ends whose answer is no probability."""
