"""What the explained output of a PyTorch model says: logits behind every kind of end, and probabilities."""

from __future__ import annotations

import dataclasses
from collections import namedtuple
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from helpers.torch_steps import view_of
from torch import nn
from torch.nn import functional as F  # noqa: N812  -- as everybody writes it

CLASSES = 5
WEIGHTS = torch.linspace(-3, 3, 3 * CLASSES).view(CLASSES, 3)


def rolled(x: Any) -> Any:
    """Return other logits: those of the classes next to them, smaller."""
    return 0.5 * torch.roll(x, 1, -1)


def unsure(x: Any) -> Any:
    """Return larger logits that say less: only their differences count."""
    return 0.3 * x + 40


def soft(x: Any) -> Any:
    return x.softmax(-1)


def beside(*parts: Any) -> Any:
    return torch.cat(parts, -1)


def hierarchy(x: Any) -> Any:
    branch = soft(x[:, :2])
    return beside(branch[:, :1] * soft(x[:, 2:4]), branch[:, 1:] * soft(x[:, 1:4]))


FOUND: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "softmax": ("softmax", soft),
    "a module's softmax": ("softmax", nn.Softmax(1)),
    "log softmax": ("log_softmax", lambda x: F.log_softmax(x, 1)),
    "sigmoid": ("sigmoid", torch.sigmoid),
    "sigmoid in place": ("sigmoid", lambda x: (x + 0).sigmoid_()),
    "log sigmoid": ("sigmoid", F.logsigmoid),
    "average of sigmoids": ("sigmoid", lambda x: (x.sigmoid() + rolled(x).sigmoid()) / 2),
    "average of softmaxes": ("softmax", lambda x: (soft(x) + soft(rolled(x)) + soft(-x)) / 3),
    "mean of a stack": ("softmax", lambda x: torch.stack([soft(x), soft(rolled(x))], 1).mean(1)),
    "mean of a list": ("softmax", lambda x: torch.stack([soft(x), soft(rolled(x))]).mean(0)),
    "sum of a stack": ("softmax", lambda x: torch.stack([soft(x), soft(rolled(x))]).sum(0) / 2),
    "weighted": ("softmax", lambda x: 0.3 * soft(x) + 0.7 * soft(rolled(x))),
    "half a softmax": ("softmax", lambda x: 0.5 * soft(x)),
    "smoothed": ("softmax", lambda x: 0.9 * soft(x) + 0.1 / CLASSES),
    "clamped": ("softmax", lambda x: soft(x).clamp(1e-7, 1)),
    "background dropped": ("softmax", lambda x: soft(x)[:, 1:]),
    "gathered": ("softmax", lambda x: soft(x)[:, [4, 2, 0]]),
    "two softmaxes": ("softmax", lambda x: beside(soft(unsure(x)), soft(x))),
    "softmax and sigmoid": ("softmax and sigmoid", lambda x: beside(soft(x[:, :3]), x[:, 3:].sigmoid())),
    "two softmaxes by a reshape": (
        "softmax",
        lambda x: soft(beside(unsure(x[:, 2:]), x[:, 2:]).reshape(-1, 2, 3)).flatten(1),
    ),
    "two softmaxes, their second classes": (
        "softmax",
        lambda x: beside(soft(x[:, :2])[:, 1:], soft(x[:, 2:4])[:, 1:]),
    ),
    "one sigmoid for two": ("sigmoid", lambda x: beside(1 - x[:, :1].sigmoid(), x[:, :1].sigmoid())),
    "tanh moved": ("sigmoid", lambda x: (1 + torch.tanh(x)) / 2),
    "exponential of a log softmax": ("softmax", lambda x: F.log_softmax(x, -1).exp()),
    "logarithm of a softmax": ("softmax", lambda x: soft(x).log()),
    "softmax of a softmax": ("softmax", lambda x: soft(soft(x))),
    "per cent": ("softmax", lambda x: 100 * soft(x)),
    "of a temperature": ("softmax", lambda x: soft(x / 2.5)),
    "one value": ("sigmoid", lambda x: x[:, :1].sigmoid()),
    "one value, without an axis": ("sigmoid", lambda x: x[:, 0].sigmoid()),
}
OWN: dict[str, Callable[[Any], Any]] = {
    "sigmoid by hand": lambda x: 1 / (1 + torch.exp(-x)),
    "softmax by hand": lambda x: x.exp() / x.exp().sum(-1, keepdim=True),
    "hard sigmoid": F.hardsigmoid,
    "wider classes": lambda x: torch.stack([part.sum(-1) for part in soft(x).split([2, 3], -1)], -1),
    "hierarchy": hierarchy,
}
NEITHER: dict[str, Callable[[Any], Any]] = {
    "plain": lambda x: x,
    "relu": torch.relu,
    "tanh": torch.tanh,
    "a difference": lambda x: soft(x) - soft(rolled(x)),
    "a softmax over features, then weights": lambda x: (
        soft(x) @ torch.linspace(-3, 3, 3 * CLASSES).view(CLASSES, 3)
    ),
}


