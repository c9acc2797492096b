"""The documents' blocks of PyTorch, marked `py`, run as they stand."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import lightning
import pytest
import torch
from helpers.docs import code
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

import visioncam

CHECKOUT = Path(__file__).resolve().parents[3]
WITH_TORCH = ("README.md", "docs/coming-from.md", "docs/training.md")


class Learning(lightning.LightningModule):
    def __init__(self) -> None:
        super().__init__()
        self.net = nn.Sequential(
            nn.Conv2d(3, 4, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 2)
        )

    def training_step(self, batch: Any, index: int) -> Any:
        return nn.functional.cross_entropy(self.net(batch[0]), batch[1])

    def configure_optimizers(self) -> Any:
        return torch.optim.SGD(self.parameters(), 0.1)


def given() -> dict[str, Any]:
    """Return what the documents take for granted."""
    module = Learning()
    x, y = torch.rand(6, 3, 16, 16), torch.arange(6) % 2
    return {
        "visioncam": visioncam, "lightning": lightning, "torch_model": module.net, "keras_model": module.net,
        "module": module, "loader": DataLoader(TensorDataset(x, y), batch_size=3), "pictures": x[:3],
    }  # fmt: skip


@pytest.mark.filterwarnings("ignore")  # Lightning's, of a training that is over at once
@pytest.mark.parametrize("name", WITH_TORCH)
def test_every_block_runs(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("examples").symlink_to(CHECKOUT / "examples", target_is_directory=True)
    shutil.copy(CHECKOUT / "examples" / "rocket.jpg", "cat.jpg")
    text = code((CHECKOUT / name).read_text("utf-8"), "py").replace("max_epochs=50", "max_epochs=1")
    exec(compile(text, name, "exec", dont_inherit=True), given() | {"__name__": "readme"})
    assert any(path.name != "examples" for path in tmp_path.iterdir())
