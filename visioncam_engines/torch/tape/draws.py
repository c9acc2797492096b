"""Random numbers that a model draws at rest: the same in every run, and none of the user's."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import torch
from torch.overrides import TorchFunctionMode

RANDOM = frozenset(
    {
        *("rand", "randn", "randint", "randperm", "rand_like", "randn_like", "randint_like", "bernoulli"),
        *("bernoulli_", "multinomial", "normal", "normal_", "uniform_", "random_", "exponential_", "poisson"),
        *("dropout", "dropout1d", "dropout2d", "dropout3d", "alpha_dropout", "feature_alpha_dropout"),
        *("rrelu", "rrelu_", "gumbel_softmax", "geometric_", "log_normal_", "cauchy_", "native_dropout"),
    }
)


def draws(name: str, args: Any, kwargs: Any) -> bool:
    """Return whether a function draws random numbers; a dropout only where it drops anything."""
    if name not in RANDOM or not name.endswith("dropout"):
        return name in RANDOM
    training = kwargs.get("training", args[2] if len(args) > 2 else True)
    share = kwargs.get("p", args[1] if len(args) > 1 else 0.5)
    return bool(training) and share not in (0, 0.0)


@contextlib.contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Draw from a seed, and put torch's random state back as it was."""
    devices = range(torch.cuda.device_count()) if torch.cuda.is_initialized() else ()
    with torch.random.fork_rng(list(devices)):
        for generator in (torch.default_generator, *(torch.cuda.default_generators[i] for i in devices)):
            generator.manual_seed(seed)
        yield


class Draws(TorchFunctionMode):  # type: ignore[misc]
    """Has each function that draws do so from its number in the call, as in functions cut from a tape."""

    def __init__(self) -> None:
        super().__init__()
        self.count = 0

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if not draws(getattr(func, "__name__", ""), args, kwargs):
            return func(*args, **kwargs)
        with seeded(self.count):
            self.count += 1
            return func(*args, **kwargs)
