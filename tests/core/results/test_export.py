"""Pictures are written whole or not at all, and tell no one's folders."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from visioncam_core.errors import BackendError, ImageError, OutputError
from visioncam_core.files import without_folders, write_bytes
from visioncam_core.images.opencv import load_opencv
from visioncam_core.results.image_files import encode_image, write_image


@pytest.fixture
def picture(rng: np.random.Generator) -> np.ndarray:
    return rng.integers(0, 256, (20, 30, 3), dtype=np.uint8)


@contextmanager
def not_root() -> Iterator[None]:
    """Drop root's right to write anywhere, where the tests run as root."""
    root = hasattr(os, "geteuid") and os.geteuid() == 0
    if root:
        os.seteuid(65534)
    try:
        yield
    finally:
        if root:
            os.seteuid(0)


@pytest.mark.parametrize("suffix", [".png", ".PNG", ".jpg", ".jpeg", ".webp"])
def test_a_picture_comes_back(tmp_path: Path, picture: np.ndarray, suffix: str) -> None:
    smooth = np.full((20, 30, 3), (200, 30, 90), np.uint8)
    path = write_image(tmp_path / f"a{suffix}", smooth)
    with Image.open(path) as image:
        np.testing.assert_allclose(np.asarray(image.convert("RGB")).astype(int), smooth, atol=6)
    if suffix.lower() == ".png":
        grey = write_image(str(tmp_path / "grey.png"), picture[..., 0])
        with Image.open(write_image(path, picture)) as image, Image.open(grey) as other:
            assert np.array_equal(np.asarray(image), picture)
            assert np.array_equal(np.asarray(other), picture[..., 0])
    assert not list(tmp_path.glob(".tmp-*"))


@pytest.mark.parametrize("channels", [(), (3,)])
def test_a_large_picture_comes_back(tmp_path: Path, channels: tuple[int, ...]) -> None:
    large = np.random.default_rng(0).integers(0, 256, (2100, 2000, *channels), dtype=np.uint8)[::-1]
    text = {"method": "gradcam", "class": "虎斑猫", "image": "/home/ada/cat.jpg"}
    with Image.open(write_image(tmp_path / "a.png", large, text)) as image:
        image.verify()  # every chunk's checksum
    with Image.open(tmp_path / "a.png") as image:
        assert np.array_equal(np.asarray(image), large)
        assert dict(image.text) == text | {"image": "cat.jpg"}


@pytest.mark.parametrize(("name", "got"), [("a.tiff", "'.tiff'"), ("a", "no suffix"), ("a.npz", "'.npz'")])
def test_an_unknown_suffix_is_refused(tmp_path: Path, picture: np.ndarray, name: str, got: str) -> None:
    with pytest.raises(OutputError, match=rf"{got}\. Use one of \.png, \.jpg, \.jpeg, \.webp"):
        write_image(tmp_path / name, picture)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "bad",
    [np.zeros((3, 3), np.float32), np.zeros((3, 3, 4), np.uint8), np.zeros((0, 3, 3), np.uint8), np.uint8(3)],
)
def test_what_is_no_picture_is_refused(tmp_path: Path, bad: np.ndarray) -> None:
    with pytest.raises(ImageError, match=r"got \w+ \("):
        write_image(tmp_path / "a.png", bad)
    assert not list(tmp_path.iterdir())


def test_a_picture_too_large_for_its_format_is_refused() -> None:
    with pytest.raises(OutputError, match=r"16383 pixels a side; this picture is 20000 x 1.*\.png"):
        encode_image(np.zeros((1, 20000), np.uint8), ".webp")
    with pytest.raises(OutputError, match="65500"):
        encode_image(np.zeros((70000, 1), np.uint8), ".jpg")
    assert encode_image(np.zeros((1, 70000), np.uint8), ".png")


def test_a_folder_that_cannot_be_written_is_named(picture: np.ndarray) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "locked"
        folder.mkdir()
        (folder / "old.png").write_bytes(b"old")
        for path in (Path(name), folder):
            path.chmod(0o555)
        with not_root(), pytest.raises(OutputError, match=r"'old\.png' into '.*locked': .*[Pp]ermission"):
            write_image(folder / "old.png", picture)
        for path in (Path(name), folder):
            path.chmod(0o755)
        assert [p.name for p in folder.iterdir()] == ["old.png"]
        assert (folder / "old.png").read_bytes() == b"old"


