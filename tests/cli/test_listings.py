"""`visioncam layers`, `methods`, `renderers`, `plugins`, and the flags that options become."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from helpers.cli import run
from helpers.cli_methods import failing, mean
from helpers.plugins import distribution, install

import visioncam
from visioncam_core.engine.layer_table import LayerRow, Layout
from visioncam_core.errors import PluginWarning
from visioncam_core.layers.listing import stage_ends
from visioncam_core.plugins.default import BUILTINS, registry, use_registry
from visioncam_core.plugins.registry import Registry

pytest_plugins = ("helpers.cli_files",)


def test_layers_marks_what_is_taken(files: Path) -> None:
    done = run("layers", files / "tiny.keras")
    assert (done.code, done.stderr) == (0, "")
    header, *rows = done.stdout.splitlines()
    assert header.split()[:3] == ["index", "path", "kind"]
    assert [row.split()[1] for row in rows if "←" in row] == ["features"]
    assert "pool" not in done.stdout
    everything = run("layers", files / "tiny.keras", "--all").stdout
    (pool,) = [row for row in everything.splitlines() if " pool " in row]
    assert "no spatial axes" in pool


def row(path: str, grid: tuple[int, ...], **fields: Any) -> LayerRow:
    known = {"kind": "Conv2D", "reaches_score": True} | fields
    return LayerRow(path=path, bare=path, shape=(*grid, 8), layout=Layout("grid", grid, 8),
                    stride=(), inputs=(0,), **known)  # fmt: skip


def test_layers_lists_the_last_layer_of_each_resolution(tmp_path: Path) -> None:
    rows = [
        *(row(name, (16, 16)) for name in ("stem", "b1_add", "b2_expand")),
        row("b2_squeeze", (1, 1)),
        row("pad", (9, 9), kind="ZeroPadding2D"),
        row("b2_conv", (8, 8)),
        row("aside", (4, 4), reaches_score=False),
        row("b2_add", (8, 8)),
    ]
    assert [one.path for one in stage_ends(rows)] == ["b1_add", "b2_add"]
    plain = [row("block1_conv", (16, 16)), row("block1_pool", (8, 8)), row("block2_conv", (8, 8))]
    assert [one.path for one in stage_ends(plain)] == ["block1_conv", "block2_conv"], "all of one block"
    assert stage_ends([]) == []
    import keras

    convs = [keras.layers.Conv2D(2, 1, name=name) for name in ("first", "second")]
    pool = keras.layers.GlobalAveragePooling2D()
    keras.Sequential([keras.Input((8, 8, 3)), *convs, pool]).save(tmp_path / "m.keras")
    *_, last, note = run("layers", tmp_path / "m.keras").stdout.splitlines()
    assert last.split()[:2] == ["1", "second"]
    assert note == "the last layer of each resolution, out of 2; --all lists every one"
    assert " first " in run("layers", tmp_path / "m.keras", "--all").stdout
    assert len(run("layers", tmp_path / "m.keras", "--json").data["layers"]) == 2, "data has every one"


def test_layers_as_data(files: Path) -> None:
    data = run("layers", files / "tiny.keras", "--json").data
    assert data["choice"]["path"] == "features"
    assert [row["path"] for row in data["layers"] if row["taken"]] == ["features"]
    (row,) = [row for row in data["layers"] if row["taken"]]
    assert (row["grid"], row["stride"], row["reaches_score"], row["refused"]) == ([8, 8], [2, 2], True, "")


def test_layers_of_a_model_without_space(files: Path) -> None:
    done = run("layers", files / "flat.keras", "--json")
    assert done.code == 0
    assert done.data["layers"] == []
    assert done.data["choice"] is None
    assert "no layer with spatial axes" in done.stderr


def test_methods_lists_all_with_their_options() -> None:
    done = run("methods")
    assert (done.code, done.stderr) == (0, "")
    for spec in visioncam.methods():
        assert f"{spec.name}  {spec.title}" in done.stdout
        assert f"    {spec.summary}" in done.stdout
        assert f"    {spec.reference}" in done.stdout
    assert "    sigma=0.15  noise level" in done.stdout


def test_methods_and_renderers_as_data() -> None:
    rows = {row["name"]: row for row in run("methods", "--json").data["methods"]}
    assert list(rows) == [spec.name for spec in visioncam.methods()]
    assert rows["hirescam"]["aliases"] == ["hriescam"]
    (weights,) = [one for one in rows["scorecam"]["options"] if one["name"] == "weights"]
    assert weights == {
        "name": "weights", "type": "one of 'softmax', 'probability'", "default": "softmax",
        "help": weights["help"], "unit": "", "choices": ["softmax", "probability"], "rule": weights["rule"],
    }  # fmt: skip
    rows = {row["name"]: row for row in run("renderers", "--json").data["renderers"]}
    assert {"heatmap", "overlay", "sheet"} <= set(rows)


def test_plugins_shows_what_failed(plugins: Any) -> None:
    plugins("good", methods=(mean,))
    with pytest.warns(PluginWarning, match="broken"):
        plugins("broken", methods=("no row",))  # type: ignore[arg-type]
    done = run("plugins")
    assert (done.code, done.stderr) == (0, "")
    rows = {line.split()[0]: line for line in done.stdout.splitlines() if line}
    assert "loaded" in rows["good"]
    assert "failed" in rows["broken"]
    assert "row: " in rows["broken"]
    data = {one["name"]: one for one in run("plugins", "--json").data["plugins"]}
    assert data["broken"]["status"] == "failed"
    assert data["broken"]["distribution"] == "broken-dist"
    assert data["visioncam_methods.plugin"]["builtin"] is True


def test_tracebacks_of_plugins_on_request(plugins: Any) -> None:
    class Odd:
        @property
        def visioncam_register_methods(self) -> None:
            raise RuntimeError("odd plugin")

    with pytest.warns(PluginWarning, match="odd plugin"):
        registry().add_plugin(Odd(), "odd")
    assert "Traceback" not in run("plugins").stdout
    done = run("plugins", "--traceback")
    assert "Traceback (most recent call last):" in done.stdout
    assert "RuntimeError: odd plugin" in done.stdout


def test_a_broken_plugin_is_one_line_and_the_rest_works(
    monkeypatch: pytest.MonkeyPatch, plugins: Any, files: Path
) -> None:
    install(monkeypatch, "raises")
    listed = run("plugins")  # its own words are better than the warning's
    assert (listed.code, listed.stderr) == (0, "")
    assert distribution("raises") in listed.stdout
    with use_registry(Registry(BUILTINS)):
        done = run("methods")
    assert done.code == 0
    assert "gradcam  Grad-CAM" in done.stdout
    (line,) = done.stderr.splitlines()
    assert line.startswith("visioncam: warning: plugin ")
    assert distribution("raises") in line


def test_options_are_flags(plugins: Any) -> None:
    plugins("mine", methods=(mean,))
    shown = run("explain", "--help").stdout
    text = " ".join(shown.split())
    assert "scorecam --channels --until" in text
    assert "or ScoreCAM's option" in text  # --weights is a file of weights besides
    assert "smoothgradcamplusplus --sigma" in text  # --n is of several
    assert "overlay --threshold --by-value" in text
    assert "meancam --sigma --only-mine --mode --bright --level" in text
    assert "several --colormap" in text
    assert "--anything" not in text
    assert text.count(" --layer L ") == text.count(" --colormap") == 1
    assert not [line for line in shown.splitlines() if line.startswith("  sheet ")]
    assert "sheet --columns" in " ".join(run("compare", "--help").stdout.split())


def test_one_row_of_a_listing_says_how_values_are_written(plugins: Any) -> None:
    plugins("mine", methods=(mean,))
    lines = run("methods", "Mean-CAM", "scorecam", "meancam").stdout.splitlines()
    assert [line.split()[0] for line in lines if not line.startswith(" ")] == ["meancam", "scorecam"]
    assert [line.split() for line in lines if "bright=no" in line] == [["bright=no", "a", "switch"]]
    assert [line for line in lines if "only_mine=" in line and "several numbers (FLOAT,…)" in line]
    assert [line for line in lines if "mode=none" in line and "(a or b or none)" in line]
    assert [line for line in lines if "weights=softmax" in line and "(softmax or probability)" in line]
    done = run("renderers", "overley")
    assert done.code == 2
    assert "did you mean 'overlay'" in done.message


def test_a_plugins_options_are_parsed(files: Path, here: Path, plugins: Any) -> None:
    plugins("mine", methods=(mean,))
    asked = ("explain", files / "cat.png", "--model", files / "tiny.keras", "--method", "Mean-CAM", "--json")
    flags = ("--sigma", "4", "--only-mine", "1,2.5", "--mode", "none", "--bright", "--option", "layer=1")
    done = run(*asked, *flags, "--level", "1")
    assert done.code == 0, done.stderr
    (result,) = done.data["results"]
    assert result["options"] == {
        "sigma": 4, "layer": 1, "only_mine": [1.0, 2.5], "mode": None, "bright": True, "level": 1.0,
        "anything": None,
    }  # fmt: skip
    assert (
        "integer" in run(*asked, "--sigma", "0.5").message or "int" in run(*asked, "--sigma", "0.5").message
    )


def test_a_failing_method_is_a_fault_of_its_maker(files: Path, here: Path, plugins: Any) -> None:
    plugins("bad", methods=(failing,))
    done = run("explain", files / "cat.png", "--model", files / "tiny.keras", "--method", "failingcam")
    assert done.code == 1
    assert "'failingcam' of bad-dist failed at stage 'run': ValueError: made to fail" in done.message
