"""`python -m benchmarks.fuzz`: throws damaged image files at the readers.

Needs `pip install atheris`. Coverage-guided (libFuzzer), beginning with small valid files of each
format. Whatever comes, a reader must return an image or raise one of this project's errors: no
other exception, no crash of a decoder, no hang, no growing memory.
"""

import io
import struct
import sys
import tempfile
import warnings
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from ssvif import console
from ssvif.errors import SsvifError

PIXELS = 1_000_000  # a limit that small files can reach, too
SECONDS = 20  # of one input, at most
MEGABYTES = 2048

Reader = Callable[[Path], object]


def readers() -> tuple[Reader, ...]:
    """Import what reads image files, and return it; what is imported first here can be watched."""
    from ssvif.data import images
    from ssvif.fuse.marks import read_marks

    return (
        lambda path: images.read_visible(path, max_pixels=PIXELS),
        lambda path: images.read_infrared_raw(path, max_pixels=PIXELS),
        lambda path: images.read_four_channels(path, max_pixels=PIXELS),
        lambda path: images.read_mask(path, max_pixels=PIXELS),
        images.infrared_depth,
        read_marks,
    )


def seeds() -> list[bytes]:
    """Return small files: valid ones of each format and kind of pixel, and bombs."""
    from PIL import Image

    generator = np.random.default_rng(0)
    colour = Image.fromarray(generator.integers(0, 256, (12, 16, 3), dtype=np.uint8))
    deep = Image.fromarray(generator.integers(0, 65536, (12, 16), dtype=np.uint16))
    floats = Image.fromarray(generator.random((12, 16), dtype=np.float32))
    made = [(colour.convert(mode), kind) for mode in ("RGB", "L", "P") for kind in ("PNG", "BMP")]
    made += [(colour, kind) for kind in ("JPEG", "WEBP", "TIFF")]
    made += [(deep, "PNG"), (deep, "TIFF"), (floats, "TIFF"), (colour.convert("RGBA"), "PNG")]
    files = []
    for image, kind in made:
        stream = io.BytesIO()
        image.save(stream, format=kind)
        files.append(stream.getvalue())
    return [*files, many_scans(200), wide_tiles(16_000)]


def many_scans(scans: int) -> bytes:
    """Return a small JPEG whose last scan is repeated: each costs time, and 12 bytes or so."""
    from PIL import Image

    stream = io.BytesIO()
    Image.new("RGB", (16, 12)).save(stream, format="JPEG", progressive=True)
    content, end = stream.getvalue()[:-2], stream.getvalue()[-2:]
    return content + scans * content[content.rindex(b"\xff\xda") :] + end


def wide_tiles(side: int) -> bytes:
    """Return a TIFF of 16x16 pixels whose one tile is said to be `side` wide and high."""
    tile = zlib.compress(bytes(1000))
    values = {256: 16, 257: 16, 258: 8, 259: 8, 262: 1, 277: 1}
    values |= {322: side, 323: side, 324: 8, 325: len(tile)}
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in values.items())
    head = b"II*\0" + struct.pack("<I", 8 + len(tile)) + tile
    return head + struct.pack("<H", len(values)) + entries + bytes(4)


def main(
    runs: Annotated[int, typer.Option(help="How many inputs.")] = 100_000,
    seed: Annotated[int, typer.Option(help="Of what is tried.")] = 1,
) -> None:
    """Fuzz the readers of image files; ends with an error at the first finding."""
    try:
        import atheris
    except ModuleNotFoundError as error:
        raise typer.BadParameter("needs atheris: pip install atheris") from error
    with atheris.instrument_imports(include=["ssvif.data.images", "PIL"]):
        watched = readers()
    with tempfile.TemporaryDirectory() as folder:
        corpus = Path(folder) / "corpus"
        corpus.mkdir()
        for number, content in enumerate(seeds()):
            (corpus / str(number)).write_bytes(content)
        place = Path(folder) / "image"

        def read(content: bytes) -> None:
            place.write_bytes(content)
            for reader in watched:
                try:
                    reader(place)
                except SsvifError:
                    continue

        warnings.simplefilter("ignore")  # Pillow has one for most of them
        limits = [f"-runs={runs}", f"-seed={seed}", f"-timeout={SECONDS}", "-max_len=4096"]
        atheris.Setup([sys.argv[0], *limits, f"-rss_limit_mb={MEGABYTES}", str(corpus)], read)
        atheris.Fuzz()


if __name__ == "__main__":
    console.run(lambda: typer.run(main))
