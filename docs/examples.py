"""Draws the examples of the server's page: `python docs/examples.py`."""

from pathlib import Path

from PIL import Image

from ssvif import console
from ssvif.data.synthetic import render_pair
from ssvif.files import atomic_path

OUT = Path("ssvif/server/page/examples")
SCENES = {"night": 6, "glare": 14, "smoke": 34, "day": 50}
SIZE = (480, 640)
QUALITY = 88  # of WebP: without loss they would be ten times as large


def main() -> None:
    """Write each scene as NAME_vis.webp and NAME_ir.webp."""
    for name, index in SCENES.items():
        pair = render_pair(index, seed=0, height=SIZE[0], width=SIZE[1])
        for camera, image in (("vis", pair.vis), ("ir", pair.ir)):
            with atomic_path(OUT / f"{name}_{camera}.webp") as temporary:
                Image.fromarray(image).save(temporary, format="WEBP", quality=QUALITY, method=6)


if __name__ == "__main__":
    console.run(main)
