"""A second model with the same weights, what autograd says on it, and all that explaining could touch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch


def lively_pair(make: Callable[[], Any]) -> tuple[Any, Any]:
    """Return two models with the same weights, also those that are drawn when a model is made."""
    pair = []
    for _ in range(2):
        torch.manual_seed(0)
        pair.append(make())
    pair[1].eval()
    return pair[0], pair[1]


def first(answer: Any) -> Any:
    """Return the tensor that is explained by default."""
    if isinstance(answer, dict):
        return answer["logits"] if "logits" in answer else next(iter(answer.values()))
    return answer[0] if isinstance(answer, tuple | list) else answer


def state_of(model: Any) -> list[Any]:
    """Return all of a model that explaining it could have touched."""
    return [
        (
            path, id(one), one.training, tuple(one._forward_hooks), tuple(one._forward_pre_hooks),
            tuple(sorted(one.__dict__)), [id(v) for k, v in sorted(one.__dict__.items()) if k != "training"],
            [len(v) for v in one.__dict__.values() if isinstance(v, list | dict)],
            [(k, id(v), v._version, v.grad is None, v.requires_grad) for k, v in one.named_parameters()],
            [(k, id(v), v._version) for k, v in one.named_buffers()],
            [v.detach().float().numpy().tobytes() for v in one.parameters(recurse=False)],
        )
        for path, one in model.named_modules()
    ]  # fmt: skip


def reference(twin: Any, x: Any, module: Any, number: int = 0, index: int = 0, change: Any = None) -> Any:
    """Return (activations, gradient of a logit, answer) by autograd, with a hook on an untouched twin.

    Args:
        twin: a model made as the one that is explained.
        x: one picture.
        module: of the twin, whose output is looked at.
        number: of the module's call.
        index: of the class; of a softmax the logarithm is differentiated, less that of another class.
        change: activations to put in their place.
    """
    twin.eval()
    calls, kept = 0, []

    def hook(module: Any, args: Any, output: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls != number + 1:
            return None
        leaf = output.detach().clone().requires_grad_() if change is None else change
        kept.append(leaf)
        return leaf.clone()

    handle = module.register_forward_hook(hook)
    with torch.enable_grad():
        answer = first(twin(x.clone()))
        handle.remove()
        flat = answer.reshape(len(answer), -1).float()
        if change is not None:
            return None, None, answer.detach()
        score = flat[:, index] - flat[:, index - 1]
        if bool((flat > 0).all()) and torch.allclose(flat.sum(1), torch.ones(len(flat)), atol=1e-4):
            score = flat[:, index].log() - flat[:, index - 1].log()
        (gradient,) = torch.autograd.grad(score.sum(), kept[0])
    return kept[0].detach().float(), gradient.float(), answer.detach()
