"""Damaged files of strangers end in an error of ours or in a result; `tools/fuzz.py` tries more of them."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest
from helpers.fuzz import Reader
from helpers.fuzz_runs import READERS

from visioncam_core.errors import ModelError
from visioncam_engines.keras.files import hdf5 as weights
from visioncam_engines.keras.files.load import load_model

DAMAGED = Path(__file__).parents[1] / "data" / "damaged"
TRIES = {"models": 8, "plugins": 60, "manifests": 3, "lists": 40, "descriptions": 250}


@pytest.mark.parametrize("name", TRIES)
def test_damage_gives_a_result_or_an_error_of_ours(name: str, tmp_path: Path) -> None:
    reader = READERS[name](tmp_path)
    rng = np.random.default_rng(86)
    taken = [reader.attempt(kind, rng, tmp_path) for kind in reader.seeds for _ in range(TRIES[name])]
    assert any(taken)
    assert not all(taken) or name in ("plugins", "descriptions")  # which are told, seldom refused


@pytest.mark.parametrize("name", ["manifests", "lists"])
def test_files_with_values_of_another_kind(name: str, tmp_path: Path) -> None:
    reader: Reader = READERS[name](tmp_path)
    for kind, seed in reader.seeds.items():
        try:
            reader.read(seed, tmp_path)
        except reader.refusals:
            assert kind not in ("whole", "text", "table", "marked", "short")


@pytest.mark.parametrize("name", ["hang", "crash"])
def test_files_that_the_fuzzer_found(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """HDF5's own library never came back from one of them, and took the process with it on the other."""
    monkeypatch.setattr(weights, "BASE_SECONDS", 4)
    path = tmp_path / "model.h5"
    path.write_bytes(gzip.decompress((DAMAGED / f"{name}.h5.gz").read_bytes()))
    with pytest.raises(ModelError, match=r"model\.h5': .*(not loaded|download or save)"):
        load_model(path)
