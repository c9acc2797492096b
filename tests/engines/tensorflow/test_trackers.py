"""MLflow and Weights & Biases, each read back from the disk; nothing is sent anywhere."""

from __future__ import annotations

import json
import re
import struct
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from PIL import Image

import visioncam
from visioncam.callbacks import ExplanationMonitor, to_mlflow, to_wandb
from visioncam_core.errors import BackendError, OptionError, OptionTypeError


@pytest.fixture(scope="module")
def model() -> keras.Model:
    keras.utils.set_random_seed(11)
    made = keras.Sequential(
        [
            keras.Input((12, 16, 3)),
            keras.layers.Conv2D(4, 3, activation="relu", name="conv"),
            keras.layers.Flatten(),
            keras.layers.Dense(2, activation="softmax"),
        ]
    )
    made.compile("adam", "sparse_categorical_crossentropy")
    return made


@pytest.fixture(scope="module")
def photo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("photos") / "my cat.png"
    Image.fromarray(np.random.default_rng(1).integers(0, 256, (12, 16, 3)).astype(np.uint8)).save(path)
    return path


@pytest.fixture
def explain(model: keras.Model, photo: Path) -> Callable[..., Any]:
    return partial(visioncam.compare, model, photo, ["gradcam", "hirescam"], preprocess="unit", target=1,
                   class_names=["no", "tiger cat, Felis"])  # fmt: skip


def fit(model: keras.Model, sink: Any) -> None:
    x = np.random.default_rng(3).random((8, 12, 16, 3)).astype(np.float32)
    monitor = ExplanationMonitor(x[:2], [0, 1], sinks=[sink], every=2)
    model.fit(x, np.arange(8) % 2, epochs=2, callbacks=[monitor], verbose=0)


@pytest.fixture
def mlflow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    module = pytest.importorskip("mlflow")
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")  # a database needs more than mlflow-skinny
    module.set_tracking_uri((tmp_path / "store").as_uri())
    yield module
    module.end_run()


def test_mlflow_gets_pictures_metrics_and_words(
    mlflow: Any, explain: Callable[..., Any], tmp_path: Path
) -> None:
    found = explain()
    page = tmp_path / "report.html"
    page.write_text("<p>a report</p>")
    with mlflow.start_run() as run:
        to_mlflow([found[0], found[0], found, page])
        to_mlflow(found[0], name="later", step=3)
    client = mlflow.MlflowClient()
    metrics = client.get_run(run.info.run_id).data.metrics
    key = "visioncam/my-cat_gradcam_tiger-cat-1"
    assert metrics[f"{key}/score"] == pytest.approx(found[0].score)
    assert metrics[f"{key}/probability"] == pytest.approx(found[0].target.probability)
    assert f"{key.replace('gradcam', 'hirescam')}/score" in metrics
    (later,) = client.get_metric_history(run.info.run_id, f"{key.replace('visioncam', 'later')}/score")
    assert later.step == 3
    files = Path(client.download_artifacts(run.info.run_id, ""))
    assert (files / "visioncam" / "report.html").read_text() == "<p>a report</p>"
    with Image.open(files / f"{key}.png") as drawn:
        np.testing.assert_array_equal(drawn, found[0].render())
        assert drawn.text["Class"] == "1"
    with Image.open(files / "visioncam" / "my-cat_comparison.png") as sheet:
        np.testing.assert_array_equal(sheet, found.sheet())
    assert (files / f"{key}-2.png").is_file()
    assert str(found[0]) in (files / f"{key}.txt").read_text()
    assert str(found[0]) in (files / "later" / "step_0003.txt").read_text()
    assert [path.name for path in (files / "images").glob("later~my-cat_gradcam_*+step+3+*.png")]


def test_mlflow_follows_a_training(mlflow: Any, model: keras.Model) -> None:
    with mlflow.start_run() as run:
        fit(model, to_mlflow)
    client = mlflow.MlflowClient()

    def steps(name: str) -> list[int]:
        return [one.step for one in client.get_metric_history(run.info.run_id, f"visioncam/{name}")]

    assert steps("picture_01/score") == [0, 2]
    assert steps("picture_01/overlap_first") == steps("overlap_previous") == [2]
    files = Path(client.download_artifacts(run.info.run_id, "images"))
    names = [re.sub(r"\+timestamp.*", "", path.name) for path in files.glob("*.png")]
    assert sorted(names) == [f"visioncam~picture_{i:02d}+step+{n}" for i in (0, 1) for n in (0, 2)]
    run_id = client.create_run("0").info.run_id  # one that is not active
    fit(model, partial(to_mlflow, run=run_id, name="by id"))
    assert "by id/picture_00/score" in client.get_run(run_id).data.metrics


