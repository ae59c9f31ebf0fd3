"""Draws docs/fused.png from synthetic scenes: `python docs/picture.py` after `make repro`."""

from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFont

from ssvif import console
from ssvif.data.images import UInt8Image, write_png
from ssvif.data.synthetic import render_pair
from ssvif.fuse.fuser import Fuser
from ssvif.fuse.palette import palette
from ssvif.fuse.places import CHAMPION, WEIGHTS_NAME
from ssvif.fuse.views import MACHINE
from ssvif.models.network import SsvifModel
from ssvif.models.weights import load_model

OUT = Path("docs/fused.png")
SCENES = (21, 5, 49)  # smoke by night, night, day
SIZE = (240, 320)
COLUMNS = ("visible", "infrared", "fused", "machine view", "segmentation of the fused image")
GAP, HEAD = 6, 24


def segmentation(model: SsvifModel, fused: UInt8Image) -> UInt8Image:
    """Colour each pixel of a fused image (H, W, 3) by its prototype."""
    planes = torch.from_numpy(fused.copy()).permute(2, 0, 1)[None].float() / 255.0
    height, width = fused.shape[:2]
    padded = torch.nn.functional.pad(planes, (0, -width % 32, 0, -height % 32), mode="replicate")
    with torch.inference_mode():
        classes = model.pixel_level(padded).argmax(1)[0].numpy()
    large = palette(len(model.prototypes))[classes].repeat(4, axis=0).repeat(4, axis=1)
    return np.asarray(large[:height, :width])


def main() -> None:
    """Fuse the scenes with the champion and draw them in rows."""
    weights = CHAMPION / WEIGHTS_NAME
    fuser, machine = Fuser.load(weights), Fuser.load(weights, view=MACHINE)
    model = load_model(weights)
    rows = []
    for index in SCENES:
        pair = render_pair(index, seed=0, height=SIZE[0], width=SIZE[1])
        fused = fuser(pair.vis, pair.ir)
        ir = np.repeat(pair.ir[..., None], 3, axis=2)
        seen = machine(pair.vis, pair.ir)
        rows.append((pair.vis, ir, fused, seen, segmentation(model, fused)))
    height, width = SIZE
    sheet = Image.new(
        "RGB",
        (len(COLUMNS) * (width + GAP) - GAP, HEAD + len(rows) * (height + GAP) - GAP),
        "white",
    )
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(14)
    for column, title in enumerate(COLUMNS):
        draw.text((column * (width + GAP) + 2, 4), title, fill="black", font=font)
    for row, images in enumerate(rows):
        for column, image in enumerate(images):
            place = (column * (width + GAP), HEAD + row * (height + GAP))
            sheet.paste(Image.fromarray(image), place)
    write_png(OUT, np.asarray(sheet))


if __name__ == "__main__":
    console.run(main)
