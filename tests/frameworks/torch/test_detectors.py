"""Detectors, which return a list with a dictionary for each picture, as torchvision's do."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import visioncam
from visioncam_core.errors import ModelError, TargetError


class Detector(nn.Module):
    """Proposes places, keeps those above a threshold, and scores what it finds there."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(3, 6, 3, 4, 1), nn.ReLU(), nn.Conv2d(6, 8, 3, 1, 1), nn.ReLU())
        self.proposes = nn.Conv2d(8, 4, 1)
        self.scores = nn.Linear(8, 1)

    def forward(self, images: Any) -> list[dict[str, Any]]:
        return [self.one(image) for image in images]

    def one(self, image: Any) -> dict[str, Any]:
        canvas = image.new_full((1, 3, *image.shape[-2:]), 0.0)
        canvas[0, :, :, :].copy_((image - 0.5) / 0.25)
        found = self.body(canvas)[0]
        first = self.proposes(found[None])[0].detach()
        kept = (first[0] > first[0].median()).nonzero()
        values = self.scores(found[:, kept[:, 0], kept[:, 1]].t())[:, 0].sigmoid()
        order = values.argsort(descending=True)
        boxes = torch.cat([kept, kept + 1 + values[:, None]], 1) * 4.0
        return {"boxes": boxes[order], "labels": torch.ones_like(order), "scores": values[order]}


@pytest.fixture(scope="module")
def detector() -> Detector:
    torch.manual_seed(0)
    return Detector().eval()


def test_a_detection_is_explained_where_its_gradient_comes_from(detector: Detector) -> None:
    picture = torch.rand(3, 32, 32, generator=torch.Generator().manual_seed(1))
    found = visioncam.explain(detector, picture, target=2, method="hirescam")
    kept: list[Any] = []
    hook = detector.body[3].register_forward_hook(lambda m, a, out: kept.append(out))
    score = detector(picture[None])[0]["scores"][2]
    hook.remove()
    (slope,) = torch.autograd.grad(score, kept[0])
    assert found.layer.row.path.startswith("body")
    assert not found.layer.row.guessed
    np.testing.assert_allclose(found.raw, (kept[0] * slope)[0].sum(0).detach().numpy(), rtol=1e-4, atol=1e-7)
    assert found.score == pytest.approx(score.item(), rel=1e-5)
    assert "output-chosen" in {one.code for one in found.diagnostics}


def test_every_picture_of_a_batch_has_its_own_detections(detector: Detector) -> None:
    pictures = torch.rand(3, 3, 32, 32, generator=torch.Generator().manual_seed(2))
    pictures[1] = 0.3  # nothing stands out, so that nothing but the edge is proposed
    with pytest.raises(ModelError, match=r"a different number of values for each picture .*batch_size=1"):
        visioncam.explain(detector, pictures, target=0)
    together = visioncam.explain(detector, pictures, target=0, batch_size=1)
    for one, picture in zip(together, pictures, strict=True):
        np.testing.assert_array_equal(one.raw, visioncam.explain(detector, picture, target=0).raw)


def test_a_detection_that_a_picture_has_not_is_refused(detector: Detector) -> None:
    many, few = torch.rand(3, 32, 32), torch.full((3, 32, 32), 0.3)
    number = len(detector(few[None])[0]["scores"])
    assert visioncam.explain(detector, many, target=number).raw.shape == (8, 8)
    with pytest.raises(TargetError, match=f"has {number} values for this picture, and class {number} was"):
        visioncam.explain(detector, few, target=number)


class Few(Detector):
    """Finds one object in a dark picture, three in a bright one."""

    def one(self, image: Any) -> dict[str, Any]:
        found = super().one(image)
        return {name: part[: 1 if image.mean() < 0.5 else 3] for name, part in found.items()}


@pytest.mark.parametrize("first", [0.5, 1.5])
def test_one_detection_is_a_list_of_one_whichever_picture_came_first(first: float) -> None:
    model, picture = Few().eval(), torch.rand(3, 32, 32)
    visioncam.explain(model, first * picture, target=0, layer="body")
    for bright, count in ((0.5, 1), (1.5, 3)):
        scores = model((bright * picture)[None])[0]["scores"]
        assert len(scores) == count
        for target in (count - 1, visioncam.targets.Ranked(count - 1)):
            found = visioncam.explain(model, bright * picture, target=target, layer="body")
            assert found.score == pytest.approx(scores[count - 1].item(), rel=1e-5)
            assert (found.target.name, found.target.label) == (None, f"class {count - 1}")
        for target in (count, visioncam.targets.Ranked(count)):
            with pytest.raises(
                TargetError, match=f"has {count} values for this picture, and .* was requested"
            ):
                visioncam.explain(model, bright * picture, target=target, layer="body")
        probable = visioncam.explain(model, bright * picture, layer="body", score="probability")
        assert probable.target.probability == pytest.approx(scores[0].item(), rel=1e-5)


def test_other_outputs_of_a_detector_are_named_without_the_picture(detector: Detector) -> None:
    picture = torch.rand(3, 32, 32)
    found = visioncam.explain(
        detector, picture, output="boxes", target=lambda v: v[:, 0].sum(-1), layer="body"
    )
    assert found.target.label
    with pytest.raises(TargetError, match=r"scores.*boxes.*labels"):
        visioncam.explain(detector, picture, output="mask", target=0)
