"""Open a model file, with Keras's safe mode on.

What a file is follows from its content, never from its name.  Keras opens
it only once it is known to be whole, because its own messages for others
("File not found" for a file cut short) help nobody.
"""

from __future__ import annotations

import logging
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from visioncam_core.errors import ModelError, UnsafeModelError
from visioncam_core.images.files import quoted, sniff
from visioncam_core.results.provenance import check_digest
from visioncam_engines.archives import first_bytes, is_damaged
from visioncam_engines.keras.checks import require_backend
from visioncam_engines.keras.files import legacy
from visioncam_engines.keras.files.archive import members_of
from visioncam_engines.keras.files.config import Config
from visioncam_engines.keras.files.custom_objects import objects_of
from visioncam_engines.keras.files.inspection import CURE, inspect_file, read_config
from visioncam_engines.keras.first_layers import is_a
from visioncam_engines.other_formats import told_of

ZIP, HDF5 = b"PK\x03\x04", b"\x89HDF\r\n\x1a\n"
SAFE_KERAS = (3, 15)
SUFFIX = {"keras": ".keras", "h5": ".h5"}
OTHERS = {"keras": (".h5", ".hdf5"), "h5": (".keras",)}
_log = logging.getLogger("visioncam.model_files")  # below "visioncam", which the command line shows
_SAVE = "save it with model.save('name.keras')"


def load_model(
    path: str | os.PathLike[str],
    *,
    custom_objects: Sequence[str] = (),
    unsafe: bool = False,
    sha256: str | None = None,
    backend: str = "tensorflow",
) -> Any:
    """Load a Keras model from a `.keras` or `.h5` file, whatever it is called.

    Args:
        path: the file.
        custom_objects: names of Python modules with the classes and functions that the file needs;
            they are imported, so name only what you trust.
        unsafe: let code that the file carries (Lambda layers) run, and leave out every check of what it
            holds; for this one call.
        sha256: the checksum the file must have, 64 hexadecimal digits.
        backend: what Keras must run on.

    Returns:
        The `keras.Model`, not compiled.

    Raises:
        UnsafeModelError: it could run code, fill the memory or read other files; or Keras is older than
            3.15, whose checks such a file needs.
        ModelError: everything else, naming the file, the reason and the cure.
    """
    kind = check_file(path)
    name = quoted(os.fsdecode(os.fspath(path)))
    check_digest(path, sha256, name)
    if Path(path).suffix.lower() in OTHERS[kind]:
        _log.warning("%s: is a %s model despite its name, and is loaded as one", name, SUFFIX[kind])
    if unsafe:
        config = read_config(path, kind, name)
    else:
        holdings = inspect_file(path, kind, name)
        if holdings.problems:
            raise UnsafeModelError(f"{name}: {'; '.join(holdings.problems[:3])}; it is not loaded. {CURE}")
        config = holdings.config
        _new_enough(name)
    require_backend(backend)
    objects: dict[str, Any] = {}
    for module in custom_objects:
        objects.update(objects_of(module))
    import keras

    try:
        with _named_by_content(Path(path), kind) as file:
            try:
                model = keras.models.load_model(
                    file, custom_objects=objects, compile=False, safe_mode=not unsafe
                )
            except Exception:
                readable = config.legacy and legacy.is_installed() and backend == "tensorflow"
                if not (readable and (unsafe or not config.elsewhere(objects))):
                    raise
                model = legacy.load(file, objects, safe=not unsafe)
                _log.warning("%s: was saved by Keras %s, and is loaded with tf_keras", name, config.keras)
    except Exception as error:  # a model file can make its reader raise anything
        raise ModelError(f"{name}: {_why(error, path, kind, config, objects)}") from error
    if not is_a(model, "Model"):
        raise ModelError(f"{name}: holds a {type(model).__name__}, not a model; {_SAVE}")
    return model


def is_saved_model(path: str | os.PathLike[str]) -> bool:
    return os.path.isfile(os.path.join(os.fspath(path), "saved_model.pb"))


