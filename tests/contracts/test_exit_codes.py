"""Exit codes, and how the line on standard error begins: what scripts rely on.

0 done, 1 a fault of ours or of a plugin, 2 bad input, 3 some pictures failed, 4 stopped, 130 interrupted.
"""

from __future__ import annotations

import json
import shlex
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

ONE = "explain pictures/one.png --model model.keras"
SHEET = "compare pictures/one.png --model model.keras"
FOLDER = "good --model model.keras"
METHODS = (
    "gradcam", "gradcamplusplus", "gradcamelementwise", "hirescam", "respondcam", "scorecam",
    "smoothgradcamplusplus", "xgradcam", "ablationcam",
)  # fmt: skip

WORKS = (
    "--version",
    "--help",
    "layers model.keras",
    "layers model.keras --json",
    "inspect model.keras",
    "inspect model.keras --json",
    "methods",
    "methods Grad-CAM++",
    "renderers",
    "renderers overlay --json",
    "metrics",
    "metrics deletion",
    "plugins",
    "plugins --json",
    f"{ONE} -o out",
    f"{ONE} -o out --json --class top2 --method Grad-CAM++ --alpha 0.5",
    f"{SHEET} --methods gradcam,hirescam -o page.png",
    "doctor model.keras pictures/one.png",
    f"batch {FOLDER} -o maps",
    "verify finished",
    f"evaluate {FOLDER} --methods gradcam --metrics sparseness",
    f"audit {FOLDER}",
    "diff model.keras model.keras good --fail-if 'moved > 0'",
    "report page.html pictures/one.png --model model.keras --methods gradcam",
    "new-plugin my-cam",
)
BROKEN = (
    "'pictures/broken.png': is not an image (it begins with b'this is no p'); pass a picture in one of PNG"
)
FAILS = {
    # the command line
    "explian": (2, "there is no command 'explian'; did you mean 'explain' or 'new-plugin'?"),
    "model.keras": (2, "there is no command 'model.keras'; did you mean `visioncam explain model.keras`?"),
    "explain": (2, "Missing argument 'IMAGE...'; see `visioncam explain --help`"),
    "batch pictures": (2, "Missing option '-o' / '--out'; see `visioncam batch --help`"),
    "inspect": (2, "Missing argument 'MODEL'; see `visioncam inspect --help`"),
    f"{ONE} --metod gradcam": (2, "No such option '--metod'. (Did you mean one of: '--method'"),
    "app --port 99999999": (2, "Invalid value for '--port': 99999999 is not in the range 0<=x<=65535"),
    # the picture
    "explain no.png --model model.keras": (2, "'no.png': no such file; check the path and the working"),
    "explain pictures --model model.keras": (2, "'pictures': is a folder; pass a file in it, or run over"),
    "explain half.png --model model.keras": (2, "'half.png': truncated or damaged PNG"),
    "explain pictures/broken.png --model model.keras": (2, BROKEN),
    "explain https://example.org/x.png": (2, "'https://example.org/x.png': URLs are not fetched"),
    "explain pictures/one.png pictures/broken.png --model model.keras -o out": (3, BROKEN),
    "doctor model.keras no.png": (2, "'no.png': no such file; check the path"),
    # the model
    "layers no.keras": (2, "'no.keras': no such model file; check the path"),
    "layers half.keras": (2, "'half.keras': is truncated or damaged (the zip archive in it is incomplete)"),
    "layers empty.keras": (2, "'empty.keras': is empty (0 bytes); download or save the model again"),
    "layers text.keras": (2, "'text.keras': is not a Keras model file (it begins with b'no model')"),
    "layers pictures": (2, "'pictures': is a folder; pass a .keras or .h5 file"),
    "inspect half.keras": (2, "'half.keras': is truncated or damaged (the zip archive in it is incomplete)"),
    "explain pictures/one.png --model no.keras": (2, "'no.keras': no such model file; check the path"),
    # names
    f"{ONE} --method gradcan": (2, "unknown method 'gradcan'; did you mean 'gradcam' or 'xgradcam'"),
    "methods gradcan": (2, "unknown method 'gradcan'; did you mean 'gradcam' or 'xgradcam'"),
    f"{SHEET} --methods gradcam,hirecam -o page.png": (2, "unknown method 'hirecam'; did you mean 'hires"),
    f"{ONE} --renderer overlai": (2, "unknown renderer 'overlai'; did you mean 'overlay'? known: 'overlay'"),
    "renderers overlai": (2, "unknown renderer 'overlai'; did you mean 'overlay'?"),
    "metrics delition": (2, "unknown metric 'delition'; did you mean 'deletion'? known: 'deletion'"),
    f"evaluate {FOLDER} --metrics delition": (2, "unknown metric 'delition'; did you mean 'deletion'?"),
    f"{ONE} --layer lat": (2, "the model has no layer 'lat'; did you mean 'late'? `visioncam layers`"),
    f"{ONE} --layer pool": (2, "layer 'pool' cannot be explained: it has no spatial axes of the picture"),
    f"{ONE} --layer 99": (2, "layer index 99 is out of range: the model has 3 candidate layers, -3 to 2"),
    f"{ONE} --class 7": (2, "class index 7 is out of range: the model has 3 classes, 0 to 2"),
    f"{ONE} --class fir": (2, "class 'fir' was given by name, but this model's class names are"),
    f"{ONE} --class top9": (2, "--target top9 is out of range: a stack holds the best 1 to 5 classes"),
    f"{ONE} --output other": (2, "the model has no output 'other'; its outputs are 'probs'"),
    # values
    f"{ONE} --alpha 1.5": (2, "option 'alpha' of Overlay must be between 0 and 1, received 1.5"),
    f"{ONE} --alpha much": (2, "option 'alpha' of Overlay must be float, received 'much'"),
    f"{ONE} --method scorecam --weights loud": (2, "option 'weights' of ScoreCAM must be one of 'softmax'"),
    f"{ONE} --option weights=softmax": (2, "method 'gradcam' has no option 'weights'; it takes none"),
    f"{ONE} --option weights": (2, "--option takes name=value, received 'weights'"),
    f"{ONE} --sigma 1": (2, "--sigma does not apply to method 'gradcam'; it is an option of method "
                            "'smoothgradcam"),
    f"{ONE} --seed x": (2, "Invalid value for '--seed': 'x' is not a valid integer"),
    f"{ONE} --seed -1": (2, "--seed must be between 0 and 4294967295, received -1"),
    f"{ONE} --batch-size 0": (2, "--batch-size must be between 1 and 65536, received 0"),
    f"{ONE} --geometry squash": (2, "Invalid value for '--geometry': 'squash' is not one of 'resize'"),
    f"{ONE} --preprocess tff": (2, "Invalid value for '--preprocess': 'tff' is not one of 'auto', 'none'"),
    f"{ONE} --class-names no.txt": (2, "class_names file 'no.txt' does not exist"),
    # what is written
    f"{ONE} -o model.keras": (2, "cannot write into 'model.keras': it is a file; choose another folder"),
    f"{SHEET} -o page.gif": (2, "cannot write a picture named 'page.gif' ('.gif'); end it with .png, .jpg"),
    f"{SHEET} -o pictures/one.png": (2, "'pictures/one.png' is an input of this run and would be "
                                        "overwritten"),
    # many pictures
    "batch pictures --model model.keras -o maps": (3, f"broken.png: {BROKEN}"),
    "batch pictures --model model.keras -o maps --max-errors 0": (4, f"broken.png: {BROKEN}"),
    "batch no --model model.keras -o maps": (2, "'no' does not exist; name a folder, a pattern in quotes"),
    "batch nothing --model model.keras -o maps": (2, "there is no picture in 'nothing'; --recursive"),
    "verify nothing": (2, "'nothing' does not say where its pictures are; name them: visioncam"),
    f"evaluate {FOLDER} --methods gradcam --metrics sparseness --fail-if 'sparseness >= 0'": (3, ""),
    # plugins
    f"{ONE} --plugin-file no.py": (2, "there is no plugin file 'no.py'"),
    f"{ONE} --plugin-file broken_plugin.py": (1, "plugin file '"),
    "new-plugin 3": (2, "a plugin's name has letters, digits and single dashes, and begins with a letter"),
    "new-plugin pictures": (2, "'pictures' exists and is not an empty folder; name another one"),
    "new-plugin x --kind colour": (2, "Invalid value for '--kind': 'colour' is not one of 'method'"),
}  # fmt: skip