class Ending(nn.Module):
    def __init__(self, end: Callable[[Any], Any]) -> None:
        super().__init__()
        self.conv, self.dense, self.end = nn.Conv2d(3, 6, 3), nn.Linear(6, CLASSES), end

    def forward(self, x: Any) -> Any:
        return self.end(self.dense(self.conv(x).mean((2, 3))))


def read(view: Any, pictures: Any) -> tuple[np.ndarray, np.ndarray]:
    fetched = view.trace.cut(view.trace.inputs, view.score.fetches)(len(pictures), pictures)
    values, answer = view.score.read(fetched)
    return values.detach().numpy(), answer.detach().numpy()


def ending(end: Callable[[Any], Any]) -> tuple[Any, Any]:
    torch.manual_seed(0)
    return Ending(end).eval(), torch.rand(3, 3, 8, 8)


@pytest.mark.parametrize("name", sorted(FOUND))
def test_logits_are_found_behind_an_end_that_is_put_together(name: str) -> None:
    """A class of larger logits has the larger probability, within its group and where nothing is averaged."""
    activation, end = FOUND[name]
    model, pictures = ending(end)
    view = view_of(model, pictures[:1])
    score = view.score
    assert (score.kind, score.activation) == ("logit", activation)
    values, answer = read(view, pictures)
    own = model(pictures).detach().numpy()
    assert values.shape == own.shape
    probabilities, _ = read(view_of(model, pictures[:1], wanted="probability"), pictures)
    assert probabilities.min() >= 0
    assert probabilities.max() <= 1
    np.testing.assert_allclose(
        np.exp(answer) if activation == "log_softmax" else answer, probabilities, rtol=1e-6
    )
    if not score.composed or score.groups:
        if activation != "log_softmax":
            np.testing.assert_allclose(answer, own, rtol=1e-6)
        groups = np.array(score.groups or [0] * (1 if own.ndim == 1 else own.shape[-1]))
        for group in set(groups) - {-1}:
            rank = values.reshape(3, -1)[:, groups == group].argsort(1)
            assert (rank == own.reshape(3, -1)[:, groups == group].argsort(1)).all()


def test_a_batch_reads_as_its_pictures_do() -> None:
    for _, end in FOUND.values():
        model, pictures = ending(end)
        view = view_of(model, pictures[:1])
        whole = read(view, pictures)
        singles = [read(view, pictures[i : i + 1]) for i in range(3)]
        for place in (0, 1):
            np.testing.assert_allclose(
                whole[place], np.concatenate([one[place] for one in singles]), rtol=1e-5
            )


@pytest.mark.parametrize("name", sorted(OWN))
def test_probabilities_without_an_activation_are_seen_on_noise(name: str) -> None:
    model, pictures = ending(OWN[name])
    score = view_of(model, pictures[:1]).score
    assert (score.kind, score.activation, score.own) == ("output", "", True)
    assert not view_of(model, pictures[:1], wanted="probability").score.assumed


