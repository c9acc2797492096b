"""A model is what it was, whoever uses it meanwhile; what is kept of it is right, and goes with it."""

from __future__ import annotations

import gc
import threading
import weakref
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from helpers import torch_networks as networks
from helpers.torch_networks import lively, pictures, plain
from helpers.torch_twins import state_of
from torch import nn

import visioncam
from visioncam_core.engine.batches import COUNTERS
from visioncam_core.errors import ModelError
from visioncam_engines.torch import work

METHODS = ("gradcam", "gradcamplusplus", "smoothgradcamplusplus", "scorecam", "ablationcam", "hirescam")


def traces(call: Any) -> int:
    before = COUNTERS.snapshot()["traces"]
    call()
    return COUNTERS.snapshot()["traces"] - before


@pytest.mark.parametrize("make", [plain, lambda: lively(networks.Reads()), lambda: lively(networks.Counts())])
def test_explaining_leaves_the_model_and_the_pictures_as_they_were(make: Any) -> None:
    model = make().train()
    x = pictures()
    given, before = x.clone(), state_of(model)
    for method in METHODS:
        visioncam.explain(model, x, method, layer=-2)
    visioncam.layers(model)
    assert state_of(model) == before
    assert torch.equal(x, given)
    assert model.training
    assert torch.is_grad_enabled()


def test_nothing_is_left_behind_by_an_error_in_the_middle_of_a_call() -> None:
    class Fails(networks.Base):
        def forward(self, x: Any) -> Any:
            super().forward(x)
            raise RuntimeError("boom")

    model = lively(Fails())
    before = state_of(model)
    with pytest.raises(ModelError, match="boom"):
        visioncam.explain(model, pictures()[0])
    assert state_of(model) == before
    assert torch._C._len_torch_function_stack() == 0
    assert torch.is_grad_enabled()


@pytest.mark.parametrize(
    "mode", [torch.no_grad, torch.inference_mode, lambda: torch.autocast("cpu", torch.bfloat16)]
)
def test_the_mode_of_the_caller_changes_nothing(mode: Any) -> None:
    model, x = plain(), pictures()[0]
    expected = visioncam.explain(model, x).raw
    visioncam.forget(model)
    with mode():
        assert np.array_equal(visioncam.explain(model, x).raw, expected)
    with torch.inference_mode():
        given = x + 0
    assert np.array_equal(visioncam.explain(model, given).raw, expected)
    assert np.array_equal(visioncam.explain(model, x.clone().requires_grad_()).raw, expected)


def test_a_model_made_in_inference_mode_has_gradients() -> None:
    with torch.inference_mode():
        model = plain()
    expected = visioncam.explain(plain(), pictures()[0]).raw
    assert np.array_equal(visioncam.explain(model, pictures()[0]).raw, expected)


def test_32_threads_while_another_trains() -> None:
    model = plain().train()
    x = pictures(32)
    single = [visioncam.explain(model, one, target=1).raw for one in x]
    visioncam.forget(model)
    with ThreadPoolExecutor(32) as pool:
        found = list(pool.map(lambda one: visioncam.explain(model, one, target=1).raw, x))
    assert all(map(np.array_equal, found, single))
    done = threading.Event()
    errors: list[BaseException] = []
    other = torch.optim.SGD(model.parameters(), 1e-4)

    def train() -> None:
        try:
            while not done.is_set():
                other.zero_grad()
                model(x[:4]).sum().backward()
                other.step()
        except BaseException as error:
            errors.append(error)

    trainer = threading.Thread(target=train)
    trainer.start()
    try:
        for number in range(20):
            if number % 5 == 0:
                visioncam.forget(model)
            visioncam.explain(model, x[number], "gradcam", layer="0/0")
    finally:
        done.set()
        trainer.join()
    assert not errors
    assert model.training


