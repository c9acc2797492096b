"""Tests of `make test-torch`, in an environment without TensorFlow: each worker of pytest has one thread."""

from __future__ import annotations

import os
from importlib.util import find_spec

for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS"):  # before torch is imported: it reads them once
    os.environ.setdefault(name, "1")
os.environ.setdefault("JAX_PLATFORMS", "cpu")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
os.environ["HF_HUB_OFFLINE"] = "1"  # a test that reaches for the network fails at once

collect_ignore_glob = [] if find_spec("torch") else ["*"]
