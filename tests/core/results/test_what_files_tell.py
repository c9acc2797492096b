"""What files tell of where they come from: which model it was, and neither folders nor a user's name."""

from __future__ import annotations

import hashlib
import zipfile
from pathlib import Path

import numpy as np
import pytest
from helpers.batch import make_pictures, tiny_model
from helpers.cli import run
from PIL import Image

USER = "zebedee"
UNTOLD = (".jpg", ".webp", ".txt", ".csv", ".jsonl", ".mask.png")  # hold nothing but pictures, areas or rows


def insides(path: Path) -> bytes:
    """Return all that a file says, packed or not."""
    told = path.read_bytes()
    if path.suffix == ".npz":
        with zipfile.ZipFile(path) as archive:
            told += b"".join(archive.read(name) for name in archive.namelist())
    if path.suffix == ".png":
        with Image.open(path) as picture:
            told += repr(picture.info).encode()
    return told.replace(b"\0", b"")  # NumPy keeps text in four bytes a letter


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a user's home with pictures, a model, and the files of every command in `out`."""
    home = tmp_path_factory.mktemp("home") / USER
    pictures = make_pictures(home / "in", 2)
    tiny_model().save(home / "tiny.keras")
    (pictures / "bad.png").write_text("no picture")
    good, every = [pictures / "0000.png", pictures / "0001.png"], sorted(pictures.iterdir())
    names = home / "names.txt"
    names.write_text("=cat\ndog\n@bird\n")
    out = home / "out"
    methods = ["--methods", "gradcam"]
    measured = ["evaluate", pictures, *methods, "--metrics", "sparseness", "--batch-size", "8"]
    commands = [
        ["explain", *every, "--save-as", "png,jpg,webp,npz,json,csv,txt,mask.png", "-o", out / "explain"],
        ["compare", *good, *methods, "-o", out / "compare.png"],
        ["report", out / "report.html", *every, *methods],
        ["batch", pictures, "-o", out / "batch"],
        *([*measured, "-o", out / f"evaluation{suffix}"] for suffix in (".json", ".html")),
        *(["audit", pictures, "-o", out / f"audit{suffix}"] for suffix in (".json", ".csv")),
    ]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOME", str(home))
        patch.setenv("USER", USER)
        patch.setenv("LOGNAME", USER)
        for words in commands:
            done = run(*words, "--model", home / "tiny.keras", "--class-names", names)
            assert done.code == (0 if words[0] == "compare" else 3), done
    return home


def files(home: Path) -> list[Path]:
    """Return every file that was written."""
    return [path for path in sorted((home / "out").rglob("*")) if path.is_file()]


def test_no_file_tells_a_folder_or_the_users_name(home: Path) -> None:
    np.savez(home / "told.npz", about=np.array(f"of {USER}"))
    assert USER.encode() in insides(home / "told.npz"), "it would not be seen"
    found = files(home)
    assert len({path.suffix for path in found}) == 9
    for path in found:
        told = insides(path)
        assert USER.encode() not in told, path
        assert str(home.parent).encode() not in told, path


def test_every_file_that_can_tells_which_model_it_was(home: Path) -> None:
    digest = hashlib.sha256((home / "tiny.keras").read_bytes()).hexdigest().encode()
    for path in files(home):
        if not path.name.endswith(UNTOLD) and path.name != "evaluation.html":  # that one: of the weights
            assert digest in insides(path), path


def test_no_cell_of_a_table_is_a_formula(home: Path) -> None:
    cells = 0
    for path in files(home):
        if path.suffix == ".csv":
            words = [cell for line in path.read_text("utf-8").splitlines() for cell in line.split(",")]
            cells += sum(word in ("'=cat", "'@bird", "'=cat (0)", "'@bird (2)") for word in words)
            assert not [word for word in words if word.strip('"').startswith(("=", "+", "@", "\t"))], path
    assert cells > 2
