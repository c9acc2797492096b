"""Attention of PyTorch models: fused or not, of several libraries, against the maps of other tools."""

from __future__ import annotations

import gc
import weakref
from typing import Any

import numpy as np
import pytest
import torch
from helpers.attention import BLOCKS, MAPS, Looking, attention_of, close, golden
from helpers.torch_attention import KINDS, transformer
from torch import nn

import visioncam
from visioncam_core.engine.batches import COUNTERS
from visioncam_core.errors import GradientError, LayerError

GOLDEN = golden()
X = GOLDEN["pictures"].transpose(0, 3, 1, 2)
CLASSES = [int(one) for one in GOLDEN["classes"]]
THREE = ("rollout", "attentiongradient", "legrad")


def maps(model: Any, method: str, x: Any = X, **options: Any) -> np.ndarray:
    found = visioncam.explain(model, list(x), method=method, **{"target": CLASSES, **options})
    return np.stack([one.raw for one in found])


def picture(size: int = 32) -> np.ndarray:
    return np.random.default_rng(0).standard_normal((3, size, size), np.float32)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", MAPS)
def test_maps_are_those_of_other_libraries(kind: str, name: str) -> None:
    method, options = MAPS[name]
    model = transformer(kind)
    close(model(torch.from_numpy(X)).detach(), GOLDEN["logits"])
    close(maps(model, method, **options), GOLDEN[name])


@pytest.mark.parametrize("kind", KINDS)
def test_weights_and_gradients_are_the_model_s_own(kind: str) -> None:
    found = attention_of(transformer(kind), X, "score", target=CLASSES)
    assert (found.prefix, found.grid, found.suffix) == (1, (3, 4), 0)
    for b in range(BLOCKS):
        close(found.weights[b], GOLDEN[f"attention{b}"])
        close(found.weights[b].sum(-1), np.ones((2, 2, 13), np.float32), 1e-6)
        close(found.gradients[b], GOLDEN[f"attention_gradient{b}"])


def test_a_class_token_is_read_alone_and_patches_alike() -> None:
    first, patches = np.eye(13)[[0, 0]], np.tile([0.0, *[1 / 12] * 12], (2, 1))
    close(attention_of(transformer(), X).read, first, 1e-6)
    close(attention_of(transformer(pooled=True), X).read, patches, 1e-6)


def test_only_the_class_token_asks_in_the_last_block() -> None:
    first, last = attention_of(transformer(), X, "blocks", target=CLASSES).gradients
    assert first[:, :, 0].any()
    assert not first[:, :, 1:].any()
    assert last[:, :, 0].any()
    assert not last[:, :, 1:].any()
    assert attention_of(transformer(), X, "mean", target=CLASSES).gradients[1][:, :, 1:].any()


def test_a_model_that_pools_its_patches_is_read_there() -> None:
    model = transformer("by hand", pooled=True)
    found = attention_of(model, X, "score", target=CLASSES)
    R = np.eye(13)
    for A, G in zip(found.weights, found.gradients, strict=True):
        R = R + np.maximum(A * G, 0).mean(1) @ R
    expected = (R - np.eye(13))[:, 1:, 1:].mean(1).reshape(-1, 3, 4)
    close(maps(model, "attentiongradient"), expected)


def test_scores_twice_as_large() -> None:
    model = transformer()
    found = [maps(model, method) for method in THREE]
    model.head.weight.data *= 2
    model.head.bias.data *= 2
    rollout, gradient, legrad = (maps(model, method) for method in THREE)
    close(rollout, found[0], 1e-6)
    close(legrad, 2 * found[2])
    with pytest.raises(AssertionError):
        close(gradient, 2 * found[1])


@pytest.mark.parametrize("method", THREE)
@pytest.mark.parametrize("kind", KINDS)
def test_a_batch_is_its_pictures(method: str, kind: str) -> None:
    model = transformer(kind)
    close(maps(model, method, batch_size=2), maps(model, method, batch_size=1), 1e-5)


def test_passes_are_counted_and_shared() -> None:
    model = transformer()
    visioncam.explain(model, X[0], method="legrad", target=1)
    before = COUNTERS.snapshot()
    visioncam.compare(model, X[0], methods=["legrad", "rollout", Looking("blocks")], target=1)
    counts = COUNTERS.snapshot() - before
    assert (counts["forward"], counts["backward"], counts["traces"]) == (3, 1, 0)


@pytest.mark.parametrize("kind", KINDS)
def test_the_model_is_left_as_it_was(kind: str) -> None:
    model = transformer(kind)
    before = {name: one.clone() for name, one in model.state_dict().items()}
    answer = model(torch.from_numpy(X)).detach()
    for method in THREE:
        maps(model, method)
    assert all(torch.equal(one, before[name]) for name, one in model.state_dict().items())
    assert torch.equal(model(torch.from_numpy(X)), answer)
    for module in model.modules():
        assert not module._forward_hooks
        assert "forward" not in vars(module)
    assert all(one.grad is None for one in model.parameters())
    kept = weakref.ref(model)
    del model, module
    gc.collect()
    assert kept() is None


def test_half_and_double_precision() -> None:
    for dtype, tolerance in ((torch.float64, 1e-5), (torch.bfloat16, 0.2)):
        for name, (method, options) in MAPS.items():
            close(maps(transformer().to(dtype), method, **options), GOLDEN[name], tolerance)