def test_a_batch_is_its_singles() -> None:
    model, x = plain(), pictures(5)
    for method in METHODS:
        together = visioncam.explain(model, x, method, batch_size=4)
        alone = [visioncam.explain(model, one, method) for one in x]
        for a, b in zip(together, alone, strict=True):
            np.testing.assert_allclose(a.raw, b.raw, atol=3e-6 * float(np.abs(b.raw).max()))


def test_weights_changed_in_place_need_no_new_trace() -> None:
    model, x = plain(), pictures()[0]
    before = visioncam.explain(model, x, target=2)

    def change() -> None:
        with torch.no_grad():
            model[-1].weight.mul_(2)
        after = visioncam.explain(model, x, target=2)
        np.testing.assert_allclose(after.raw, 2 * before.raw, rtol=1e-6)
        assert [one.code for one in after.diagnostics] == [one.code for one in before.diagnostics]

    assert traces(change) == 0
    assert (
        traces(
            lambda: (model.train(), visioncam.explain(model, x), model.eval(), visioncam.explain(model, x))
        )
        == 0
    )


CHANGES: dict[str, Any] = {
    "a layer": lambda model: model.register_module("2", lively(nn.Conv2d(8, 12, 3, padding=1), 5)),
    "a parameter": lambda model: setattr(model[2], "weight", nn.Parameter(torch.randn(12, 8, 3, 3))),
    "an attribute": lambda model: setattr(model[2], "dilation", (2, 2)),
    "a hook": lambda model: model[2].register_forward_hook(lambda module, args, output: output * 2),
    "the dtype": lambda model: model.double(),
    "storage": lambda model: setattr(model[2].weight, "data", torch.randn(12, 8, 3, 3)),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_changed_model_is_explained_as_it_is_now(change: str) -> None:
    model, twin, x = plain(), plain(), pictures()[0]
    visioncam.explain(model, x, target=1, layer="2")
    for one in (model, twin):
        torch.manual_seed(7)
        CHANGES[change](one)
    found, fresh = (visioncam.explain(one, x, target=1, layer="2") for one in (model, twin))
    assert np.array_equal(found.raw, fresh.raw)
    assert found.raw.any()


@pytest.mark.parametrize("make", [plain, lambda: lively(networks.Kept()), lambda: lively(networks.Reads())])
def test_a_dropped_model_is_freed(make: Any) -> None:
    model = make()
    for method in ("gradcam", "ablationcam", "scorecam"):
        visioncam.explain(model, pictures()[0], method)
    found = [weakref.ref(one) for one in (model, next(model.children()), next(model.parameters()))]
    del model
    gc.collect()
    gc.collect()  # what was kept of a model that is part of a circle goes after it
    assert [one() for one in found] == [None, None, None]


def test_memory_stays_flat() -> None:
    model, x = plain(), pictures(1, 48)[0]

    def resident() -> float:
        gc.collect()
        return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 / 1e6

    def maps() -> None:
        for _ in range(40):
            visioncam.explain(model, x)
        for _ in range(10):
            visioncam.forget(model)
            visioncam.explain(model, x)

    maps()
    before = resident()
    maps()
    assert resident() - before < 8


def test_other_classes_layers_and_methods_trace_nothing() -> None:
    model, x = plain(), pictures(3)
    visioncam.explain(model, x[0])

    def more() -> None:
        for method in METHODS:
            for layer in ("0/0", "2", "3"):
                visioncam.explain(model, x, method, layer=layer, target=3)

    assert traces(more) == 0


@pytest.mark.parametrize("call", ["explain", "compare"])
def test_a_call_checks_and_marks_a_model_once(call: str, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    for name in ("check_model", "mark_of"):
        own = getattr(work, name)
        monkeypatch.setattr(work, name, lambda model, name=name, own=own: (asked.append(name), own(model))[1])
    model, x = plain(), pictures()[0]
    getattr(visioncam, call)(model, x)
    asked.clear()
    getattr(visioncam, call)(model, x)
    assert asked == ["check_model", "mark_of"]
    model.to("meta")
    with pytest.raises(ModelError, match="meta device"):
        getattr(visioncam, call)(model, x)
