"""Named models in commands, runs and the page."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import visioncam
from visioncam.batch.request import RunRequest
from visioncam.batch.write import Writing
from visioncam_core.pipeline.models import mark_of, open_model
from visioncam_core.pipeline.request import Request

torch = pytest.importorskip("torch")
timm = pytest.importorskip("timm")
torchvision = pytest.importorskip("torchvision")
transformers = pytest.importorskip("transformers")

pytestmark = pytest.mark.usefixtures("offline")
SMALL = "torchvision:squeezenet1_1?weights=none"


def run(*words: str) -> tuple[int, str]:
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "HF_HUB_OFFLINE": "1"}
    done = subprocess.run(
        [sys.executable, "-m", "visioncam", *words], capture_output=True, text=True, check=False, env=env
    )
    return done.returncode, done.stdout + done.stderr


def test_the_command_line_explains_and_repeats_a_named_model(mine: Path, examples: Path) -> None:
    (mine / "photos").mkdir()
    for name in ("chelsea.png", "coffee.png"):
        (mine / "photos" / name).write_bytes((examples / name).read_bytes())
    torch.save(open_model("my_networks:make").state_dict(), "w.pth")
    model = ("--model", "my_networks:make", "--weights", "w.pth", "--preprocess", "torch", "--layer", "1")
    code, said = run("batch", "photos", "-o", "out", *model, "--save-as", "npz", "--json")
    assert code == 0, said
    facts = json.loads((mine / "out" / "run.json").read_text())
    assert facts["facts"]["model"] == mark_of("my_networks:make", weights="w.pth")
    assert facts["places"]["model"] == "my_networks:make"
    with np.load(next((mine / "out").glob("chelsea*.npz"))) as held:
        assert "my_networks:make" in str(held["meta"] if "meta" in held else dict(held))
    code, said = run("verify", "out", "--weights", "w.pth", "--share", "1")
    assert code == 0, said
    assert "2 agree" in said
    code, said = run("verify", "out")
    assert code == 0, said  # the same weights, made by the function
    code, said = run("explain", "photos/coffee.png", "--model", "my_networks:nothing", "-o", "x/")
    assert code == 2
    assert "returned None" in said


def test_a_run_of_a_named_model_goes_to_other_processes_by_name(mine: Path, examples: Path) -> None:
    wanted = {"preprocess": "torch", "layer": "1"}
    writing = Writing(mine / "out", (".npz",), {})
    request = RunRequest.of("my_networks:make", Request.of(["gradcam"], wanted), writing, 4)
    assert (request.model, request.packed) == ("my_networks:make", None)
    assert request.facts["model"] == mark_of("my_networks:make")
    found = request.explainer()(examples / "chelsea.png")
    own = visioncam.explain(open_model("my_networks:make"), examples / "chelsea.png", **wanted)
    np.testing.assert_array_equal(found.raw, own.raw)


def test_the_page_lists_named_models(mine: Path) -> None:
    from visioncam.app.models import list_models

    models = list_models(["my_networks:make", SMALL], None)
    assert models.names[:2] == ["my_networks:make", SMALL]
    assert type(models.model("my_networks:make")).__name__ == "Sequential"
    assert type(models.model(SMALL)).__name__ == "SqueezeNet"
