"""A model that TensorFlow Serving, or a server that speaks as it does, runs: `http://host:8501/v1/models/NAME`."""

from __future__ import annotations

import http.client
import json
import re
from collections.abc import Sequence
from typing import Any
from urllib import request
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit

import attrs
import numpy as np

from visioncam_core.errors import ModelError
from visioncam_core.text import brief, error_text
from visioncam_engines.runtimes.ports import Port

SECONDS = 60
ANSWER = 256 << 20  # bytes
FORM = "http://host:8501/v1/models/NAME"
_DTYPES = {"DT_FLOAT": "float32", "DT_DOUBLE": "float64", "DT_HALF": "float16", "DT_UINT8": "uint8"}


class _Stay(request.HTTPRedirectHandler):
    def redirect_request(self, *told: Any) -> None:
        """Go nowhere else: the status is an error, as any that is no 200."""


_OPENER = request.build_opener(_Stay)


@attrs.frozen(eq=False)
class Server:
    """A model of a server.

    Attributes:
        url: of the model.
        inputs: the one picture.
        outputs: what it gives, in the order of the first answer where the server does not say.
        metadata: always empty.
    """

    url: str
    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]
    metadata: dict[str, str] = attrs.field(factory=dict)

    @classmethod
    def open(cls, url: str) -> Server:
        """Ask a server for the signature of a model; one without is taken to be a single picture and output.

        Raises:
            ModelError: no such address, or no answer; names address and status.
        """
        url = url.removesuffix(":predict").rstrip("/")
        parts = urlsplit(url)
        plain = parts.scheme in ("http", "https") and not (parts.username or parts.query or parts.fragment)
        if not plain or not re.search(r"/v1/models/[^/]+", parts.path):
            told = brief(parts._replace(netloc=parts.hostname or "").geturl())
            raise ModelError(f"{told} is not the address of a model; write {FORM}, and nothing else")
        status, found = _asked(f"{url}/metadata")
        if status != 200:
            status, told = _asked(url)
            if status != 200:
                raise _failed(url, status, told)
            return cls(
                url,
                (Port("instances", (None, None, None, 3), "float32"),),
                (Port("predictions", (), "float32"),),
            )
        try:
            signatures = found["metadata"]["signature_def"]["signature_def"]
            signature = signatures.get("serving_default") or next(iter(signatures.values()))
            inputs, outputs = (
                tuple(_port(name, told) for name, told in sorted(signature[side].items()))
                for side in ("inputs", "outputs")
            )
        except (AttributeError, KeyError, TypeError, ValueError, StopIteration) as error:
            raise ModelError(
                f"{url}/metadata: has no signature that is understood ({error_text(error)}); wrap "
                "the service in a function of pictures: visioncam.blackbox(function)"
            ) from error
        return cls(url, inputs, outputs)

    def __call__(self, arrays: Sequence[np.ndarray]) -> list[np.ndarray]:
        """Return every output for (N, ...) pictures."""
        (pictures,) = arrays
        url = f"{self.url}:predict"
        status, found = _asked(url, json.dumps({"instances": pictures.tolist()}).encode())
        rows = found.get("predictions") if isinstance(found, dict) else None
        if status != 200 or not isinstance(rows, list):
            raise _failed(url, status, found)
        if len(rows) != len(pictures):
            raise ModelError(f"{url}: answered {len(rows)} predictions for {len(pictures)} instances")
        try:
            if isinstance(rows[0], dict):
                return [
                    np.array(
                        [row[port.name] for row in rows] if port.dtype[:5] == "float" else [], np.float32
                    )
                    for port in self.outputs
                ]
            return [np.array(rows, np.float32)]
        except (KeyError, TypeError, ValueError) as error:
            raise ModelError(
                f"{url}: answered {brief(rows[0], 60)} for a picture ({error_text(error)}), and numbers are "
                "expected; wrap the service in a function of pictures: visioncam.blackbox(function)"
            ) from error


def _port(name: str, told: Any) -> Port:
    shape = told["tensor_shape"]
    axes = [] if shape.get("unknown_rank") else shape.get("dim", [])
    lengths = (int(axis["size"]) for axis in axes)
    return Port(name, tuple(None if n < 0 else n for n in lengths), _DTYPES.get(told["dtype"], "int64"))


def _asked(url: str, body: bytes | None = None) -> tuple[int, Any]:
    """Return the status of an answer, and what its JSON says; text where it is no JSON."""
    asked = request.Request(url, body, {"Content-Type": "application/json", "Accept": "application/json"})
    try:
        try:
            with _OPENER.open(asked, timeout=SECONDS) as answer:
                status, text = int(answer.status), answer.read(ANSWER + 1)
        except HTTPError as error:
            with error:
                status, text = error.code, error.read(1 << 16)
    except (URLError, OSError, http.client.HTTPException, ValueError) as error:
        why = error.reason if isinstance(error, URLError) else error
        why = error_text(why) if isinstance(why, BaseException) else why
        raise ModelError(
            f"{url}: cannot be reached ({why}); check that the server runs, and its port"
        ) from error
    if len(text) > ANSWER:
        raise ModelError(f"{url}: answered more than {ANSWER:,} bytes")
    try:
        return status, json.loads(text)
    except (ValueError, RecursionError):
        return status, text.decode(errors="replace")


def _failed(url: str, status: int, told: Any) -> ModelError:
    said = told.get("error", told) if isinstance(told, dict) else told
    why = (
        "it points elsewhere, which is not followed" if 300 <= status < 400 else f"it says {brief(said, 160)}"
    )
    return ModelError(f"{url}: answered with status {status}: {why}; check the name of the model: {FORM}")