def test_a_missing_folder_and_a_folder_in_the_way_are_named(tmp_path: Path, picture: np.ndarray) -> None:
    with pytest.raises(OutputError, match=r"nowhere': it does not exist\. Make the folder"):
        write_image(tmp_path / "nowhere" / "a.png", picture)
    (tmp_path / "file").write_text("x")
    with pytest.raises(OutputError, match="file': it is not a folder"):
        write_image(tmp_path / "file" / "a.png", picture)
    (tmp_path / "b.png").mkdir()
    with pytest.raises(OutputError, match=r"b\.png': it is a folder"):
        write_image(tmp_path / "b.png", picture)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["b.png", "file"]


@pytest.mark.skipif(sys.platform == "win32", reason="file size limits are POSIX")
def test_a_full_disk_leaves_the_old_file_and_no_other(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"old")
    code = f"""
import resource, signal
from pathlib import Path
from visioncam_core.errors import OutputError
from visioncam_core.files import write_bytes
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
try:
    write_bytes(Path({str(tmp_path / "a.png")!r}), bytes(5000))
except OutputError as error:
    print(error)
"""
    program = f"import sys; sys.path[:0] = {[str(p) for p in sys.path]!r}\n{code}"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert "Cannot write 'a.png' into" in done.stdout
    assert "free space" in done.stdout
    assert [p.name for p in tmp_path.iterdir()] == ["a.png"]
    assert (tmp_path / "a.png").read_bytes() == b"old"


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX permissions and links")
def test_new_files_have_usual_permissions_and_links_are_not_followed(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_bytes(b"precious")
    link = tmp_path / "a.png"
    link.symlink_to(victim)
    write_bytes(link, b"new")
    plain = tmp_path / "plain"
    plain.write_bytes(b"")
    assert victim.read_bytes() == b"precious"
    assert not link.is_symlink()
    assert stat.S_IMODE(link.stat().st_mode) == stat.S_IMODE(plain.stat().st_mode)


def test_text_chunks_tell_how_but_not_where(tmp_path: Path, picture: np.ndarray) -> None:
    text = {
        "method": "gradcam",
        "image": "/home/ada/photos/my cat.jpg",
        "options": '{"model": "/home/ada/m 1/net.keras", "layer": "a/b/conv"}',
        "class": "虎斑猫 \udcff",
        "k" * 200: "x",
        "": "y",
    }
    with Image.open(write_image(tmp_path / "a.png", picture, text)) as image:
        image.load()
        found = dict(image.text)
    assert found["method"] == "gradcam"
    assert found["image"] == "my cat.jpg"
    assert found["options"] == '{"model": "net.keras", "layer": "a/b/conv"}'
    assert found["class"] == "虎斑猫 ?"
    assert found["k" * 79] == "x"
    assert "ada" not in (tmp_path / "a.png").read_bytes().decode("latin-1")


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("/home/ada/a b/cat.jpg", "cat.jpg"),
        ("C:\\Users\\ada\\cat.jpg", "cat.jpg"),
        ("\\\\server\\share\\cat.jpg", "cat.jpg"),
        ("image=/home/ada/cat.jpg, seed=0", "image=cat.jpg, seed=0"),
        ("'D:\\a b\\c.png' and '/x y/z.png'", "'c.png' and 'z.png'"),
        ("backbone/stage4/conv", "backbone/stage4/conv"),
        ("https://example.org/a/b", "https://example.org/a/b"),
        ("1 / 2 and 3/4", "1 / 2 and 3/4"),
    ],
)
def test_absolute_paths_lose_their_folders(given: str, expected: str) -> None:
    assert without_folders(given) == expected


def test_a_missing_opencv_names_both_cures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "cv2.py").write_text("raise ImportError('libGL.so.1: cannot open shared object file')")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "cv2", raising=False)
    with pytest.raises(BackendError) as caught:
        load_opencv()
    for words in ("libGL.so.1", "libgl1", "opencv-python-headless"):
        assert words in str(caught.value)


def test_maps_are_made_without_opencv_and_a_picture_that_needs_it_names_both_packages() -> None:
    code = """
import sys
import numpy as np
import visioncam
model = visioncam.blackbox(lambda batch: np.asarray(batch).mean((1, 2)), size=(16, 16))
visioncam.methods(), visioncam.renderers(), visioncam.metrics()
picture = np.arange(3072, dtype=np.uint8).reshape(32, 32, 3)
found = visioncam.explain(model, picture, method="occlusion")
assert "cv2" not in sys.modules
sys.modules["cv2"] = None
try:
    found.render("masked")
except visioncam.VisionCamError as error:
    print(error)
"""
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert told.stdout.splitlines() == [
        "this needs OpenCV (cv2), which is not installed: pip install opencv-python, or "
        "opencv-python-headless on a machine without a screen"
    ], told.stderr