@pytest.fixture
def here(saved: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the current folder: a model and pictures, whole and damaged."""
    folder = Path(shutil.copytree(saved, tmp_path / "here"))
    monkeypatch.chdir(folder)
    model, picture = Path("model.keras").read_bytes(), Path("pictures/one.png").read_bytes()
    Path("half.keras").write_bytes(model[: len(model) // 3])
    Path("empty.keras").touch()
    Path("text.keras").write_text("no model")
    Path("half.png").write_bytes(picture[: len(picture) // 2])
    Path("broken_plugin.py").write_text("raise RuntimeError('on purpose')\n")
    Path("nothing").mkdir()
    shutil.copytree("pictures", "good", ignore=shutil.ignore_patterns("broken.png"))
    return folder


@pytest.mark.parametrize("line", WORKS)
def test_what_works_ends_with_0(line: str, here: Path, visioncam_command: Callable[..., Any]) -> None:
    done = visioncam_command(*shlex.split(line))
    assert (done.exit_code, done.stderr) == (0, ""), done.stderr
    assert done.stdout
    if "--json" in line:
        assert isinstance(json.loads(done.stdout), dict)


@pytest.mark.parametrize("line", FAILS)
def test_what_fails_says_so(line: str, here: Path, visioncam_command: Callable[..., Any]) -> None:
    code, beginning = FAILS[line]
    done = visioncam_command(*shlex.split(line))
    assert done.exit_code == code
    if beginning:
        assert done.stderr.startswith(f"visioncam: error: {beginning}")
    assert len(done.stderr.splitlines()) <= 1
    assert "a bug in VisionCam" not in done.stderr


@pytest.mark.parametrize("line", [f"{ONE} --method gradcan", "layers no.keras", f"{ONE} --alpha 1.5"])
def test_json_tells_the_error_as_data(line: str, here: Path, visioncam_command: Callable[..., Any]) -> None:
    done = visioncam_command(*shlex.split(line), "--json")
    error = json.loads(done.stdout)["error"]
    assert sorted(error) == ["exit_code", "kind", "message"]
    assert error["exit_code"] == done.exit_code == 2
    assert done.stderr == f"visioncam: error: {error['message']}\n"


def test_an_interrupted_run_ends_with_130(here: Path, visioncam_command: Callable[..., Any]) -> None:
    with patch("PIL.Image.Image.resize", side_effect=KeyboardInterrupt):
        done = visioncam_command(*ONE.split(), "-o", "out")
    assert (done.exit_code, done.stderr) == (
        130,
        "visioncam: error: interrupted; what was written is intact\n",
    )


@pytest.mark.parametrize(("command", "names"), [("methods", METHODS), ("renderers", None), ("metrics", None)])
def test_listings_give_names_as_data(
    command: str, names: tuple[str, ...] | None, visioncam_command: Callable[..., Any]
) -> None:
    import visioncam

    rows = json.loads(visioncam_command(command, "--json").stdout)[command]
    listed = tuple(row["name"] for row in rows)
    assert listed == tuple(row.name for row in getattr(visioncam, command)())
    assert listed[: len(names or ())] == (names or ())
    assert all({"name", "title", "summary", "options"} <= row.keys() for row in rows)