# ---- the libraries' own


def torchvision_vit() -> Any:
    models = pytest.importorskip("torchvision").models
    return models.VisionTransformer(32, 8, 2, 2, 16, 32, num_classes=5)


def timm_model(name: str, **options: Any) -> Any:
    timm = pytest.importorskip("timm")
    return timm.create_model(name, num_classes=5, **options)


def transformers_vit(attention: str) -> Any:
    transformers = pytest.importorskip("transformers")
    size = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32}
    config = transformers.ViTConfig(
        **size, image_size=32, patch_size=8, num_labels=5, attn_implementation=attention
    )
    return transformers.ViTForImageClassification(config)


SMALL = {"img_size": 32, "patch_size": 8, "depth": 2, "embed_dim": 16, "num_heads": 2}
LIBRARIES = {
    "torchvision": (torchvision_vit, 1),
    "timm": (lambda: timm_model("vit_tiny_patch16_224", **SMALL), 1),
    "timm, distilled": (lambda: timm_model("deit_tiny_distilled_patch16_224", **SMALL), 2),
    "timm, registers": (lambda: timm_model("vit_small_patch14_reg4_dinov2", **SMALL), 5),
    "timm, registers alone": (lambda: timm_model("vit_little_patch16_reg4_gap_256", **SMALL), 4),
    "transformers": (lambda: transformers_vit("sdpa"), 1),
    "transformers, eager": (lambda: transformers_vit("eager"), 1),
}


@pytest.mark.parametrize("name", LIBRARIES)
def test_transformers_of_libraries(name: str) -> None:
    torch.manual_seed(0)
    make, prefix = LIBRARIES[name]
    model = make().eval()
    for one in model.parameters():
        one.data.normal_(0, 0.3)
    found = attention_of(model, picture()[None], target=1)
    assert (found.prefix, found.grid, len(found.weights)) == (prefix, (4, 4), 2)
    assert found.weights[0].shape == (1, 2, prefix + 16, prefix + 16)
    read = set(np.flatnonzero(found.read[0]))
    expected = {"timm, distilled": {0, 1}, "timm, registers alone": set(range(4, 20))}
    assert read == expected.get(name, {0})
    for method in THREE:
        raw = maps(model, method, picture()[None], target=1)
        assert raw.shape == (1, 4, 4)
        assert raw.min() >= 0
        assert raw.any()


def test_fused_or_not_transformers_gives_the_same() -> None:
    fused, eager = transformers_vit("sdpa").eval(), transformers_vit("eager").eval()
    eager.load_state_dict(fused.state_dict())
    for method in THREE:
        one, other = (maps(model, method, picture()[None], target=1) for model in (fused, eager))
        close(one, other)


# ---- refused, with the reason


class Stopped(nn.Module):
    """A transformer whose attention has no gradient."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = transformer()
        self.inner.head.register_forward_pre_hook(lambda module, args: (args[0].detach(),))

    def forward(self, x: Any) -> Any:
        return self.inner(x)


class Deciding(nn.Module):
    """A model that reads a value of its own: it cannot be put on tape."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = transformer()

    def forward(self, x: Any) -> Any:
        return self.inner(x if float(x.mean()) < 100 else -x)


def refused(model: Any, method: str = "rollout", x: Any = None, **options: Any) -> str:
    with pytest.raises(LayerError) as told:
        visioncam.explain(model.eval(), X[0] if x is None else x, method=method, target=1, **options)
    return str(told.value)


@pytest.mark.parametrize("method", THREE)
def test_windowed_attention_is_refused(method: str) -> None:
    model = timm_model("swin_tiny_patch4_window7_224", img_size=56, depths=(1, 1, 1, 1), window_size=7)
    told = refused(model, method, picture(56))
    assert "inside windows of 49 tokens" in told
    assert "no T × T over the picture; choose a gradient method, such as GradCAM" in told
    other = pytest.importorskip("torchvision").models.swin_t()
    assert "inside windows of 49 tokens" in refused(other, method, picture(64))


def test_other_attention_is_refused() -> None:
    assert "several sizes" in refused(timm_model("pvt_v2_b0"), x=picture(64))
    assert "but between channels, as in XCiT" in refused(timm_model("xcit_nano_12_p16_224"), x=picture(64))
    plain = nn.Sequential(nn.Conv2d(3, 4, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 5))
    assert "no attention was found" in refused(plain)


def test_a_model_that_is_run_as_it_is_is_refused() -> None:
    assert "is not seen, because the model is run unchanged" in refused(Deciding())


def test_attention_without_a_gradient_is_refused() -> None:
    model = Stopped().eval()
    with pytest.raises(GradientError, match="has no gradient"):
        visioncam.explain(model, X[0], method="attentiongradient", target=1, layer="inner/blocks/0")


def test_a_layer_of_another_grid_is_refused() -> None:
    class Sums(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.stem, self.inner = nn.Conv2d(3, 3, 1), transformer()

        def forward(self, x: Any) -> Any:
            return self.inner(self.stem(x))

    told = refused(Sums(), layer="stem")
    assert "attention here is between 13 tokens, and the layer has 24×32 positions" in told
    assert "choose a layer of 3×4 positions, such as layer='inner/" in told
