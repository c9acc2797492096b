"""PyTorch models where neither TensorFlow nor Keras nor JAX can be imported."""

from __future__ import annotations

from pathlib import Path

from helpers import hidden

NETWORKS = """
import torch
from torch import nn

class Small(nn.Module):
    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(3, 4, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(4, 6, 3), nn.ReLU()
        )
        self.head = nn.Linear(6, 3)

    def forward(self, x):
        return self.head(self.features(x).mean((2, 3)))

def small():
    torch.manual_seed(0)
    return Small()
"""
SCRIPT = """
import networks
from helpers import whole_product

whole_product.check(networks.small(), "networks:small")
print(whole_product.loaded("tensorflow", "keras", "torch", "jax"))
"""


def test_everything_works_on_torch_where_the_others_are_missing(tmp_path: Path) -> None:
    (tmp_path / "networks.py").write_text(NETWORKS)
    script = hidden.hiding(*hidden.TENSORFLOW, "jax") + SCRIPT
    assert hidden.run(script, tmp_path) == ["['torch']"]
