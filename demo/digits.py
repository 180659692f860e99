"""Scikit-learn's handwritten digits as what lands in real life: one PNG file per image.

The 1 797 images are split once and for all: the first 1 197 train the model, the last 600 are held back and never seen
in training, so that the accuracy on them is honest. `python -m demo.digits FOLDER` writes some of those.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy
from PIL import Image
from sklearn.datasets import load_digits

TRAINING = 1197
LEVEL = 15
"""Grey levels of the PNG per level of the original, which go from 0 to 16."""


def training_set() -> tuple[Any, Any]:
    """Images as rows of 64 grey values, and their true labels."""
    digits = load_digits()
    return digits.data[:TRAINING], digits.target[:TRAINING]


def held_back() -> tuple[Any, Any]:
    """Images of 8 by 8 grey values, and their true labels."""
    digits = load_digits()
    return digits.images[TRAINING:], digits.target[TRAINING:]


def write_held_back(folder: Path, count: int | None = None) -> dict[str, int]:
    """Write the held-back images (the first `count`) as PNG files; returns the true label of each file name."""
    folder.mkdir(parents=True, exist_ok=True)
    labels: dict[str, int] = {}
    images, targets = held_back()
    for number, (image, target) in enumerate(zip(images[:count], targets[:count], strict=True)):
        name = f"digit-{number:04}.png"
        to_png(image).save(folder / name)
        labels[name] = int(target)
    return labels


def to_png(image: Any) -> Image.Image:
    """A grey image from which `from_png` gets every value back."""
    return Image.fromarray((image * LEVEL).astype(numpy.uint8))


def from_png(path: Path) -> Any:
    """The grey values, 0 to 16, as one row of 64."""
    with Image.open(path) as image:
        return numpy.asarray(image, dtype=float).reshape(-1) / LEVEL


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python -m demo.digits FOLDER")
    write_held_back(Path(sys.argv[1]), 20)
