"""The layer table of PyTorch models, and which layer `auto` takes of it."""

from __future__ import annotations

import gc
import weakref
from typing import Any

import pytest
import timm
import torch
import torchvision
import transformers
from helpers.torch_steps import view_of
from torch import nn

from visioncam_core.engine.layer_table import LayerChoice
from visioncam_core.errors import LayerError
from visioncam_core.layers.auto import visioncam_select_layer as auto
from visioncam_core.layers.queries import visioncam_select_layer as select


def livelier(model: Any) -> Any:
    """Return a model of which no weight is 0, as trained ones are."""
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for weight in model.parameters():
            if float(weight.abs().max()) < 1e-3:
                weight.normal_(0, 0.1, generator=generator)
    return model.eval()


def of_torchvision(name: str, **options: Any) -> Any:
    return getattr(torchvision.models, name)(weights=None, **options)


def of_timm(name: str, **options: Any) -> Any:
    return timm.create_model(name, pretrained=False, num_classes=5, **options)


def hugging_face_vit() -> Any:
    options = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64}
    return transformers.ViTForImageClassification(
        transformers.ViTConfig(**options, image_size=64, patch_size=16, num_labels=3)
    )


def hugging_face_swin() -> Any:
    options = {"embed_dim": 16, "depths": [1, 2], "num_heads": [2, 2], "window_size": 4}
    return transformers.SwinForImageClassification(
        transformers.SwinConfig(**options, image_size=64, patch_size=4, num_labels=3)
    )


SMALL = {"img_size": 64, "depth": 2}
CHOSEN = {
    "ResNet18": (lambda: of_torchvision("resnet18"), "layer4/1", (2, 2), 512),
    "VGG11": (lambda: of_torchvision("vgg11"), "features/19", (4, 4), 512),
    "DenseNet121": (lambda: of_torchvision("densenet121"), "features/norm5", (2, 2), 1024),
    "EfficientNet-B0": (lambda: of_torchvision("efficientnet_b0"), "features/8/2", (2, 2), 1280),
    "GoogLeNet": (lambda: of_torchvision("googlenet", init_weights=False), "inception5b", (2, 2), 1024),
    "ConvNeXt": (lambda: of_torchvision("convnext_tiny"), "features/7/2", (2, 2), 768),
    "Swin": (lambda: of_torchvision("swin_t"), "norm", (2, 2), 768),
    "ViT": (
        lambda: torchvision.models.VisionTransformer(64, 16, 2, 2, 32, 64),
        "encoder/layers/encoder_layer_1/ln_1",
        (4, 4),
        32,
    ),
    "FCN": (
        lambda: torchvision.models.segmentation.fcn_resnet50(weights=None, weights_backbone=None),
        "classifier/4",
        (8, 8),
        21,
    ),
    "timm's ViT": (lambda: of_timm("vit_tiny_patch16_224", **SMALL), "blocks/1/norm1", (4, 4), 192),
    "timm's DeiT": (
        lambda: of_timm("deit_tiny_distilled_patch16_224", **SMALL),
        "blocks/1/norm1",
        (4, 4),
        192,
    ),
    "timm's CaiT": (
        lambda: of_timm("cait_xxs24_224", **SMALL),
        "blocks_token_only/1/norm1",
        (4, 4),
        192,
    ),
    "timm's CoaT": (
        lambda: of_timm("coat_lite_tiny", img_size=64),
        "serial_blocks4/1/norm1",
        (2, 2),
        320,
    ),
    "timm's Mixer": (lambda: of_timm("mixer_s32_224", img_size=64), "norm", (2, 2), 512),
    "timm's CoAtNet": (lambda: of_timm("coatnet_0_rw_224", img_size=64), "norm", (2, 2), 768),
    "timm's MaxViT": (lambda: of_timm("maxvit_rmlp_pico_rw_256", img_size=64), "norm", (2, 2), 256),
    "timm's PVT": (lambda: of_timm("pvt_v2_b0"), "stages/3", (2, 2), 256),
    "transformers' ViT": (hugging_face_vit, "vit/layers/1/layernorm_before", (4, 4), 32),
    "transformers' Swin": (hugging_face_swin, "swin/layernorm", (8, 8), 32),
}


@pytest.mark.parametrize("name", sorted(CHOSEN))
def test_auto_takes_the_last_features_with_positions(name: str) -> None:
    build, path, grid, channels = CHOSEN[name]
    torch.manual_seed(0)
    model = livelier(build())
    table = view_of(model, torch.rand(1, 3, 64, 64)).table
    choice = auto(table=table, query="auto")
    assert choice.path == path
    assert choice.grid == grid
    assert choice.row.layout is not None
    assert choice.row.layout.channels == channels
    assert not choice.row.guessed


class Block(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv, self.act, self.drop = nn.Conv2d(4, 4, 3, padding=1), nn.ReLU(inplace=True), nn.Dropout(0.5)

    def forward(self, x: Any) -> Any:
        return self.drop(self.act(self.conv(x)))


class Network(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 4, 3, 2, 1), nn.ReLU())
        self.block = Block()
        self.twice = nn.Conv2d(4, 4, 1)
        self.unused, self.beside = nn.Conv2d(3, 4, 1), nn.Conv2d(3, 4, 1)
        self.head = nn.Linear(4, 3)

    def forward(self, x: Any) -> Any:
        self.beside(x)
        return self.head(self.twice(self.twice(self.block(self.stem(x)))).mean((2, 3)))


