"""What must not be in the repository's text: registries, machines, and files too long to read."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

LONGEST = 300
# Put together from pieces, so that this file does not match itself.
HOSTS = ("py" + "pi.org", "python" + "hosted.org", "registry." + "npmjs", "deb." + "debian.org")
INDEX_OPTIONS = ("--index" + "-url", "--extra-index" + "-url", "--find" + "-links", "--trusted" + "-host")
FOLDERS = ("home", "Users", "root", "work", "opt", "tmp")
MACHINE_PATH = re.compile(r"(?<![\w.$}/*-])/(" + "|".join(FOLDERS) + r")/(?!ada\b)\w")  # Ada is made up
LOCK_FILES = re.compile(r"(^|/)(\w*[.-]?lock(\.(?!py$)\w+)?|requirements[\w.-]*\.txt)$", re.IGNORECASE)


def offences(text: str) -> list[str]:
    """List what `text` names of registries and machines."""
    named = [word for word in (*HOSTS, *INDEX_OPTIONS) if word in text]
    return named + [text[match.start() :][:30] for match in MACHINE_PATH.finditer(text)]


@pytest.fixture(scope="module")
def tracked(checkout: Path) -> list[Path]:
    if shutil.which("git") is None or not (checkout / ".git").exists():
        pytest.skip("not a git checkout")
    names = subprocess.run(
        ["git", "-C", str(checkout), "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        capture_output=True,
        check=True,
    ).stdout.decode()
    return [path for name in names.split("\0") if name and (path := checkout / name).is_file()]


@pytest.fixture(scope="module")
def texts(tracked: list[Path]) -> dict[Path, str]:
    found = {}
    for path in tracked:
        data = path.read_bytes()
        if b"\0" not in data[:8192]:
            found[path] = data.decode("utf-8")
    return found


def test_no_text_names_a_registry_or_a_path_of_one_machine(texts: dict[Path, str]) -> None:
    found = {str(path): offences(text) for path, text in texts.items()}
    assert not {path: words for path, words in found.items() if words}


@pytest.mark.parametrize(
    "piece", ["https://py" + "pi.org/simple", "see /wor" + "k/main", "'/ho" + "me/ann/x'"]
)
def test_the_search_finds_what_it_looks_for(piece: str) -> None:
    assert offences(f"a line with {piece} in it")


@pytest.mark.parametrize(
    "piece", ["dist/work/x", "https://example.org/work/x", "$HOME/tmp/x", "/home/ada/x.jpg"]
)
def test_the_search_leaves_other_paths_alone(piece: str) -> None:
    assert not offences(f"a line with {piece} in it")


def test_no_lock_file(tracked: list[Path]) -> None:
    assert not [str(path) for path in tracked if LOCK_FILES.search(path.as_posix())]


def test_python_files_are_short_enough_to_read(texts: dict[Path, str]) -> None:
    lengths = {str(path): text.count("\n") for path, text in texts.items() if path.suffix == ".py"}
    assert not {path: lines for path, lines in lengths.items() if lines > LONGEST}
