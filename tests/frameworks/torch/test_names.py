"""Models named by text: libraries, functions, weights; without a network, as these tests run."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import visioncam
from visioncam_core.engine.model_card import card_of
from visioncam_core.engine.model_name import ModelName, is_function, scheme_of
from visioncam_core.errors import ModelError, ModelNotFoundError
from visioncam_core.pipeline.models import check_file, is_name, located, mark_of, open_model

torch = pytest.importorskip("torch")
timm = pytest.importorskip("timm")
torchvision = pytest.importorskip("torchvision")
transformers = pytest.importorskip("transformers")

pytestmark = pytest.mark.usefixtures("offline")
SMALL = "torchvision:squeezenet1_1?weights=none"


# what a text is


def test_names_and_paths_are_told_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = ("timm:resnet18", "torchvision:resnet18?weights=none", "hf:google/vit", "hf:./folder", "a.b:make")
    for text in names:
        assert is_name(text), text
        assert located(text) == text
    files = (
        "my.keras",
        "folder/my.pt2",
        "C:\\models\\my.keras",
        "./timm",
        "timm",
        "timm:",
        ":make",
        "a-b:make",
    )
    for text in files:
        assert not is_name(text), text
    monkeypatch.chdir(tmp_path)
    Path("mod:make").touch()
    assert not is_function("mod:make")  # a file of that name
    assert scheme_of(Path("timm:resnet18"), ["timm"]) == ""  # a path is a path
    assert located("demo") is None
    assert located("my.pt2") == str(tmp_path / "my.pt2")


def test_a_name_is_read_as_it_is_written() -> None:
    assert ModelName.of("timm:resnet18") == ModelName("timm", "resnet18")
    assert ModelName.of("hf:org/name?weights=NONE") == ModelName("hf", "org/name", "none")
    assert str(ModelName.of("torchvision:resnet50?weights=IMAGENET1K_V1")) == (
        "torchvision:resnet50?weights=IMAGENET1K_V1"
    )
    for text in ("timm:resnet18?size=3", "timm:resnet18?weights=", "timm:resnet18?weights"):
        with pytest.raises(ModelError, match=r"write timm:resnet18\?weights=none"):
            ModelName.of(text)


# libraries


@pytest.mark.parametrize(
    "name", ["timm:resnet10t?weights=none", SMALL, "timm:resnet10t.c3_in1k?weights=none"]
)
def test_networks_without_weights_are_the_same_each_time(name: str) -> None:
    check_file(name)
    state = torch.random.get_rng_state()
    one, two = open_model(name), open_model(name)
    assert torch.equal(torch.random.get_rng_state(), state)
    assert not one.training
    for first, second in zip(one.state_dict().values(), two.state_dict().values(), strict=True):
        assert torch.equal(first, second)
    assert mark_of(name) == mark_of(name, one) == mark_of(name, two)
    assert mark_of(name).startswith(f"{name} sha256 ")


def test_a_detector_without_weights_asks_for_none_of_its_parts() -> None:
    model = open_model("torchvision:lraspp_mobilenet_v3_large?weights=none")
    assert type(model).__name__ == "LRASPP"


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("timm:resnet81", "timm:resnet18"),
        ("timm:efficientnet-b0", "timm:efficientnet_b0"),
        ("torchvision:resnet81", "torchvision:resnet18"),
        ("torchvision:ResNet50", "torchvision:resnet50"),
    ],
)
def test_unknown_networks_suggest_near_ones(name: str, near: str) -> None:
    with pytest.raises(ModelNotFoundError, match=f"has no network.*{near}"):
        open_model(name)


def test_weights_that_cannot_be_had_are_named_with_the_way_out() -> None:
    with pytest.raises(ModelError) as error:
        open_model("timm:resnet18")
    for part in ("timm/resnet18.a1_in1k on huggingface.co", "timm:resnet18?weights=none", "--weights FILE"):
        assert part in str(error.value)
    with pytest.raises(
        ModelError, match=r"https://download\.pytorch\.org/models/resnet18-\w+\.pth.*weights=none"
    ):
        open_model("torchvision:resnet18")
    with pytest.raises(ModelError, match=r"nobody/nothing on huggingface\.co"):
        open_model("hf:nobody/nothing")
    with pytest.raises(ModelError, match="the configuration of nobody/nothing"):
        open_model("hf:nobody/nothing?weights=none")


def test_weights_that_there_are_not_are_refused_with_those_there_are() -> None:
    with pytest.raises(ModelError, match="no weights 'V7'; known: IMAGENET1K_V1, IMAGENET1K_V2, DEFAULT"):
        open_model("torchvision:resnet50?weights=V7")
    with pytest.raises(ModelError, match=r"named after a dot: timm:resnet18\.a1_in1k"):
        open_model("timm:resnet18?weights=a1_in1k")


def test_weights_in_torchvisions_cache_bring_preprocessing_and_class_names(
    tmp_path: Path, examples: Path
) -> None:
    weights = torchvision.models.SqueezeNet1_1_Weights.DEFAULT
    place = tmp_path / "torch" / "hub" / "checkpoints"
    place.mkdir(parents=True)
    torch.manual_seed(1)
    held = torchvision.models.squeezenet1_1().state_dict()
    name = weights.url.rpartition("/")[2]
    torch.save(held, place / name)
    model = open_model("torchvision:squeezenet1_1")
    assert torch.equal(model.state_dict()["features.0.weight"], held["features.0.weight"])
    found = visioncam.explain(model, examples / "chelsea.png", target="tiger cat")
    assert found.target.index == 282
    assert found.provenance["geometry"] == "resize_crop"
    assert "preprocess-unknown" not in [one.code for one in found.diagnostics]
    assert card_of(open_model(SMALL)) is None


def test_a_folder_of_transformers_is_opened_with_its_processor(tmp_path: Path, examples: Path) -> None:
    config = transformers.ViTConfig(
        hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16, image_size=32,
        patch_size=8, id2label={0: "cat", 1: "dog"},
    )  # fmt: skip
    folder = tmp_path / "vit"
    torch.manual_seed(7)
    model = transformers.ViTForImageClassification(config).eval()
    model.save_pretrained(folder)
    name = f"hf:{folder}"
    opened = open_model(name)
    assert mark_of(name, opened).partition(" sha256 ")[2] == mark_of(name, model).partition(" sha256 ")[2]
    assert card_of(opened) is None
    transformers.ViTImageProcessor(size={"height": 32, "width": 32}).save_pretrained(folder)
    found = visioncam.explain(open_model(name), examples / "chelsea.png", target="dog")
    assert found.provenance["geometry"] == "resize"
    assert "preprocess-unknown" not in [one.code for one in found.diagnostics]
    unlike = open_model(f"{name}?weights=none")
    assert mark_of(name, unlike) != mark_of(name, model)


def test_code_in_a_folder_of_transformers_does_not_run(tmp_path: Path) -> None:
    folder = tmp_path / "evil"
    folder.mkdir()
    (folder / "config.json").write_text(
        json.dumps(
            {
                "model_type": "evil",
                "auto_map": {"AutoConfig": "evil.Config", "AutoModelForImageClassification": "evil.Model"},
            }
        )
    )
    (folder / "evil.py").write_text(f"open({str(tmp_path / 'harmed')!r}, 'w')")
    with pytest.raises(ModelError):
        open_model(f"hf:{folder}")
    assert not (tmp_path / "harmed").exists()


# functions


def test_a_function_makes_the_model_and_a_file_its_weights(mine: Path, examples: Path) -> None:
    from safetensors.torch import save_file

    model = open_model("my_networks:make")
    assert type(open_model("my_networks:READY")) is type(model)
    changed = {key: value + 1 for key, value in model.state_dict().items()}
    save_file(changed, "w.safetensors")
    filled = open_model("my_networks:make", weights="w.safetensors")
    assert torch.equal(filled[0].bias, changed["0.bias"])
    assert mark_of("my_networks:make", weights="w.safetensors") != mark_of("my_networks:make")


def test_weights_of_ones_own_go_into_a_network_of_a_library(tmp_path: Path) -> None:
    model = timm.create_model("resnet10t")
    torch.save(model.state_dict(), tmp_path / "w.pth")
    filled = open_model("timm:resnet10t", weights=tmp_path / "w.pth")
    assert torch.equal(filled.fc.weight, model.fc.weight)
    from visioncam_core.results.provenance import source_digest

    assert open_model("timm:resnet10t", weights=tmp_path / "w.pth", sha256=source_digest(tmp_path / "w.pth"))
    with pytest.raises(ModelError, match="a different model"):
        open_model("timm:resnet10t", weights=tmp_path / "w.pth", sha256="0" * 64)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("my_networks:mak", r"has no 'mak'; did you mean 'make'\?"),
        ("my_networks:takes", r"takes arguments.*width"),
        ("my_networks:breaks", "raised RuntimeError: no such layer"),
        ("my_networks:nothing", "returned None"),
        ("my_network:make", "cannot be imported.*installed or in the current folder"),
        ("tim:resnet18", r"did you mean timm:resnet18\?"),
    ],
)
def test_functions_that_do_not_work_say_why(mine: Path, name: str, words: str) -> None:
    with pytest.raises(ModelError, match=words):
        open_model(name)


def test_weights_and_checksums_are_for_names(mine: Path) -> None:
    with pytest.raises(ModelError, match="the embedded model has its own"):
        open_model(None, weights="w.pth")
    with pytest.raises(ModelError, match=r"'my\.pt2' is a file that has its own"):
        open_model("my.pt2", weights="w.pth")
    with pytest.raises(ModelError, match="checksum of a file"):
        open_model("my_networks:make", sha256="0" * 64)
