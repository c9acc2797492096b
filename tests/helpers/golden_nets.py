"""Three small networks with stored weights, and maps of them that other libraries made.

`tests/data/more/gradients.npz`: pictures (2, 24, 32, 3), their classes, four baselines, noise of the first
picture (1, 8, 24, 32, 3), and by network the maps of captum 0.9.0 in float64, summed over channels: a logit
each.  conv 3→8, pool 2, conv 8→12 without bias, batch norm, average pool 2, conv 12→16, then global average
and dense ("gap", "smooth") or dense 10 and dense ("mlp"); ReLU and max pool, in "smooth" swish and average.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from visioncam.targets import Contrast
from visioncam_core.results.explanation import Explanation
from visioncam_methods.gradient import smoothgrad

DATA = Path(__file__).resolve().parents[1] / "data" / "more" / "gradients.npz"
NETS = ("gap", "mlp", "smooth")
Explain = Callable[..., Explanation]
"""(network, picture (24, 32, 3), target, method, **options) -> its explanation at the last convolution."""


@cache
def golden() -> dict[str, np.ndarray]:
    with np.load(DATA) as file:
        return dict(file)


def weights(name: str) -> np.ndarray:
    return golden()[f"weights/{name}"]


def close(actual: np.ndarray, expected: np.ndarray, tolerance: float = 1e-5) -> None:
    np.testing.assert_allclose(actual, expected, rtol=0, atol=tolerance * np.abs(expected).max())


def of_single_gradients(explain: Explain, net: str) -> None:
    data = golden()
    for i, (x, k) in enumerate(zip(data["pictures"], data["classes"], strict=True)):
        found = explain(net, x, int(k), "saliency")
        assert found.score == pytest.approx(data[f"{net}/logits"][i, k], rel=1e-5)
        close(found.raw, data[f"{net}/saliency"][i])
        found = explain(net, x, int(k), "gradientinput")
        close(found.raw, data[f"{net}/gradientinput"][i])
        assert str(found.account) == "against zero"
        if net == "smooth":
            close(explain(net, x, int(k), "saliency", channels="sum").raw, data["smooth/sum"][i])
            signed = explain(net, x, int(k), "saliency", channels="sum", signed=True)
            close(signed.raw, data["smooth/signed"][i])


def of_smoothgrad(explain: Explain, net: str, monkeypatch: pytest.MonkeyPatch) -> None:
    data, x = golden(), golden()["pictures"][0]
    monkeypatch.setattr(smoothgrad, "noise", lambda seed, indices, x: data["noise"][0][indices])
    for statistic in ("mean", "square", "variance"):
        found = explain(net, x, int(data["classes"][0]), "smoothgrad", n=8, statistic=statistic)
        close(found.raw, data[f"{net}/{statistic}"][0], 1e-4)


def of_finer_cam(explain: Explain, net: str) -> None:
    data = golden()
    for i, (x, k) in enumerate(zip(data["pictures"], data["classes"], strict=True)):
        found = explain(net, x, Contrast(int(k), gamma=0.6), "gradcam")
        close(found.raw, data[f"{net}/finercam"][i])
        rivals = " and ".join(f"class {j:.0f}" for j in data[f"{net}/rivals"][i]).replace(" and ", ", ", 1)
        assert found.target.label == f"class {k} rather than {rivals}, γ = 0.6"


def of_layer_integrated_gradients(explain: Explain, net: str) -> None:
    data = golden()
    for i, (x, k) in enumerate(zip(data["pictures"], data["classes"], strict=True)):
        found = explain(net, x, int(k), "layerintegratedgradients", baseline="zero", steps=50)
        close(found.raw, data[f"{net}/layerintegratedgradients"][i], 1e-4)
        assert found.account is not None
        assert found.account.residual == pytest.approx(0, abs=0.02 if net == "mlp" else 1e-3)  # its kinks


def of_expected_gradients(explain: Explain, net: str) -> None:
    data = golden()
    x, k = data["pictures"][0], int(data["classes"][0])
    limit = data[f"{net}/expectedgradients"][0]
    few, many = (explain(net, x, k, "expectedgradients", baselines=data["baselines"], n=n) for n in (40, 640))
    for found, most in ((few, 0.1), (many, 0.02)):
        gap = np.sqrt(np.mean((found.raw - limit) ** 2)) / np.abs(limit).max()
        assert gap < most
        assert found.account is not None
        assert found.account.error is not None
        assert gap < 2 * found.account.error < 0.1
        assert found.account.residual == pytest.approx(0, abs=most)
    assert many.account is not None
    assert many.account.baseline == "an array"


def torch_net(name: str) -> Any:
    """Return the network in PyTorch, (N, 3, 24, 32) -> (N, 5) logits; its layer is "8"."""
    import torch
    from torch import nn

    def convolution(key: str, bias: bool = True) -> nn.Conv2d:
        kernel = weights(f"{key}/kernel")
        made = nn.Conv2d(kernel.shape[2], kernel.shape[3], 3, padding=1, bias=bias)
        made.weight.data = torch.tensor(kernel.transpose(3, 2, 0, 1).copy())
        if bias:
            made.bias.data = torch.tensor(weights(f"{key}/bias"))
        return made

    def dense(key: str, kernel: np.ndarray | None = None) -> nn.Linear:
        kernel = weights(f"{key}/kernel") if kernel is None else kernel
        made = nn.Linear(*kernel.shape)
        made.weight.data = torch.tensor(kernel.T.copy())
        made.bias.data = torch.tensor(weights(f"{key}/bias"))
        return made

    norm = nn.BatchNorm2d(12, eps=float(weights("bn/epsilon")))
    norm.weight.data, norm.bias.data = torch.tensor(weights("bn/gamma")), torch.tensor(weights("bn/beta"))
    norm.running_mean, norm.running_var = (
        torch.tensor(weights("bn/mean")),
        torch.tensor(weights("bn/variance")),
    )
    smooth = name == "smooth"
    act, pool = (nn.SiLU, nn.AvgPool2d) if smooth else (nn.ReLU, nn.MaxPool2d)
    stem = [convolution("conv1"), act(), pool(2), convolution("conv2", False), norm, act(), nn.AvgPool2d(2)]
    stem += [convolution("conv3"), act()]
    if name == "mlp":  # torch flattens channels first
        kernel = weights("mlp1/kernel").reshape(6, 8, 16, 10).transpose(2, 0, 1, 3).reshape(768, 10)
        head = [nn.Flatten(), dense("mlp1", kernel), nn.ReLU(), dense("mlp2")]
    else:
        head = [nn.AdaptiveAvgPool2d(1), nn.Flatten(), dense("gap")]
    return nn.Sequential(*stem, *head).eval()


def keras_net(name: str) -> Any:
    """Return the network in Keras, (N, 24, 32, 3) -> (N, 5) logits; its layer is "last"."""
    import keras
    from keras import layers as L  # noqa: N812  -- as everybody writes it

    act = "swish" if name == "smooth" else "relu"
    x = given = keras.Input((24, 32, 3))
    x = L.Conv2D(8, 3, padding="same", activation=act, name="conv1")(x)
    x = (L.AveragePooling2D if name == "smooth" else L.MaxPooling2D)(2)(x)
    x = L.Conv2D(12, 3, padding="same", use_bias=False, name="conv2")(x)
    x = L.Activation(act)(L.BatchNormalization(epsilon=float(weights("bn/epsilon")), name="bn")(x))
    x = L.Conv2D(16, 3, padding="same", name="conv3")(L.AveragePooling2D(2)(x))
    x = L.Activation(act, name="last")(x)
    if name == "mlp":
        x = L.Dense(5, name="mlp2")(L.Dense(10, activation="relu", name="mlp1")(L.Flatten()(x)))
    else:
        x = L.Dense(5, name="gap")(L.GlobalAveragePooling2D()(x))
    model = keras.Model(given, x)
    for layer in model.layers:
        parts = ("gamma", "beta", "mean", "variance") if layer.name == "bn" else ("kernel", "bias")
        keys = [f"{layer.name}/{part}" for part in parts]
        found = [weights(key) for key in keys if f"weights/{key}" in golden()]
        if found:
            layer.set_weights(found)
    return model
