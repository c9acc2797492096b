"""File names that a run writes, and text made fit for a terminal."""

from __future__ import annotations

import doctest
import json
import os
import re
import unicodedata
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from visioncam.cli import phrasing
from visioncam.cli.phrasing import in_flags
from visioncam_core import files, text
from visioncam_core.errors import OutputError
from visioncam_core.files import OutputNames, check_folder, safe_stem
from visioncam_core.plain_data import plain
from visioncam_core.text import clean

ODD = [
    "../x.png", "-rf.png", ".hidden", "CON.png", "nul.tar.png", "a:b?.png", "x" * 255, "😀" * 60 + ".png",
    "end. .png", "new\nline.png", "\x1b[31mred.png", "\udcff.png", "...", "a\u202eb.png", "é.png",
    "e\u0301.png", "com¹.png",
]  # fmt: skip


@pytest.mark.parametrize("module", [files, text, phrasing], ids=lambda module: module.__name__)
def test_the_examples_in_the_docstrings(module: ModuleType) -> None:
    failed, tried = doctest.testmod(module)
    assert tried
    assert not failed


@pytest.mark.parametrize("source", ODD, ids=ascii)
def test_odd_names_become_one_safe_file_in_the_folder(source: str, tmp_path: Path) -> None:
    path = OutputNames(tmp_path, [source]).paths_for(source, "gradcam")[0]
    assert path.resolve().parent == tmp_path.resolve()
    assert len(os.fsencode(path.name)) <= 255
    assert path.name.isprintable()
    assert path.name[0] not in ".- "
    assert not set('<>:"/\\|?*') & set(path.name)
    assert unicodedata.is_normalized("NFC", path.name)
    assert path.stem.split("_")[0].lower() not in ("con", "nul")
    path.touch()
    assert [one.name for one in tmp_path.iterdir()] == [path.name]


def test_no_two_alike() -> None:
    sources = ["a.png", "A.png", "a.jpg", "sub/a.png", "a.png", "é.png", "e\u0301.png", "a:.png", "a?.png"]
    names = OutputNames(Path("out"), sources)
    written = [names.paths_for(source, "gradcam")[0].name for source in sources]
    assert written[0] == "a_gradcam.png"
    assert written[5] == "é_gradcam.png"
    assert len({name.casefold() for name in written}) == len(sources)


def test_names_do_not_depend_on_the_order_of_others() -> None:
    first, second = (OutputNames(Path("out"), []) for _ in range(2))
    for source in ("b.png", "c.png"):
        first.paths_for(source, "gradcam")
    assert first.paths_for("x/a?.png", "gradcam")[0] == second.paths_for("x/a?.png", "gradcam")[0]


def test_a_name_that_had_to_be_changed_is_marked() -> None:
    path = OutputNames(Path(), []).paths_for("a:b?.png", "gradcam")[0]
    assert re.fullmatch(r"a_b_-[0-9a-f]{8}_gradcam\.png", path.name)


def test_a_qualified_method_name_is_no_folder() -> None:
    assert OutputNames(Path(), []).paths_for("cat.png", "my-dist:cam/x")[0] == Path("cat_my-dist-cam-x.png")


def test_an_ordinary_name_stays() -> None:
    assert safe_stem("photos/Grüße an die Katze.jpg") == ("Grüße an die Katze", False)


def test_checking_a_folder_leaves_nothing(tmp_path: Path) -> None:
    check_folder(tmp_path / "new" / "deep")
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    with pytest.raises(OutputError, match="a broken link"):
        check_folder(tmp_path / "link")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\x00\x1b[1mb\x9b", "a[1mb"),
        ("one\r\ntwo\u2028three", "one two three"),
        ("\u202etxt.exe\u2066", "txt.exe"),
        ("\udcff", ""),
        ("Grüße 猫 👩\u200d🔬", "Grüße 猫 👩\u200d🔬"),
    ],
)
def test_clean(text: str, shown: str) -> None:
    assert clean(text) == shown


@pytest.mark.parametrize(
    ("message", "spoken"),
    [
        ("pass preprocess= so that", "pass --preprocess so that"),
        ("look at evidence='signed' or 'against'", "look at --evidence signed or 'against'"),
        ("the file 'layer=3.png' is odd", "the file 'layer=3.png' is odd"),
        ("option 'batch_size' of Settings must be", "--batch-size must be"),
        ("pass reshape= or f(layer=3)", "pass reshape= or f(layer=3)"),
        ("'a.gif': frame=3 does not exist", "'a.gif': --frame 3 does not exist"),
        (
            "over max_pixels=1,000; raise max_pixels (--max-pixels)",
            "over --max-pixels 1000; raise --max-pixels",
        ),
        ("see visioncam.layers(model)", "see `visioncam layers`"),
    ],
)
def test_messages_speak_of_flags(message: str, spoken: str) -> None:
    assert in_flags(message) == spoken


def test_plain_data_is_json() -> None:
    odd = {
        1: np.float32("nan"),
        "b": (np.int64(3), float("inf")),
        "c": frozenset({"z", "a"}),
        "d": np.eye(2),
        "e": Path,
    }
    assert plain(odd) == {"1": None, "b": [3, None], "c": ["a", "z"], "d": [[1, 0], [0, 1]], "e": str(Path)}
    json.dumps(plain(odd), allow_nan=False)


@pytest.mark.parametrize("name", ["a\0", "\ud800.png"])
def test_a_path_that_no_system_can_hold(name: str) -> None:
    for check in (check_folder, lambda path: files.check_file(path, [])):
        with pytest.raises(OutputError, match="null character or one that cannot be written"):
            check(Path(name))
