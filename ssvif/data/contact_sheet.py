"""A picture of some pairs of each set, visible above infrared, and of what was refused."""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image, ImageDraw, ImageFont, ImageOps

from ssvif.data.images import read_infrared_raw, read_visible, scale_infrared
from ssvif.data.infrared_range import EIGHT_BITS
from ssvif.data.manifest import pair_paths
from ssvif.data.quarantine import Rejection
from ssvif.errors import ImageError
from ssvif.files import write_changed
from ssvif.params import MAX_PIXELS

_COLUMNS = 6
_PICTURE = (208, 156)  # pixels: width, height
_GAP = 12
_MARGIN = 32
_TITLE = 44
_CAPTION = 46
_CELL_HEIGHT = 2 * _PICTURE[1] + 2 + _CAPTION
_ROW_HEIGHT = _TITLE + _CELL_HEIGHT + 12

_PAPER, _EMPTY = (252, 252, 250), (234, 234, 230)
_INK, _FAINT, _RED = (38, 40, 44), (122, 126, 132), (172, 52, 60)


@dataclass(frozen=True)
class _Cell:
    vis: Path | None
    ir: Path | None
    name: str
    remark: str


@dataclass(frozen=True)
class _Row:
    title: str
    details: str
    cells: Sequence[_Cell]
    ink: tuple[int, int, int] = _INK


def draw_contact_sheet(
    manifest: pd.DataFrame, rejections: Sequence[Rejection], *, pairs: Path, path: Path
) -> None:
    """Draw up to six pairs of each set, and up to six that were refused, each code in turn.

    Args:
        manifest: The accepted pairs.
        rejections: What was refused.
        pairs: The folder of the canonical pairs.
        path: The PNG to write; one of the same content is left alone.

    Raises:
        StorageError: If the picture cannot be written.
    """
    rows = [_set_row(str(name), rows, pairs) for name, rows in manifest.groupby("set")]
    refused = [rejection for rejection in rejections if rejection.capture.files]
    if refused:
        rows.append(_refused_row(refused))
    width = 2 * _MARGIN + _COLUMNS * (_PICTURE[0] + _GAP) - _GAP
    sheet = Image.new("RGB", (width, 2 * _MARGIN + len(rows) * _ROW_HEIGHT - _GAP), _PAPER)
    for number, row in enumerate(rows):
        _draw_row(sheet, row, top=_MARGIN + number * _ROW_HEIGHT)
    content = io.BytesIO()
    sheet.save(content, format="PNG")
    write_changed(path, content.getvalue())


def _set_row(name: str, rows: pd.DataFrame, pairs: Path) -> _Row:
    chosen = np.linspace(0, len(rows) - 1, min(_COLUMNS, len(rows))).round().astype(int)
    cells = [
        _Cell(*pair_paths(row["id"], pairs), row["name"], f"{row['split']}, {row['light']}")
        for row in rows.iloc[chosen].to_dict("records")
    ]
    counts = [*rows["split"].value_counts().items(), *rows["light"].value_counts().items()]
    details = "   ".join(f"{count} {what}" for what, count in counts)
    return _Row(name, f"{len(rows)} pairs:   {details}", cells)


def _refused_row(rejections: Sequence[Rejection]) -> _Row:
    """One of each code first, then more of them."""
    ranks: dict[str, int] = {}
    ranked = []
    for rejection in rejections:
        ranks[rejection.code] = ranks.get(rejection.code, 0) + 1
        ranked.append((ranks[rejection.code], rejection))
    chosen = [item for _, item in sorted(ranked, key=lambda entry: entry[0])[:_COLUMNS]]
    cells = [_refused_cell(item) for item in chosen]
    details = "   ".join(f"{count} {code}" for code, count in sorted(ranks.items()))
    return _Row("refused", details, cells, ink=_RED)


def _refused_cell(item: Rejection) -> _Cell:
    capture = item.capture
    is_ours = item.code != "outside"  # what a link leads to is not shown
    vis, ir = (capture.vis, capture.ir) if is_ours else (None, None)
    return _Cell(vis, ir, f"{capture.set_name}/{capture.name}", item.code)


def _draw_row(sheet: Image.Image, row: _Row, *, top: int) -> None:
    draw = ImageDraw.Draw(sheet)
    title = ImageFont.load_default(22)
    draw.text((_MARGIN, top), row.title, fill=row.ink, font=title)
    indent = _MARGIN + draw.textlength(row.title, font=title) + 14
    draw.text((indent, top + 7), row.details, fill=_FAINT, font=ImageFont.load_default(14))
    for column, cell in enumerate(row.cells):
        left, upper = _MARGIN + column * (_PICTURE[0] + _GAP), top + _TITLE
        for number, picture in enumerate((_visible(cell), _infrared(cell))):
            sheet.paste(_framed(picture), (left, upper + number * (_PICTURE[1] + 2)))
        lower = upper + 2 * _PICTURE[1] + 8
        draw.text((left, lower), _short(cell.name), fill=_INK, font=ImageFont.load_default(14))
        remark_ink = _FAINT if row.ink == _INK else row.ink
        draw.text((left, lower + 18), cell.remark, fill=remark_ink, font=ImageFont.load_default(13))


def _visible(cell: _Cell) -> Image.Image | None:
    if cell.vis is None:
        return None
    try:
        return Image.fromarray(read_visible(cell.vis, max_pixels=MAX_PIXELS))
    except ImageError:
        return None


def _infrared(cell: _Cell) -> Image.Image | None:
    if cell.ir is None or cell.ir == cell.vis:
        return None
    try:
        raw = read_infrared_raw(cell.ir, max_pixels=MAX_PIXELS)
        is_deep = raw.dtype != np.uint8
        span = (float(raw.min()), float(raw.max()) + 1.0) if is_deep else EIGHT_BITS
        return Image.fromarray(scale_infrared(raw, span))
    except ImageError:
        return None


def _framed(picture: Image.Image | None) -> Image.Image:
    """The picture as large as fits, on a plain ground."""
    frame = Image.new("RGB", _PICTURE, _EMPTY)
    if picture is None:
        text, font = "no picture", ImageFont.load_default(14)
        centre = (_PICTURE[0] / 2, _PICTURE[1] / 2)
        ImageDraw.Draw(frame).text(centre, text, fill=_FAINT, font=font, anchor="mm")
        return frame
    small = ImageOps.contain(picture.convert("RGB"), _PICTURE)
    frame.paste(small, ((_PICTURE[0] - small.width) // 2, (_PICTURE[1] - small.height) // 2))
    return frame


def _short(name: str) -> str:
    """The end of a long name, which tells it from others."""
    font, dots = ImageFont.load_default(14), ""
    while font.getlength(dots + name) > _PICTURE[0]:
        name, dots = name[1:], "…"
    return dots + name
