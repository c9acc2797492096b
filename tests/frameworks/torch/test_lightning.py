"""Watching a training with PyTorch Lightning, where TensorFlow is not installed."""

from __future__ import annotations

import csv
import sys
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from lightning import LightningModule, Trainer, seed_everything
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

import visioncam
from visioncam.callbacks import LightningMonitor, Look, to_mlflow
from visioncam_core.engine.batches import COUNTERS
from visioncam_core.errors import TargetError

pytestmark = pytest.mark.filterwarnings("ignore")  # Lightning warns of what small trainings do


def pictures() -> tuple[torch.Tensor, torch.Tensor]:
    """Pictures with a bright square left (class 0) or right (class 1)."""
    draw = np.random.default_rng(3)
    x = draw.uniform(0, 0.3, (48, 1, 12, 16)).astype(np.float32)
    y = np.arange(48) % 2
    for i, label in enumerate(y):
        row = draw.integers(0, 8)
        x[i, :, row : row + 4, 10 * label : 10 * label + 4] += 0.7
    return torch.from_numpy(x), torch.from_numpy(y)


class Module(LightningModule):
    """Dropout draws while it trains; `whole` has a `forward` of its own."""

    def __init__(self) -> None:
        super().__init__()
        seed_everything(11, verbose=False)
        self.net = nn.Sequential(
            nn.Conv2d(1, 4, 3, padding=1), nn.ReLU(), nn.Dropout(0.2), nn.Flatten(), nn.Linear(4 * 12 * 16, 2)
        )

    def training_step(self, batch: Any, index: int) -> Any:
        return nn.functional.cross_entropy(self.net(batch[0]), batch[1])

    def configure_optimizers(self) -> Any:
        return torch.optim.Adam(self.parameters(), 0.01)


class Whole(Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.net(x)


class Kept:
    """A sink that keeps the second picture's maps."""

    def __init__(self) -> None:
        self.maps: list[np.ndarray] = []
        self.epochs: list[int] = []
        self.counts: list[int] = []
        self.closed = 0

    def write(self, look: Look) -> None:
        self.epochs.append(look.epoch)
        self.maps.append(look.explanations[1].heatmap.copy())
        self.counts.append(COUNTERS.snapshot()["traces"])

    def close(self) -> None:
        self.closed += 1


def fit(module: Module, epochs: int, *callbacks: Any) -> Module:
    seed_everything(5, verbose=False)
    loader = DataLoader(TensorDataset(*pictures()), batch_size=16, shuffle=True)
    Trainer(
        max_epochs=epochs, callbacks=list(callbacks), accelerator="cpu", logger=False,
        enable_checkpointing=False, enable_progress_bar=False, enable_model_summary=False,
    ).fit(module, loader)  # fmt: skip
    return module


@pytest.mark.parametrize(("kind", "part"), [(Module, "net"), (Whole, "")])
def test_training_comes_out_the_same_and_the_maps_follow_it(kind: type[Module], part: str) -> None:
    kept = Kept()
    monitor = LightningMonitor(pictures()[0][:2], [0, 1], part=part, sinks=[kept])
    watched, alone = fit(kind(), 3, monitor), fit(kind(), 3)
    for one, other in zip(alone.state_dict().values(), watched.state_dict().values(), strict=True):
        assert torch.equal(one, other)
    assert watched.training == alone.training
    assert kept.epochs == [0, 1, 2, 3]
    assert len(set(kept.counts)) == 1  # traced once, before the first look was written
    assert kept.closed == 1
    now = visioncam.explain(watched.get_submodule(part), pictures()[0][:2], target=[0, 1])
    np.testing.assert_allclose(kept.maps[-1], now[1].heatmap, atol=1e-6)
    assert np.abs(kept.maps[-1] - kept.maps[0]).max() > 0.05
    assert list(monitor.curves["overlap_first"]) == [1, 2, 3]


def test_files_are_written_without_tensorflow(tmp_path: Path) -> None:
    probe = [(picture[0].numpy() * 255).astype(np.uint8) for picture in pictures()[0][:2]]
    fit(Whole(), 4, LightningMonitor(
        probe, [0, 1], every=2, folder=tmp_path / "maps", tensorboard=tmp_path / "logs", preprocess="unit"
    ))  # fmt: skip
    names = sorted(path.name for path in (tmp_path / "maps").iterdir())
    assert names == [
        *(f"epoch_{n:04d}_picture_{i:02d}.png" for n in (0, 2, 4) for i in (0, 1)),
        "overlap.csv",
    ]
    with open(tmp_path / "maps" / "overlap.csv", newline="") as file:
        assert [row["epoch"] for row in csv.DictReader(file)] == ["0", "0", "2", "2", "4", "4"]
    (log,) = (tmp_path / "logs").iterdir()
    assert log.read_bytes().count(b"visioncam/picture_01") == 3
    assert not {"tensorflow", "keras"} & set(sys.modules)


def test_what_cannot_work_is_said_before_the_first_step() -> None:
    module = Whole()
    before = {name: value.clone() for name, value in module.state_dict().items()}
    with pytest.raises(TargetError, match="7"):
        fit(module, 1, LightningMonitor(pictures()[0][:1], 7, sinks=[Kept()]))
    assert all(torch.equal(value, before[name]) for name, value in module.state_dict().items())


def test_trackers_take_lightnings_loggers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No run is active; the logger knows its run and where it lies."""
    mlflow = pytest.importorskip("mlflow")
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    from lightning.pytorch.loggers import MLFlowLogger

    logger = MLFlowLogger(tracking_uri=(tmp_path / "store").as_uri())
    fit(Whole(), 2, LightningMonitor(pictures()[0][:2], [0, 1], sinks=[partial(to_mlflow, run=logger)]))
    client = mlflow.MlflowClient((tmp_path / "store").as_uri())
    history = client.get_metric_history(logger.run_id, "visioncam/picture_01/score")
    assert [one.step for one in history] == [0, 1, 2]
    assert (
        len([one for one in client.list_artifacts(logger.run_id, "images") if one.path.endswith(".png")]) == 6
    )