def check_file(path: str | os.PathLike[str]) -> str:
    """Return what kind of model file it is, "keras" or "h5"; loads no TensorFlow.

    Raises:
        ModelNotFoundError: there is no such file.
        ModelError: a folder, empty, unreadable, cut short, or something else than a model.
    """
    text = os.fsdecode(os.fspath(path))
    name = quoted(text)

    def refused(folder: bool) -> ModelError:
        if folder and is_saved_model(text):
            return UnsafeModelError(
                f"{name}: is a SavedModel, a program that can run any code; pass a .keras or .h5 file, "
                "or, only if you trust its author, --trust-savedmodel (load_model(trust_savedmodel=True))"
            )
        if folder:
            other = told_of(text) or f"is a folder; pass a .keras or .h5 file: {_SAVE}"
            return ModelError(f"{name}: {other}")
        return ModelError(f"{name}: is not a regular file; pass a .keras or .h5 file")

    start = first_bytes(text, name, 64, refused)
    if start.startswith(ZIP):
        return _check_zip(text, name)
    if start.startswith(HDF5):
        return "h5"
    raise ModelError(f"{name}: {_other(text, start)}")


def _other(path: str, start: bytes) -> str:
    """Return what a file is that is no Keras model, and what to pass in its place."""
    kind = sniff(start)
    if kind == "Git LFS pointer":
        return "is a Git LFS pointer, a placeholder for the model: git lfs pull"
    if os.path.basename(path) == "saved_model.pb":
        return "is only the graph of a SavedModel; pass its folder, if you trust its author"
    if kind is None and (other := told_of(path, start)):
        return other
    if start.lstrip()[:1] == b"{" or start[8:10] == b'{"':
        return (
            "holds only a model's configuration or weights; build the model in Python, load its weights and "
            f"{_SAVE}"
        )
    if kind is not None:
        return f"is not a model ({kind}); pass a .keras or .h5 file as the model"
    return f"is not a Keras model file (it begins with {start[:12]!r}); pass a .keras or .h5 file: {_SAVE}"


def _check_zip(path: str, name: str) -> str:
    members = {member.filename for member in members_of(path, name)}
    if "config.json" not in members or not {"model.weights.h5", "model.weights.json"} & members:
        if any(member.endswith("data.pkl") for member in members):
            raise ModelError(
                f"{name}: {told_of(path) or 'is a file of PyTorch; give it its suffix, .pt2 or .pth'}"
            )
        some = ", ".join(sorted(members)[:3]) or "nothing"
        raise ModelError(f"{name}: is a zip archive but not a Keras model (it holds {some}, …); {_SAVE}")
    return "keras"


def _new_enough(name: str) -> None:
    import keras

    if tuple(int(part) for part in keras.__version__.split(".")[:2]) < SAFE_KERAS:
        raise UnsafeModelError(
            f"{name}: Keras {keras.__version__} lets some model files run code despite its safe mode; "
            f"install keras>=3.15. {CURE}"
        )


@contextmanager
def _named_by_content(path: Path, kind: str) -> Iterator[str]:
    """Yield a path whose suffix says what the file is: Keras goes by it."""
    suffix = SUFFIX[kind]
    if path.suffix == suffix or (kind == "h5" and path.suffix == ".hdf5"):
        yield str(path)
        return
    with tempfile.TemporaryDirectory(prefix="visioncam-") as folder:
        named = Path(folder, f"model{suffix}")
        try:
            named.symlink_to(path.resolve())
        except OSError:  # a system without links
            shutil.copyfile(path, named)
        yield str(named)


def _why(
    error: Exception, path: str | os.PathLike[str], kind: str, config: Config, objects: Mapping[str, Any]
) -> str:
    import keras

    missing = config.missing(objects)
    if missing:
        return (
            f"needs classes or functions that Keras does not have: {', '.join(missing)}; name the Python "
            "module that defines them: --custom-objects MODULE (in Python load_model(custom_objects=[...]))"
        )
    if kind == "keras" and is_damaged(path):
        return "is damaged (a checksum is wrong); download or save the model again"
    text = " ".join(str(error).split())
    text = text if len(text) <= 160 else text[:159] + "…"
    return f"cannot be loaded by Keras {keras.__version__}{config.saved_by(keras.__version__)}: {text}"