@pytest.fixture
def wandb(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    module = pytest.importorskip("wandb")
    monkeypatch.setenv("WANDB_SILENT", "true")
    yield module
    if module.run is not None:
        module.finish()


def logged(run: Any) -> list[dict[str, Any]]:
    """Return what was logged, call by call, as it lies in the run's own file, a log of LevelDB."""
    import wandb
    from wandb.proto.wandb_internal_pb2 import Record

    wandb.teardown()  # what a run has finished may not be written yet
    (path,) = Path(run.dir).parent.glob("run-*.wandb")
    data, at, piece, rows = path.read_bytes(), 7, b"", []
    while at + 7 <= len(data):
        if 2**15 - at % 2**15 < 7:  # too short for a head: the rest of a block is empty
            at += 2**15 - at % 2**15
            continue
        length, kind = struct.unpack("<HB", data[at + 4 : at + 7])
        piece += data[at + 7 : at + 7 + length]
        at += 7 + length
        if kind in (1, 4):  # whole, or the last of several
            record, piece = Record.FromString(piece), b""
            if record.WhichOneof("record_type") == "history":
                items = record.history.item
                rows.append(
                    {one.key or ".".join(one.nested_key): json.loads(one.value_json) for one in items}
                )
    return rows


def test_wandb_gets_pictures_numbers_and_pages(
    wandb: Any, explain: Callable[..., Any], tmp_path: Path, photo: Path
) -> None:
    found = explain()
    page = tmp_path / "report.html"
    page.write_text("<p>a report</p>")
    run = wandb.init(mode="offline", dir=tmp_path)
    to_wandb(found)
    to_wandb([found[1], page, photo], name="later", step=3)
    to_wandb(found[0].save(tmp_path / "map.npz"))
    assert visioncam.load(Path(run.dir) / "map.npz").method == "gradcam"
    run.finish()
    first, second = logged(run)
    key = "visioncam/my-cat_gradcam_tiger-cat-1"
    assert first[f"{key}/score"] == pytest.approx(found[0].score)
    assert first["visioncam/my-cat_comparison.caption"] == str(found)
    key = "later/my-cat_hirescam_tiger-cat-1"
    assert second[f"{key}/probability"] == pytest.approx(found[1].target.probability)
    assert second["later/step"] == 3
    with Image.open(Path(run.dir) / second[f"{key}.path"]) as drawn:
        np.testing.assert_array_equal(drawn, found[1].render())
    assert (Path(run.dir) / second["later/report.path"]).read_text() == "<p>a report</p>"
    assert second["later/my cat._type"] == "image-file"


def test_wandb_follows_a_training(wandb: Any, model: keras.Model, tmp_path: Path) -> None:
    run = wandb.init(mode="offline", dir=tmp_path)
    run.log({"loss": 1.0}, step=50)  # others count in batches
    fit(model, to_wandb)
    run.finish()
    looks = logged(run)
    assert looks[0]["loss"] == 1.0  # the first look joins what others logged at their step
    assert [one["visioncam/step"] for one in looks] == [0, 2]
    assert looks[1]["visioncam/overlap_first"] <= 1
    assert {"visioncam/picture_01.path", "visioncam/picture_01/overlap_previous"} <= set(looks[1])


@pytest.mark.parametrize(("log", "start"), [(to_mlflow, "mlflow.start_run"), (to_wandb, "wandb.init")])
def test_what_cannot_be_logged_is_said(
    log: Any, start: str, model: keras.Model, explain: Callable[..., Any], request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    name = start.partition(".")[0]
    with monkeypatch.context() as patch:
        patch.setitem(sys.modules, name, None)
        with pytest.raises(BackendError, match=rf'pip install "visioncam\[{name}\]"'):
            log(explain())
    request.getfixturevalue(name)
    with pytest.raises(BackendError, match=re.escape(start)):
        log(explain())
    with pytest.raises(BackendError, match=r"no .* run is active"):  # before the first step, not a warning
        fit(model, log)
    with pytest.raises(OptionTypeError, match=r"run must be .* received 3"):
        log(explain(), run=3)
    run: Any = type("Run", (), {"run_id": "x", "log": print})()
    with pytest.raises(OptionTypeError, match=r"received \[1\]; log an explanation"):
        log([[1]], run=run)
    with pytest.raises(OptionError, match=r"no file 'gone\.html' to log"):
        log("gone.html", run=run)
    with pytest.raises(OptionTypeError, match="step must be a whole number, at least 0; received -1"):
        log(explain(), run=run, step=-1)


def test_a_function_is_a_sink(model: keras.Model) -> None:
    seen: list[int] = []
    fit(model, lambda look: seen.append(look.epoch))
    assert seen == [0, 2]
    with pytest.raises(OptionTypeError, match=r"a sink must be a function.*received 'mlflow'"):
        ExplanationMonitor(np.zeros((1, 12, 16, 3)), sinks=["mlflow"])