@pytest.fixture(scope="module")
def network() -> Any:
    return Network().eval()


@pytest.fixture(scope="module")
def table(network: Any) -> Any:
    return view_of(network, torch.rand(1, 3, 16, 16)).table


def test_a_sequence_stands_for_its_last_module_and_a_block_for_itself(table: Any) -> None:
    copies = {row.path: row.copy_of for row in table.rows}
    assert copies["stem"] == "stem/1"
    assert copies["stem/1"] == ""
    assert copies["block"] == ""
    assert copies["block/act"] == "block"
    assert copies["block/drop"] == "block/act"
    assert copies["block/conv"] == ""  # the activation is written over it, and yet another value


def test_a_module_that_is_called_twice_has_two_rows(table: Any) -> None:
    assert [row.path for row in table.rows if row.bare == "twice"] == ["twice#0", "twice#1"]
    with pytest.raises(LayerError, match="stands for 2 outputs: 'twice#0'"):
        select(table=table, query="twice")


def test_layers_are_asked_for_by_module_index_pattern_and_path(network: Any, table: Any) -> None:
    wanted = {"block/conv": network.block.conv, "stem/0": network.stem[0], "block": network.block}
    for path, module in wanted.items():
        choice = select(table=table, query=module)
        assert isinstance(choice, LayerChoice)
        assert choice.path == path
    assert select(table=table, query=-1).path == "twice#1"
    assert select(table=table, query="re:conv").path == "block/conv"


def test_what_cannot_be_explained_says_why(network: Any, table: Any) -> None:
    with pytest.raises(LayerError, match="does not depend on layer 'beside'"):
        select(table=table, query="beside")
    with pytest.raises(LayerError, match="'unused' is not called"):
        select(table=table, query=network.unused)
    with pytest.raises(LayerError, match="is not part of the model"):
        select(table=table, query=nn.Conv2d(4, 4, 1))
    with pytest.raises(LayerError, match="no spatial axes of the picture"):
        select(table=table, query="head")


def test_a_folded_batch_is_refused_and_rolled_windows_are_followed() -> None:
    model = livelier(of_timm("swin_tiny_patch4_window7_224", img_size=64, window_size=4))
    table = view_of(model, torch.rand(1, 3, 64, 64)).table
    rows = {row.path: row for row in table.rows}
    assert "windows or heads were folded" in rows["layers/0/blocks/1/attn/qkv"].refused
    assert rows["layers/0/blocks/1"].grid == (16, 16)
    assert not any(row.guessed for row in table.rows)


def test_queries_keys_and_values_are_marked_and_may_be_asked_for() -> None:
    model = livelier(of_timm("vit_tiny_patch16_224", **SMALL))
    table = view_of(model, torch.rand(1, 3, 64, 64)).table
    feeding = {row.path for row in table.rows if row.feeds}
    assert feeding == {"blocks/0/attn/qkv", "blocks/1/attn/qkv"}
    assert select(table=table, query="blocks/1/attn/qkv").row.layout.prefix == 1


def test_a_table_does_not_keep_the_model_alive() -> None:
    model = Network().eval()
    table = view_of(model, torch.rand(1, 3, 16, 16)).table
    alive = weakref.ref(model)
    auto(table=table, query="auto")
    del model
    gc.collect()
    assert alive() is None
    assert table.units() == {}


def test_a_model_that_is_run_as_it_is_has_a_table_too() -> None:
    """Its Python reads values: the tape is only read, and questions are answered by calling the model."""

    class Reads(Network):
        def forward(self, x: Any) -> Any:
            return super().forward(x if float(x.mean()) > -9 else -x).softmax(-1)

    torch.manual_seed(0)
    view = view_of(Reads().eval(), torch.rand(1, 3, 16, 16))
    assert view.exact
    assert auto(table=view.table, query="auto").path == "twice#1"
    assert view.score.activation == "softmax"


@pytest.mark.filterwarnings("ignore:.*is_gradient_checkpointing:FutureWarning")
@pytest.mark.parametrize("name", ["hugging face", "timm"])
def test_adapters_beside_queries_and_values_leave_the_choice_as_it_was(name: str) -> None:
    peft = pytest.importorskip("peft")
    model = hugging_face_vit() if name == "hugging face" else of_timm("vit_tiny_patch16_224", **SMALL)
    targets = ["q_proj", "v_proj"] if name == "hugging face" else ["qkv"]
    plain = auto(table=view_of(livelier(model), torch.rand(1, 3, 64, 64)).table, query="auto")
    adapted = livelier(peft.get_peft_model(model, peft.LoraConfig(r=2, target_modules=targets)))
    table = view_of(adapted, torch.rand(1, 3, 64, 64)).table
    assert auto(table=table, query="auto").row.path == f"base_model/model/{plain.row.path}"
    assert [row.path for row in table.rows if "/lora_A/" in row.path and not row.feeds] == []


def test_a_loss_beside_the_predictions_is_not_what_is_explained() -> None:
    class Trained(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv, self.head = nn.Conv2d(3, 6, 3), nn.Linear(6, 3)

        def forward(self, x: Any) -> dict[str, Any]:
            found = self.head(self.conv(x).relu().mean((2, 3)))
            return {"loss": found.square().mean(), "found": found}

    assert view_of(Trained(), torch.rand(1, 3, 16, 16)).score.output == "found"
