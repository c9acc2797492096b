"""Networks of timm, torchvision and transformers by name, as in `timm:resnet50`, with what belongs to them.

The libraries find their weights themselves: in their cache, else on the network.  Their files are read as
weights alone, and code from the network (`trust_remote_code`) never runs.
"""

from __future__ import annotations

from typing import Any

import torch

from visioncam_core.engine.model_card import ModelCard, set_model_card
from visioncam_core.engine.model_name import NO_WEIGHTS, ModelName
from visioncam_core.errors import BackendError, ModelError
from visioncam_engines.demo.card import class_names

_MODULES = {"hf": "transformers"}


def load_named(name: ModelName) -> Any:
    """Return a network at rest; one without weights is the same each time.

    Raises:
        ModelNotFoundError: the library has none of this name.
        BackendError: the library is not installed.
        ModelError: its weights cannot be had.
    """
    module = _MODULES.get(name.scheme, name.scheme)
    try:
        __import__(module)
    except ImportError as error:
        raise BackendError(f"{name}: needs {module} ({error}); pip install {module}") from error
    build = {"timm": _of_timm, "torchvision": _of_torchvision, "hf": _of_transformers}[name.scheme]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return build(name).eval()


def _of_timm(name: ModelName) -> Any:
    import timm

    known = [*timm.list_models(), *timm.list_pretrained()]
    if name.name not in known:
        raise name.unknown(known)
    if name.weights not in ("", NO_WEIGHTS):
        raise ModelError(f"{name}: timm's weights are named after a dot: timm:{name.name}.{name.weights}")
    trained = name.weights != NO_WEIGHTS
    config = timm.get_pretrained_cfg(name.name)
    place = getattr(config, "hf_hub_id", None) or getattr(config, "url", None) or "weights of timm"
    model = name.build(lambda: timm.create_model(name.name, pretrained=trained), f"{place} on huggingface.co")
    tag = str(getattr(config, "tag", "") or "")
    if trained and getattr(config, "num_classes", 0) == len(class_names()) and tag.endswith("in1k"):
        set_model_card(model, ModelCard(tuple(class_names())))
    return model


def _of_torchvision(name: ModelName) -> Any:
    from torchvision import models

    if name.name not in models.list_models():
        raise name.unknown(models.list_models())
    if name.weights == NO_WEIGHTS:
        options = {"weights_backbone": None} if name.name in _with_backbones(models) else {}
        return name.build(lambda: models.get_model(name.name, weights=None, **options), "")
    known = models.get_model_weights(name.name)
    wanted = name.weights or "DEFAULT"
    if wanted not in known.__members__:
        raise ModelError(
            f"{name}: torchvision has no weights {wanted!r}; known: {', '.join(known.__members__)}"
        )
    weights = known[wanted]
    model = name.build(lambda: models.get_model(name.name, weights=weights), str(weights.url))
    set_model_card(
        model, ModelCard(tuple(weights.meta.get("categories") or ()) or None, weights.transforms())
    )
    return model


def _with_backbones(models: Any) -> set[str]:
    return set(models.list_models(module=models.detection)) | set(
        models.list_models(module=models.segmentation)
    )


def _of_transformers(name: ModelName) -> Any:
    from transformers import AutoConfig, AutoImageProcessor, AutoModelForImageClassification

    if name.weights not in ("", NO_WEIGHTS):
        raise ModelError(
            f"{name}: a transformers model has its own weights; leave ?weights= out, or write none"
        )
    place = f"{name.name} on huggingface.co"
    if name.weights == NO_WEIGHTS:
        config = ModelName(name.scheme, name.name).build(
            lambda: AutoConfig.from_pretrained(name.name, trust_remote_code=False),
            f"the configuration of {place}",
        )
        model = name.build(lambda: AutoModelForImageClassification.from_config(config), place)
    else:
        model = name.build(
            lambda: AutoModelForImageClassification.from_pretrained(name.name, trust_remote_code=False), place
        )
    try:
        processor = AutoImageProcessor.from_pretrained(name.name, trust_remote_code=False)
    except (
        Exception
    ):  # a folder with a model alone; then its preprocessing is not known, and the result says so
        return model
    set_model_card(model, ModelCard(preprocess=processor))
    return model
