"""Writing the labels of accepted pairs, each under its pair's id."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ssvif.data.examine import Finding
from ssvif.data.images import write_png
from ssvif.data.index import Index, LabelFinding
from ssvif.data.labels import load_boxes, load_mask
from ssvif.data.layouts import Capture
from ssvif.data.quarantine import Rejection
from ssvif.errors import PairError
from ssvif.files import sha256_file, sha256_json, write_changed


@dataclass(frozen=True)
class Labels:
    """The labels of a pair: the files that are there, and what was dropped."""

    mask: Path | None
    boxes: Path | None
    dropped: Sequence[Rejection]


def write_labels(
    capture: Capture, finding: Finding, *, folder: Path, index: Index, max_pixels: int
) -> Labels:
    """Write the labels of one pair, unless they are there already.

    Args:
        capture: The pair's files.
        finding: Its id and size.
        folder: Where `masks/ID.png` and `boxes/ID.txt` are.
        index: What is there already; brought up to date.
        max_pixels: The most pixels that are decoded.

    Raises:
        StorageError: If a file cannot be written.
    """
    height, width = int(finding.measures["height"]), int(finding.measures["width"])

    def write_mask(source: Path, target: Path) -> None:
        write_png(target, load_mask(source, height=height, width=width, max_pixels=max_pixels))

    def write_boxes(source: Path, target: Path) -> None:
        write_changed(target, load_boxes(source, height=height, width=width).encode())

    written: dict[str, Path | None] = {}
    dropped: list[Rejection] = []
    for kind, source, suffix, write in (
        ("masks", capture.mask, ".png", write_mask),
        ("boxes", capture.boxes, ".txt", write_boxes),
    ):
        target = folder / kind / f"{finding.pair_id}{suffix}"
        written[kind] = None
        if source is None:
            continue
        key = f"{kind}/{finding.pair_id}"
        fingerprint = sha256_json([_hash(source), max_pixels])
        known = index.labels.get(key)
        is_same = known is not None and known.fingerprint == fingerprint
        if known is None or not is_same or not (known.code or target.exists()):
            try:
                write(source, target)
                known = LabelFinding(fingerprint)
            except PairError as error:
                known = LabelFinding(fingerprint, error.code, str(error))
            index.labels[key] = known
        if known.code:
            dropped.append(Rejection(capture, known.code, known.sentence))
        else:
            written[kind] = target
    return Labels(written["masks"], written["boxes"], dropped)


def _hash(path: Path) -> str:
    try:
        return sha256_file(path)
    except OSError:  # reading it says why
        return ""
