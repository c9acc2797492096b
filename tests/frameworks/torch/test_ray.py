"""PyTorch models on a Ray cluster: sent as they are in memory, or opened there by name."""

from __future__ import annotations

import json
import os
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from helpers.batch import contents, make_pictures
from helpers.cli import run
from torch import nn

import visioncam
from visioncam import distributed
from visioncam_core.errors import ModelError

ray = pytest.importorskip("ray")

pytestmark = pytest.mark.filterwarnings("ignore")  # Ray's own: deprecations, sockets it leaves to the end
NAMED = """
from torch import nn
import torch

def small():
    torch.manual_seed(0)
    pool = nn.AdaptiveAvgPool2d(1)
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), pool, nn.Flatten(), nn.Linear(4, 3))
"""


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Return a folder with pictures and a module, and a cluster that finds what we find, and the module."""
    root = tmp_path_factory.mktemp("ray")
    make_pictures(root / "in", 12)
    (root / "named_networks.py").write_text(NAMED)
    paths = os.pathsep.join([str(root), *filter(None, sys.path)])
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(root)
        ray.init(
            num_cpus=2, include_dashboard=False, log_to_driver=False, configure_logging=False,
            runtime_env={"env_vars": {"PYTHONPATH": paths, "CUDA_VISIBLE_DEVICES": "-1"}},
        )  # fmt: skip
        yield root
        ray.shutdown()


def own(lock: Any = None) -> nn.Module:
    """Return a network of a class that no worker can import, in train mode, its preprocessing on its card."""

    class Own(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv, self.head, self.lock = nn.Conv2d(3, 4, 3), nn.Linear(4, 3), lock
            self.drop = nn.Dropout(0.5)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.head(self.drop(torch.relu(self.conv(x)).mean((2, 3))))

    model = Own().train()
    visioncam.set_model_card(model, visioncam.ModelCard(("a", "b", "c"), lambda pixels: pixels / 255))
    return model


def test_a_model_in_memory_gives_what_one_machine_gives(world: Path) -> None:
    model = own()
    alone = visioncam.explain_dataset(model, world / "in", world / "one", spread=True)
    there = distributed.explain(model, world / "in", out=world / "two", batch_size=2)
    assert (alone.done, there.done) == (12, 12)
    assert not there.failed
    names = [str(path.relative_to(world / "one")) for path in sorted((world / "one").rglob("*.npz"))]
    assert len(names) == 12
    for name in names:
        with np.load(world / "one" / name) as one, np.load(world / "two" / name) as two:
            np.testing.assert_allclose(two["raw"], one["raw"], atol=1e-6)
            classes = [json.loads(str(held["about"]))["target"]["name"] for held in (one, two)]
        assert classes[0] == classes[1] in ("a", "b", "c")
    assert model.training


def test_a_named_model_is_opened_by_the_workers(world: Path) -> None:
    command = ["batch", world / "in", "--model", "named_networks:small", "--preprocess", "unit"]
    assert run(*command, "-o", world / "three", "--engine", "ray").code == 0
    assert run(*command, "-o", world / "four").code == 0
    assert contents(world / "three").keys() == contents(world / "four").keys()


def test_a_model_that_cannot_be_sent_says_why(world: Path) -> None:
    with pytest.raises(ModelError, match=r"cannot be sent to a cluster .*lock.*package.module:function"):
        distributed.explain(own(threading.Lock()), world / "in", out=world / "five")
