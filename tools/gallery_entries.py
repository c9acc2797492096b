"""An entry of the gallery: one picture, and the Python that makes it."""

from __future__ import annotations

from contextlib import chdir
from pathlib import Path
from typing import Any

import attrs

ROOT = Path(__file__).resolve().parents[1]
PHOTO = "import visioncam\n\nmodel = visioncam.demo.load()\n"
MADE_UP = "import visioncam\nfrom tools.gallery_models import {}\n\n"
SUBJECTS = {
    "cat": PHOTO + 'cat = visioncam.explain(model, "examples/chelsea.png", method="xgradcam")',
    "coffee": PHOTO + 'coffee = visioncam.explain(model, "examples/coffee.png", method="xgradcam")',
    "rocket": PHOTO + 'rocket = visioncam.explain(model, "examples/rocket.jpg", method="xgradcam")',
    "both": PHOTO + "both = visioncam.explain(\n"
    '    model, "examples/chelsea.png", target="Egyptian cat", evidence="signed", layer="block5c_add"\n)',
    "sheet": PHOTO + 'sheet = visioncam.compare(model, "examples/coffee.png")',
    "rows": PHOTO + 'paths = ["examples/rocket.jpg", "examples/coffee.png"]\n'
    'rows = visioncam.compare(model, paths, ["gradcam", "hirescam"], layers=["block3b_add", "auto"])',
    "gradient": PHOTO + 'gradient = visioncam.compare(model, "examples/coffee.png", methods="gradient")',
    "region": PHOTO + 'region = visioncam.compare(model, "examples/coffee.png", methods="region")',
    "shap": PHOTO + 'shap = visioncam.explain(model, "examples/coffee.png", method="partitionshap")\n'
    "print(shap.account)",
    "scan": MADE_UP.format("nodule_finder, volume") + "scan = visioncam.explain(\n"
    '    nodule_finder(), volume(), "respondcam", target="nodule", class_names=["nodule", "cyst"]\n)',
    "beats": MADE_UP.format("beat_sorter, heartbeats")
    + 'beats = visioncam.explain(beat_sorter(), heartbeats(), class_names=["narrow beat", "wide beat"])',
    "ball": MADE_UP.format("clip, motion_finder")
    + 'ball = visioncam.explain(motion_finder(), clip(), class_names=["moving", "at rest"])',
}
"""Name -> the code that makes what has this name, in a checkout."""


@attrs.frozen
class Entry:
    """One picture of the gallery.

    Attributes:
        file: its name in the folder.
        title: what it is called.
        words: what there is to see.
        subject: what is drawn, a name of `SUBJECTS`.
        how: the arguments of `save` behind the file's name, as code.
    """

    file: str
    title: str
    words: str
    subject: str
    how: str = ""

    @property
    def line(self) -> str:
        """The line that writes the picture."""
        return f'{self.subject}.save("{self.file}"{self.how and ", "}{self.how})'

    def markdown(self) -> str:
        """Return its part of the README."""
        code = f"{SUBJECTS[self.subject]}\n{self.line}"
        return f"### {self.title}\n\n{self.words}\n\n```python\n{code}\n```\n\n![{self.title}]({self.file})\n"

    def draw(self, folder: Path, names: dict[str, Any]) -> Path:
        """Run the code; `names` keeps what is made for the next picture of the same."""
        if self.subject not in names:
            with chdir(ROOT):
                exec(SUBJECTS[self.subject], names)
        with chdir(folder):
            exec(self.line, names)
        return folder / self.file
