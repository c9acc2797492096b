"""The one graph: the forward pass, the gradient as ATen operations of a forward pass, and the map."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch._dispatch.python import enable_python_dispatcher
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.fx.experimental.proxy_tensor import make_fx
from torch.fx.experimental.symbolic_shapes import DimDynamic, ShapeEnv, StatelessSymbolicContext
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils._pytree import tree_structure

from visioncam_core.engine.export import INPUT, TOP, ExportPlan
from visioncam_core.errors import GradientError, ModelError
from visioncam_engines.torch.export.backward import TABLE
from visioncam_engines.torch.export.simpler import simplify
from visioncam_engines.torch.placing import to_grid
from visioncam_engines.torch.tape.model_trace import at_rest


def program(plan: ExportPlan) -> tuple[Any, bool]:
    """Return the exported program of a plan, and whether it takes several pictures at once.

    It takes the inputs in order, then the class where it is an input, and returns a dict of the outputs.

    Raises:
        ModelError: the model cannot be one graph of float32 on the CPU.
        GradientError: the score has no gradient at the layer.
    """
    _check(plan)
    if not plan.view.exact:
        try:
            return _traced(plan, True), True
        except (GradientError, ModelError):
            raise
        except Exception:  # a step that takes the number of pictures for a fixed one
            pass
    return _traced(plan, False), False


def _check(plan: ExportPlan) -> None:
    view: Any = plan.view
    title = plan.metadata["model"]
    if getattr(view, "runs", None) is not None:
        why = next((what for _, what in view.notes if what), "its Python decides by the picture")
        raise ModelError(f"the model {title!r} cannot become one graph: {why}")
    if view.trace.random:
        drawn = ", ".join(view.trace.random)
        raise ModelError(f"the model {title!r} draws random numbers ({drawn}), which a file cannot repeat")
    if view.placing.device.type != "cpu":
        raise ModelError(f"the model {title!r} is on {view.placing.device}; export model.cpu()")
    if view.placing.dtype != torch.float32:
        raise ModelError(f"the model {title!r} computes in {view.placing.dtype}; export model.float()")


def _traced(plan: ExportPlan, batch: bool) -> Any:
    view: Any = plan.view
    count = 3 if batch else 1
    given = [
        torch.zeros((count, *shape), dtype=view.trace.dtypes[value])
        for shape, value in zip(plan.shapes, view.trace.inputs, strict=True)
    ]
    if plan.target is INPUT:
        given.append(torch.zeros(count, dtype=torch.int32))
    mode = FakeTensorMode(allow_non_fake_inputs=True, shape_env=ShapeEnv())
    first = DimDynamic.DYNAMIC if batch else DimDynamic.STATIC

    def faked(x: Any) -> Any:
        sizes = [first, *[DimDynamic.STATIC] * (x.dim() - 1)]
        return mode.from_tensor(x, symbolic_context=StatelessSymbolicContext(dynamic_sizes=sizes))

    body = _body(plan)
    with at_rest(True), sdpa_kernel(SDPBackend.MATH), enable_python_dispatcher(), mode:
        graph = make_fx(body, decomposition_table=TABLE)(*map(faked, given))
    simplify(graph, plan.outputs)
    shapes: Any = ({0: torch.export.Dim("N", min=1)},) * len(given) if batch else None
    with at_rest():
        made = torch.export.export(graph, tuple(given), dynamic_shapes=shapes, strict=False)
    plain = tree_structure(dict.fromkeys(plan.outputs, 0))  # not torch.fx's own kind of dict
    made.module_call_graph[0].signature.out_spec = plain
    return made


def _body(plan: ExportPlan) -> Callable[..., list[Any]]:
    view: Any = plan.view
    seen: Any = plan.probable
    trace, score, probable = view.trace, view.score, seen.score
    at_layer = view.record(plan.choice.row).value
    fetches = list(dict.fromkeys((*score.fetches, *probable.fetches)))
    sides = trace.frontier(at_layer, fetches)
    head = trace.cut(trace.inputs, [at_layer, *sides])
    tail = trace.cut([at_layer, *sides], fetches)
    layout = plan.choice.row.layout
    assert layout is not None

    def body(*given: Any) -> list[Any]:
        count = given[0].shape[0]
        with torch.no_grad():
            at, *held = head(count, *given[: len(plan.inputs)])
        leaf = at.detach().requires_grad_(plan.gradients)
        found = dict(zip(fetches, tail(count, leaf, *held), strict=True))
        values, answer = score.read([found[one] for one in score.fetches])
        slope = None
        if plan.gradients:
            slope = to_grid(_slope(plan, values, answer, leaf, given[-1]), layout).float()
        with torch.no_grad():
            probabilities, _ = probable.read([found[one].detach() for one in probable.fetches])
            made = plan.draw(to_grid(at, layout).float(), slope)
            made |= {"probabilities": probabilities, "logits": values.detach()}
            return [made[name] for name in plan.outputs]

    return body


def _slope(plan: ExportPlan, values: Any, answer: Any, leaf: Any, asked: Any) -> Any:
    score: Any = plan.view.score
    found = None
    if values.requires_grad:
        cotangent = _cotangent(plan, values.detach(), answer.detach(), asked)
        (found,) = torch.autograd.grad(values, leaf, cotangent, allow_unused=True)
    if found is None:
        raise GradientError(
            f"the score of output {score.output!r} has no gradient there: a step between them cannot be "
            "differentiated (argmax, rounding, a stopped gradient)"
        )
    return found


def _cotangent(plan: ExportPlan, values: Any, answer: Any, asked: Any) -> Any:
    """Return the gradient of each picture's class in the values; see `default_passes.class_cotangent`."""
    score: Any = plan.view.score
    ranked = answer if score.by_answer else values
    single = values.dim() == 1 or values.shape[-1] == 1
    if single and not score.binary:
        return torch.ones_like(values)
    middle = 0.5 if score.by_answer else score.middle
    best = (ranked.reshape(-1) >= middle) if single else ranked.argmax(-1)
    index = best.to(torch.int32)
    if plan.target is INPUT:
        index = torch.where(asked < 0, index, asked)
    elif plan.target != TOP:
        index = torch.full_like(index, plan.target)
    if single:
        return (2 * index - 1).to(values.dtype).reshape(values.shape)
    return (torch.arange(values.shape[-1], dtype=torch.int32) == index[:, None]).to(values.dtype)
