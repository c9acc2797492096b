"""Singular and plural mean the same in every function and every command."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers.cli import Ended, run

import visioncam
from visioncam_core.errors import LayerError, OptionTypeError
from visioncam_engines.keras.files.load import load_model

pytest_plugins = ("helpers.cli_files",)

QUICK: dict[str, Any] = {"metrics": ["complexity"], "seeds": 1, "cascade": 1}
PICTURES = np.random.default_rng(3).integers(0, 255, (2, 20, 30, 3), np.uint8)


@pytest.fixture(scope="module")
def model(files: Path) -> Any:
    return load_model(files / "tiny.keras")


def compare(model: Any, **keywords: Any) -> list[tuple[Any, ...]]:
    found = visioncam.compare(model, [*PICTURES], **keywords)
    assert isinstance(found, list)
    return [(one.method, one.target.index, one.layer.path) for row in found for one in row.explanations]


def evaluate(model: Any, **keywords: Any) -> list[tuple[Any, ...]]:
    found = visioncam.evaluate(model, [*PICTURES], **QUICK, **keywords)
    return [
        (one.name, found.layers[0].labels, at.layer)
        for at in found.layers
        for one in at.subjects
        if one.kind == "method"
    ]


def report(model: Any, **keywords: Any) -> list[tuple[Any, ...]]:
    page = visioncam.report(model, [*PICTURES], Path("x.html"), **keywords).read_text("utf-8")
    names = [spec.name for spec in visioncam.methods()]
    return [(name, page.count(f'data-method="{name}"'), page.count("data-view")) for name in names]


SEVERAL: dict[str, Callable[..., Any]] = {"compare": compare, "evaluate": evaluate, "report": report}
"""Functions that take the plural."""
SINGLE: dict[str, Callable[..., Any]] = {
    "explain": lambda model, **keywords: visioncam.explain(model, PICTURES[0], **keywords),
    "explainer": visioncam.explainer,
    "doctor": lambda model, **keywords: visioncam.doctor(model, PICTURES[0], **keywords),
    "audit": lambda model, **keywords: visioncam.audit(model, [*PICTURES], **keywords),
    "layers": lambda model, **keywords: visioncam.layers(model, **keywords),
    "explain_dataset": lambda model, **keywords: visioncam.explain_dataset(
        model, [*PICTURES], "maps", **keywords
    ),
}
"""Functions of one method."""


@pytest.mark.parametrize("name", SEVERAL)
def test_the_singular_is_a_list_of_one(name: str, model: Any, here: Path) -> None:
    function = SEVERAL[name]
    assert function(model, method="hirescam") == function(model, methods=["hirescam"])
    assert function(model, method="gradcam", layer="features") == function(
        model, methods=["gradcam"], layers=["features"]
    )
    if name != "evaluate":
        one = function(model, method="gradcam", target=1)
        assert one == function(model, methods=["gradcam"], targets=[1])


@pytest.mark.parametrize("name", SEVERAL)
@pytest.mark.parametrize(
    "keywords",
    [
        {"method": "gradcam", "methods": ["hirescam"]},
        {"method": "gradcam", "methods": "all"},
        {"layer": "features", "layers": ["rescaling"]},
        {"target": 0, "targets": [1]},
    ],
    ids=lambda keywords: next(iter(keywords)),
)
def test_both_at_once_are_an_error(name: str, keywords: dict[str, Any], model: Any, here: Path) -> None:
    one, several = keywords
    if name == "evaluate" and one == "target":
        message = "targets names several side by side"
    else:
        message = f"{one} and {several} were both given; put every {one} into {several}"
    with pytest.raises(OptionTypeError, match=message):
        SEVERAL[name](model, **{"method": None, **keywords})
    assert list(here.iterdir()) == []


def test_recommend_takes_what_evaluate_takes(model: Any) -> None:
    one = visioncam.recommend(model, [*PICTURES], method="gradcam", seeds=1, cascade=1)
    several = visioncam.recommend(model, [*PICTURES], methods=["gradcam"], seeds=1, cascade=1)
    assert (one.method, one.layer, one.sure) == (several.method, several.layer, several.sure)
    with pytest.raises(OptionTypeError, match="method and methods were both given"):
        visioncam.recommend(model, [*PICTURES], ["gradcam"], method="gradcam")


@pytest.mark.parametrize("plural", ["methods", "targets", "layers"])
@pytest.mark.parametrize("name", SINGLE)
def test_where_there_is_room_for_one_the_plural_says_so(
    name: str, plural: str, model: Any, here: Path
) -> None:
    with pytest.raises(OptionTypeError, match=f"{plural} names several .* pass {plural[:-1]}=, or"):
        SINGLE[name](model, **{plural: ["gradcam"]})
    assert list(here.iterdir()) == []


def test_one_key_fuses_and_the_other_puts_side_by_side(model: Any) -> None:
    two = ["rescaling", "features"]
    fused, apart = compare(model, method="gradcam", layer=two), compare(model, method="gradcam", layers=two)
    assert [layer for _, _, layer in apart] == two * 2
    assert len(fused) == 2
    assert [layer for _, _, layer in evaluate(model, method="gradcam", layers=two)] == two
    with pytest.raises(LayerError, match=r"pass several as layers=\[\.\.\.\] to measure each"):
        evaluate(model, method="gradcam", layer=two)
    with pytest.raises(OptionTypeError, match="layers takes a list with at least one entry"):
        evaluate(model, method="gradcam", layers="features")


def test_the_order_of_arguments(model: Any, here: Path) -> None:
    with pytest.raises(OptionTypeError, match=r"report\(model, images, path, \.\.\.\)"):
        visioncam.report("x.html", model, PICTURES[0])  # type: ignore[arg-type]


# ---- commands


def on_cat(command: str, files: Path, *words: object) -> Ended:
    source: tuple[object, ...] = (files / "cat.png",)
    if command in ("evaluate", "audit", "batch"):
        source = (files / "cat*.png",)
    if command == "report":
        source = ("x.html", *source)
    if command == "evaluate":
        words = (*words, "--metrics", "complexity", "--seeds", "1", "--cascade", "1")
    if command == "batch":
        words = (*words, "-o", "maps")
    return run(command, *source, "--model", files / "tiny.keras", *words, "--json")


def rows(done: Ended) -> Any:
    assert done.code == 0, done.stderr
    data = done.data
    if "pictures" in data and "results" in data:
        return [(one["layer"], one["method"]) for one in data["results"]], data["explained"]
    if "results" in data:
        return [(one["method"], one["target"]["index"], one["layer"]) for one in data["results"]]
    return Path("x.html").read_text("utf-8").split("SHA-256")[0].count("data-method"), data["methods"]


@pytest.mark.parametrize("command", ["compare", "evaluate", "report"])
def test_the_flag_in_the_singular_is_a_list_of_one(command: str, files: Path, here: Path) -> None:
    one = on_cat(command, files, "--method", "hirescam", "--layer", "features")
    assert rows(one) == rows(on_cat(command, files, "--methods", "hirescam", "--layers", "features"))
    if command != "evaluate":
        one = on_cat(command, files, "--method", "gradcam", "--target", "1")
        assert rows(one) == rows(on_cat(command, files, "--method", "gradcam", "--targets", "1"))


def test_flags_fuse_or_put_side_by_side(files: Path, here: Path) -> None:
    fused = on_cat("compare", files, "--method", "gradcam", "--layer", "rescaling", "--layer", "features")
    (one,) = fused.data["results"]
    assert "the mean of 2 layers: rescaling, features" in one["layer"]["why"]
    apart = on_cat("compare", files, "--method", "gradcam", "--layers", "rescaling,features")
    assert [one["layer"]["path"] for one in apart.data["results"]] == ["rescaling", "features"]
    measured = on_cat("evaluate", files, "--method", "gradcam", "--layers", "rescaling,features")
    assert list(measured.data["explained"]) == ["rescaling", "features"]
    stack = on_cat("compare", files, "--method", "gradcam", "--targets", "top2")
    assert len({one["target"]["index"] for one in stack.data["results"]}) == 2


@pytest.mark.parametrize("command", ["explain", "doctor", "audit", "compare", "evaluate"])
def test_class_is_another_name_of_target(command: str, files: Path, here: Path) -> None:
    def targets(flag: str) -> Any:
        data = on_cat(command, files, flag, "1").data
        if command == "audit":
            return [one["explained"] for one in data["pictures"]]
        rows = data.get("results") or [data["result"]]
        return data.get("explained") or [one["target"] for one in rows]

    assert targets("--target") == targets("--class") != targets("--seed")


@pytest.mark.parametrize(
    ("command", "words", "message"),
    [
        (
            "compare",
            ("--method", "gradcam", "--methods", "hirescam"),
            "--method and --methods were both given",
        ),
        ("report", ("--target", "1", "--targets", "0,1"), "--target and --targets were both given"),
        (
            "evaluate",
            ("--layer", "features", "--layers", "rescaling"),
            "--layer and --layers were both given",
        ),
        ("compare", ("--layers", ","), "--layers names no layer"),
        # what was written so before
        ("compare", ("--class", "0", "--class", "1"), "use --targets 0,1"),
        ("report", ("--class", "0", "--class", "1"), "use --targets 0,1"),
        ("explain", ("--class", "0", "--class", "1"), "use `visioncam compare` with --targets 0,1"),
        ("report", ("--class", "top2"), "use --targets top2"),
        ("compare", ("--layer", "a", "--layer", "b", "--each-layer"), "now written --layers A,B"),
        ("evaluate", ("--layer", "a", "--layer", "b"), "write --layers a,b"),
    ],
)
def test_what_cannot_be_meant_names_the_flag_that_can(
    command: str, words: tuple[str, ...], message: str, files: Path, here: Path
) -> None:
    done = on_cat(command, files, *words)
    assert done.code == 2
    assert message in done.message
    assert list(here.iterdir()) == []


@pytest.mark.parametrize("command", ["explain", "doctor", "audit", "batch"])
@pytest.mark.parametrize("plural", ["--methods", "--targets", "--layers"])
def test_a_command_of_one_method_has_no_plural(command: str, plural: str, files: Path, here: Path) -> None:
    done = on_cat(command, files, plural, "a,b")
    assert done.code == 2
    assert plural in done.message
    assert plural.removesuffix("s") in done.message.replace(plural, "")
