"""TensorFlow missing, or Keras on another backend: one line that says what to do."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from helpers import hidden

from visioncam_core.errors import BackendError
from visioncam_engines.keras.checks import require_backend

CALLS = """
import sys
{before}
import numpy as np
import visioncam
from visioncam import demo

class Model:
    # of Keras by its name: nothing else is looked at before the engine is asked

    __module__ = "keras.src.models.model"

x = np.zeros((8, 8, 3), np.float32)
for call in (
    lambda: visioncam.explain(Model(), x),
    lambda: visioncam.explain(Model(), "missing.png", "scorecam", target="cat"),
    lambda: visioncam.compare(Model(), x),
    lambda: visioncam.explainer(Model()),
    lambda: visioncam.layers(Model()),
    lambda: demo.load(),
):
    try:
        call()
    except visioncam.VisionCamError as error:
        print(type(error).__name__, isinstance(error, RuntimeError), error)
print(sum(row.in_all for row in visioncam.methods()), "methods")
"""


def lines(before: str, folder: Path, **environment: str) -> list[str]:
    """Return what the calls print in a fresh Python, after `before` has been run."""
    *calls, methods = hidden.run(CALLS.format(before=before), folder, **environment)
    assert methods == "9 methods"
    assert len(calls) == 6
    return calls


def test_without_tensorflow_every_call_says_what_to_install(tmp_path: Path) -> None:
    for line in lines(hidden.hiding("tensorflow"), tmp_path):
        assert line.startswith(
            "BackendError True TensorFlow cannot be imported (No module named 'tensorflow')"
        )
        assert "pip install tensorflow" in line


def test_on_another_backend_every_call_says_which_variable_to_set(tmp_path: Path) -> None:
    """A Keras that only knows which backend it runs on, one that no engine serves."""
    (tmp_path / "keras").mkdir()
    (tmp_path / "keras" / "__init__.py").write_text("from keras import backend\n")
    (tmp_path / "keras" / "backend.py").write_text("def backend():\n    return 'openvino'\n")
    for line in lines("import keras", tmp_path, KERAS_BACKEND="openvino"):
        assert line.startswith("BackendError True Keras runs on the 'openvino' backend")
        assert "VisionCam needs 'tensorflow', 'torch' or 'jax'" in line
        assert "KERAS_BACKEND=tensorflow before Keras is imported" in line


@pytest.mark.parametrize(
    ("wanted", "cure"),
    [
        ("jax", "KERAS_BACKEND='jax' asks for another backend"),
        (None, "the file keras.json may ask for another backend"),
        ("tensorflow", "pip install --force-reinstall keras"),
    ],
)
def test_a_keras_that_cannot_be_imported(
    wanted: str | None, cure: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As with KERAS_BACKEND=jax where there is no JAX."""
    monkeypatch.setitem(sys.modules, "keras", None)  # Python's own way to make an import fail
    monkeypatch.delenv("KERAS_BACKEND")
    if wanted is not None:
        monkeypatch.setenv("KERAS_BACKEND", wanted)
    with pytest.raises(BackendError, match="Keras cannot be imported") as caught:
        require_backend("tensorflow")
    assert cure in str(caught.value)
    assert ("set the environment variable KERAS_BACKEND=tensorflow" in str(caught.value)) == (
        wanted != "tensorflow"
    )


FORKING = """
import multiprocessing, sys, warnings
import keras, numpy as np
import visioncam

warnings.simplefilter("ignore", DeprecationWarning)  # Python 3.12 warns of forks, rightly
x = np.ones((8, 8, 3), np.float32)

def model():
    i = keras.Input((8, 8, 3))
    return keras.Model(i, keras.layers.GlobalAveragePooling2D()(keras.layers.Conv2D(2, 3, name="c")(i)))

def explained(net):
    try:
        print(visioncam.explain(net or model(), x, target=1).raw.shape, flush=True)
    except RuntimeError as error:
        print(error, flush=True)

if __name__ == "__main__":
    net = model()
    visioncam.explain(net, x, target=1)
    child = multiprocessing.get_context("fork").Process(target=explained, args=(net,))
    child.start()
    child.join(60)
    print("ended", child.exitcode, flush=True)
    child.kill()
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no forks on this system")
def test_a_forked_process_is_told_instead_of_hanging(tmp_path: Path) -> None:
    script = tmp_path / "forking.py"
    script.write_text(FORKING)
    env = os.environ | {"PYTHONPATH": os.pathsep.join(part for part in sys.path if part)}
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, env=env, check=True)
    assert "forked after a model was explained" in done.stdout
    assert 'get_context("spawn")' in done.stdout
    assert "ended 0" in done.stdout
