"""Small networks of fixed weights, for Keras and PyTorch; data/more has other libraries' maps of them."""

from __future__ import annotations

from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np

DATA = Path(__file__).resolve().parents[1] / "data" / "more"
SHAPE, CLASSES = (24, 32, 3), 5
LAYERS = {"act3": "conv3", "act2": "act2"}
"""A layer's name in the golden files and in PyTorch -> in Keras."""


def golden(name: str) -> dict[str, np.ndarray]:
    """Return the arrays of a file in data/more, such as "cam"."""
    with np.load(DATA / f"{name}.npz") as file:
        return dict(file)


def keras_net(name: str) -> Any:
    """Return the net "gap", "mlp" or "smooth"."""
    import keras
    from keras import layers

    weights, smooth = golden("net"), name == "smooth"
    act, pool = ("silu", layers.AveragePooling2D) if smooth else ("relu", layers.MaxPooling2D)
    head = (
        [layers.Flatten(), layers.Dense(10, "relu", name="mlp1"), layers.Dense(CLASSES, name="mlp2")]
        if name == "mlp"
        else [layers.GlobalAveragePooling2D(), layers.Dense(CLASSES, name="gap")]
    )
    net = keras.Sequential([
        keras.Input(SHAPE), layers.Conv2D(8, 3, padding="same", activation=act, name="conv1"), pool(2),
        layers.Conv2D(12, 3, padding="same", use_bias=False, name="conv2"),
        layers.BatchNormalization(epsilon=float(weights["bn/epsilon"]), name="bn"),
        layers.Activation(act, name="act2"), layers.AveragePooling2D(2),
        layers.Conv2D(16, 3, padding="same", activation=act, name="conv3"), *head,
    ])  # fmt: skip
    for layer in net.layers:
        parts = ("kernel", "bias", "gamma", "beta", "mean", "variance")
        if own := [weights[key] for part in parts if (key := f"{layer.name}/{part}") in weights]:
            layer.set_weights(own)
    return net


def torch_net(name: str) -> Any:
    """Return the net "gap", "mlp" or "smooth"."""
    import torch
    from torch import nn

    weights = {key: torch.from_numpy(values) for key, values in golden("net").items()}
    act, pool = (nn.SiLU, nn.AvgPool2d) if name == "smooth" else (nn.ReLU, nn.MaxPool2d)
    bn = nn.BatchNorm2d(12, eps=float(weights["bn/epsilon"]))
    bn.weight.data, bn.bias.data = weights["bn/gamma"], weights["bn/beta"]
    bn.running_mean, bn.running_var = weights["bn/mean"], weights["bn/variance"]
    parts = {
        "conv1": nn.Conv2d(3, 8, 3, padding=1), "act1": act(), "pool1": pool(2),
        "conv2": nn.Conv2d(8, 12, 3, padding=1, bias=False), "bn": bn, "act2": act(),
        "pool2": nn.AvgPool2d(2), "conv3": nn.Conv2d(12, 16, 3, padding=1), "act3": act(),
    }  # fmt: skip
    if name == "mlp":
        parts |= {"flat": nn.Flatten(), "mlp1": nn.Linear(768, 10), "act4": nn.ReLU()}
        parts |= {"mlp2": nn.Linear(10, CLASSES)}
    else:
        parts |= {"mean": nn.AdaptiveAvgPool2d(1), "flat": nn.Flatten(), "gap": nn.Linear(16, CLASSES)}
    for key, part in parts.items():
        if f"{key}/kernel" in weights:
            kernel = weights[f"{key}/kernel"]
            if key == "mlp1":  # PyTorch flattens with the channels first
                kernel = kernel.reshape(6, 8, 16, 10).permute(2, 0, 1, 3).reshape(768, 10)
            part.weight.data = (kernel.permute(3, 2, 0, 1) if kernel.ndim == 4 else kernel.T).contiguous()
        if getattr(part, "bias", None) is not None and f"{key}/bias" in weights:
            part.bias.data = weights[f"{key}/bias"]
    return nn.Sequential(OrderedDict(parts)).eval()
