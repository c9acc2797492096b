"""What the wheel installs, and what it says of itself.  Runs in `make test`, where the wheel is installed."""

from __future__ import annotations

import hashlib
import importlib.metadata
import os
import re
from pathlib import Path

import pytest
from helpers.source import PACKAGES, folder, is_standard, modules

import visioncam
from visioncam_core.results.provenance import versions

pytestmark = pytest.mark.skipif(
    not os.environ.get("VISIONCAM_TEST_INSTALLED"), reason="runs in `make test`, which installs the wheel"
)
IMPORT_NAMES = {
    "mlflow_skinny": "mlflow", "opencv_python": "cv2", "pillow": "PIL", "scikit_image": "skimage",
    "scikit_learn": "sklearn",
}  # fmt: skip
EXTRAS = {
    "app", "audit", "bench", "demo", "dicom", "docs", "export", "jax", "legacy", "mlflow", "nifti", "ray",
    "regions", "torch", "wandb",
}  # fmt: skip
ONLY_WHERE_IT_IS = {
    "IPython",
    "ai_edge_litert",
    "pandas",
    "pytorch_lightning",
}  # used by those who have it anyway


@pytest.fixture(scope="module")
def wheel() -> importlib.metadata.Distribution:
    return importlib.metadata.distribution("visioncam")


def requirements(wheel: importlib.metadata.Distribution, extra: str | None = None) -> set[str]:
    """Return the import names of what the wheel depends on, with the extra's if one is named."""
    found = set()
    for line in wheel.requires or ():
        name = re.split(r"[^\w.-]", line, maxsplit=1)[0].lower().replace("-", "_")
        wanted = re.search(r"extra == ['\"]([\w-]+)['\"]", line)
        if wanted is None or wanted.group(1) == extra:
            found.add(IMPORT_NAMES.get(name, name))
    return found


def test_top_level_names_are_the_packages(wheel: importlib.metadata.Distribution) -> None:
    tops = {path.parts[0] for path in wheel.files or ()}
    assert tops == {*PACKAGES, f"visioncam-{wheel.version}.dist-info", ".."}  # "..": the command, in bin


def test_no_tests_or_examples_inside(wheel: importlib.metadata.Distribution) -> None:
    strangers = [path for path in wheel.files or () if re.search(r"(^|/)(conftest|test_|tests/)", str(path))]
    assert not strangers


@pytest.mark.parametrize("package", PACKAGES)
def test_each_package_is_typed(package: str) -> None:
    assert (folder(package) / "py.typed").is_file()


def test_the_wheel_is_the_checkout_byte_for_byte(checkout: Path) -> None:
    def contents(root: Path) -> dict[str, str]:
        files = (path for path in root.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
        return {str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}

    for package in PACKAGES:
        assert contents(folder(package)) == contents(checkout / package)


def test_there_is_one_version(wheel: importlib.metadata.Distribution, checkout: Path) -> None:
    assert f"version: {wheel.version}\n" in (checkout / "CITATION.cff").read_text("utf-8")
    assert wheel.version == visioncam.__version__ == versions({})["visioncam"]


def test_metadata(wheel: importlib.metadata.Distribution) -> None:
    about = wheel.metadata
    assert about["License-Expression"] == "Apache-2.0"
    assert about["Requires-Python"] == ">=3.11"
    assert set(about.get_all("Provides-Extra") or ()) == EXTRAS | {"dev", "test", "test-torch"}
    scripts = wheel.entry_points.select(group="console_scripts")
    assert [(script.name, script.value) for script in scripts] == [("visioncam", "visioncam.cli.main:main")]
    assert any(path.name == "LICENSE" for path in wheel.files or ())


def test_every_library_that_is_imported_is_declared(wheel: importlib.metadata.Distribution) -> None:
    used = {item.name.partition(".")[0] for module in modules().values() for item in module.imports()}
    foreign = {name for name in used if not is_standard(name) and name not in PACKAGES}
    optional = ONLY_WHERE_IT_IS.union(
        *(requirements(wheel, extra) for extra in (EXTRAS | {"test-torch"}) - {"bench"})
    )
    assert foreign - optional <= requirements(wheel)
    assert requirements(wheel) <= foreign, "declared, but imported nowhere"


def test_every_asset_of_the_report_is_in_the_package() -> None:
    from importlib.resources import files

    names = {one.name for one in files("visioncam.html_report").joinpath("templates").iterdir()}
    assert names == {"report.html", "parts.html", "report.css", "report.js"}
