"""`visioncam diff`: a table, files, conditions and exit codes."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import keras
import numpy as np
import pytest
from helpers.cli import run
from PIL import Image

NAMES = ["red", "green", "a class with a name that is much too long for a table"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a model, two that differ from it by noise, nine pictures and class names."""
    root = tmp_path_factory.mktemp("diff")
    rng = np.random.default_rng(0)
    keras.utils.set_random_seed(2)
    layers = [
        keras.Input((24, 24, 3)),
        keras.layers.Rescaling(1 / 60, offset=-1),
        keras.layers.Conv2D(8, 3, padding="same", activation="relu"),
        keras.layers.GlobalAveragePooling2D(),
        keras.layers.Dense(3, activation="softmax"),
    ]
    model = keras.Sequential(layers)
    for name, noise in (("old", 0), ("second", 0.1), ("new", 0.2)):
        model.set_weights([w + rng.normal(0, noise, w.shape) for w in model.get_weights()])
        model.save(root / f"{name}.keras")
    (root / "photos").mkdir()
    for number in range(9):
        pixels = rng.normal(60, 20, (24, 24, 3))
        pixels[number : number + 6, 4:10, number % 3] += 150
        Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(root / "photos" / f"{number}.png")
    (root / "names.txt").write_text("\n".join(NAMES))
    return root


def asked(folder: Path, *more: object) -> tuple[object, ...]:
    return ("diff", folder / "old.keras", folder / "new.keras", folder / "photos", *more)


def test_a_table_files_and_a_scale(folder: Path, tmp_path: Path) -> None:
    page, table = tmp_path / "deep" / "page.html", tmp_path / "d.csv"
    words = ("--class-names", folder / "names.txt", "--second", folder / "second.keras")
    done = run(*asked(folder, *words), "--report", page, "-o", table, "--fail-if", "moved < 0.001")
    assert (done.code, done.stderr) == (0, "")
    assert "two runs of one training differ by" in done.stdout
    rows = [line for line in done.stdout.splitlines() if re.search(r"  +\d|^\d\.\d", line)]
    assert len(rows) > 10
    assert max(map(len, rows)) <= 100
    assert len(list(csv.DictReader(table.read_text().splitlines()))) == 9
    text = page.read_text("utf-8")
    assert "new model_sha256" in text
    assert str(tmp_path) not in text
    assert text.index("What changed</h2>") < text.index("The pictures that moved most</h2>")
    assert "Every map" not in text  # that is of reports with photos to switch


def test_conditions_end_with_3_and_are_told(folder: Path) -> None:
    failed = run(*asked(folder, "--fail-if", "moved > 0.001", "--fail-if", "correlation < -1", "--json"))
    assert failed.code == 3
    (held,) = failed.data["held"]
    assert held.startswith("moved is 0.")
    assert failed.data["pictures"][0]["source"].endswith(".png")
    assert failed.data["notes"][-1].endswith("matched by index, because names are missing")


def test_a_broken_picture_ends_with_3(folder: Path) -> None:
    broken = folder / "photos" / "broken.png"
    broken.write_text("no")
    done = run(*asked(folder))
    broken.unlink()
    assert done.code == 3
    assert done.stderr.startswith("visioncam: error: broken.png: ")
    assert "9 pictures" in done.stdout


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--fail-if", "moved"), "cannot be read; write moved or correlation or changed, one of < <= > >="),
        (("--fail-if", "iou > 1"), "unknown number 'iou'; known: 'moved', 'correlation', 'changed'"),
        (("-o", "x.txt"), "must end in .json or .csv; for a page use --report"),
        (("--report", "x.pdf"), "a report is an .html file"),
        (("--new-layer", "nothing"), "the new model: "),
        (("--second", "no.keras"), "'no.keras': no such model file"),
    ],
)
def test_bad_words_end_with_2(words: tuple[str, ...], told: str, folder: Path) -> None:
    done = run(*asked(folder, *words))
    assert done.code == 2
    assert told in done.message