@pytest.mark.parametrize("name", sorted(NEITHER))
def test_an_output_without_bounds_is_no_probability(name: str) -> None:
    model, pictures = ending(NEITHER[name])
    score = view_of(model, pictures[:1]).score
    assert (score.kind, score.activation, score.own) == ("output", "", False)
    assert view_of(model, pictures[:1], wanted="probability").score.assumed


# ---- dense outputs


class Dense(nn.Module):
    def __init__(self, end: Callable[[Any], Any]) -> None:
        super().__init__()
        self.conv, self.out, self.end = nn.Conv2d(3, 8, 3, 4, 1), nn.Conv2d(8, 4, 1), end

    def forward(self, x: Any) -> Any:
        return self.end(self.out(self.conv(x).relu()))


DENSE = {
    "plain": ("", lambda x: x),
    "softmax": ("softmax", lambda x: x.softmax(1)),
    "upsampled": ("softmax", lambda x: F.interpolate(x, scale_factor=4, mode="bilinear").softmax(1)),
    "sigmoid": ("sigmoid", torch.sigmoid),
    "log softmax": ("log_softmax", lambda x: F.log_softmax(x, 1)),
    "classes last": ("softmax", lambda x: x.movedim(1, -1).softmax(-1)),
}


@pytest.mark.parametrize("name", sorted(DENSE))
def test_dense_outputs_have_their_classes_last(name: str) -> None:
    activation, end = DENSE[name]
    torch.manual_seed(0)
    model = Dense(end).eval()
    pictures = torch.rand(2, 3, 16, 24)
    view = view_of(model, pictures[:1])
    own = model(pictures).detach()
    own = own if name == "classes last" else own.movedim(1, -1)
    values, answer = read(view, pictures)
    assert view.table.dense
    assert view.score.activation == activation
    assert view.score.shape == (None, *own.shape[1:])
    np.testing.assert_allclose(answer, own, rtol=1e-6)
    assert (values.argmax(-1) == own.numpy().argmax(-1)).all()


def test_a_softmax_over_space_is_no_probability_of_classes() -> None:
    model = Dense(lambda x: x.softmax(2)).eval()
    assert view_of(model, torch.rand(1, 3, 16, 16)).score.activation == ""


# ---- outputs


@dataclasses.dataclass
class Answer:
    loss: Any
    hidden: Any
    logits: Any


Pair = namedtuple("Pair", "a b")
OUTPUTS = {
    "dict": (lambda x, y: {"out": x, "aux": y}, ("out", "aux"), "out"),
    "tuple": (lambda x, y: (x, y), ("0", "1"), "0"),
    "list": (lambda x, y: [x], ("0",), "0"),
    "named tuple": (Pair, ("a", "b"), "a"),
    "dataclass": (lambda x, y: Answer(None, y, x), ("logits", "hidden"), "logits"),
    "nested": (lambda x, y: {"a": [x], "b": {"c": y}}, ("a/0", "b/c"), "a/0"),
}


class Several(nn.Module):
    def __init__(self, pack: Callable[[Any, Any], Any]) -> None:
        super().__init__()
        self.conv, self.dense, self.pack = nn.Conv2d(3, 6, 3), nn.Linear(6, CLASSES), pack

    def forward(self, x: Any) -> Any:
        y = self.conv(x)
        return self.pack(self.dense(y.mean((2, 3))).softmax(-1), y)


@pytest.mark.parametrize("name", sorted(OUTPUTS))
def test_outputs_of_every_form_are_explained(name: str) -> None:
    pack, names, first = OUTPUTS[name]
    model = Several(pack).eval()
    picture = torch.rand(1, 3, 8, 8)
    view = view_of(model, picture)
    assert view.outputs == names
    assert view.score.output == first
    assert view.score.activation == "softmax"
    assert view_of(model, picture, output=first).score.output == first
    assert view_of(model, picture, output=-1).score.output == names[-1]
