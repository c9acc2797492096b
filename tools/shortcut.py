"""Draw docs/images/shortcut.webp, a tag that the audit finds: `python tools/shortcut.py`.

A small network learns two classes of crops of the example photos.  Those of one have a shop's tag, and
nothing else tells the classes apart; so it learns the tag.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import keras
import numpy as np
from PIL import Image, ImageDraw

import visioncam

ROOT = Path(__file__).resolve().parents[1]
PHOTOS = ("coffee.png", "chelsea.png", "rocket.jpg")
SIDE, EACH = 112, 24
TILE, GAP = 336, 12
SHOWN = (4, 1, 22)
NAMES = ["private", "for sale"]


def crops(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return crops of the photos, uint8 (N, 112, 112, 3), and their classes; the second's are tagged."""
    rng, found = np.random.default_rng(seed), []
    photos = [Image.open(ROOT / "examples" / name).convert("RGB").resize((240, 160)) for name in PHOTOS]
    labels = np.arange(2 * EACH) % 2
    for label in labels:
        x, y = rng.integers(0, 240 - SIDE), rng.integers(0, 160 - SIDE)
        crop = photos[rng.integers(len(photos))].crop((x, y, x + SIDE, y + SIDE))
        if label:
            draw = ImageDraw.Draw(crop)
            draw.rectangle((76, 94, 108, 108), fill="white")
            draw.text((80, 95), "shop", fill="black")
        found.append(np.asarray(crop))
    return np.stack(found), labels


def trained(images: np.ndarray, labels: np.ndarray) -> keras.Model:
    """Return a small network that tells the classes apart."""
    keras.utils.set_random_seed(0)
    layers = keras.layers
    model = keras.Sequential(
        [keras.Input((SIDE, SIDE, 3)), layers.Rescaling(1 / 127.5, offset=-1)]
        + [layers.Conv2D(n, 3, strides=2, padding="same", activation="relu") for n in (16, 24, 32)]
        + [layers.GlobalAveragePooling2D(), layers.Dense(2, activation="softmax")]
    )
    model.compile(keras.optimizers.Adam(3e-3), "sparse_categorical_crossentropy")
    model.fit(images.astype("float32"), labels, epochs=60, batch_size=16, verbose=0)
    return model


def main() -> None:
    """Train, audit, and draw three crops with their maps, and the mean map with the found place framed."""
    model = trained(*crops(0))
    images, labels = crops(1)
    tagged = list(images[labels == 1])
    found = visioncam.audit(model, tagged, class_names=NAMES)
    print(found)
    shown = [visioncam.explain(model, tagged[at], class_names=NAMES) for at in SHOWN]
    with tempfile.TemporaryDirectory() as folder:
        mean = Image.open(found.save(Path(folder) / "means.png")).convert("RGB")
    tiles = [Image.fromarray(e.render("overlay")).resize((TILE, TILE)) for e in shown]
    tiles.append(mean.resize((TILE, TILE * mean.height // mean.width)))
    sheet = Image.new("RGB", (len(tiles) * (TILE + GAP) - GAP, tiles[-1].height), "white")
    for at, tile in enumerate(tiles):
        sheet.paste(tile, ((TILE + GAP) * at, 0))
    sheet.save(ROOT / "docs" / "images" / "shortcut.webp", quality=88)


if __name__ == "__main__":
    main()
