"""The inbox: bringing sets of captures in, and listing them."""

import re
import shutil
from dataclasses import dataclass
from pathlib import Path

from ssvif.data.checks import check_inside
from ssvif.data.layouts import (
    AUTO,
    SPLIT_FOLDERS,
    Capture,
    detect_layout,
    find_captures,
    list_files,
)
from ssvif.data.sets import SetInfo, infrared_range, read_set_info, write_set_info
from ssvif.errors import CapturesError, PairError
from ssvif.files import atomic_path, sha256_file
from ssvif.params import IngestParams

INBOX = Path("data/captures")
SET_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.-]*")


@dataclass(frozen=True)
class SetSummary:
    """A set in the inbox.

    Args:
        name: Its name.
        layout: The layout its files follow.
        pairs: Pairs with both halves.
        halves: Files whose other half is missing.
        new_files: Files that were brought in just now.
    """

    name: str
    layout: str
    pairs: int
    halves: int
    new_files: int = 0


def add_captures(
    folder: Path,
    *,
    inbox: Path = INBOX,
    name: str | None = None,
    layout: str = AUTO,
    params: IngestParams | None = None,
) -> SetSummary:
    """Bring a folder of captures into the inbox, leaving the folder as it is.

    Files are hard-linked, or copied where they cannot be. A folder that is itself called train,
    val or test goes to that part of its set. Files that the set has already are left out.

    Args:
        folder: The captures, in any layout of `LAYOUTS`.
        inbox: Where sets are kept.
        name: The set's name; by default the folder's.
        layout: A key of `LAYOUTS`, or `auto`.
        params: The percentiles and the pixel limit for infrared of more than 8 bits.

    Returns:
        What the folder held, and how many of its files are new.

    Raises:
        CapturesError: If there are no pairs, a file would replace another one, a link leads out
            of the folder, or a name cannot be used. Nothing was brought in then.
        StorageError: If a file cannot be written; the same command goes on from there.
    """
    if not folder.is_dir():
        raise CapturesError(f"{folder}: no such folder; give the folder that holds the captures")
    home = inbox / _set_name(folder.resolve(), name)
    info = read_set_info(home)
    captures, layout = _find(folder, layout, info)
    moves = _plan(folder, home, captures, layout)
    for source, target in moves.items():
        _bring(source, target)
    if info is None:
        limits = params or IngestParams()
        value_range = infrared_range(captures, limits)
        write_set_info(home, SetInfo(layout=layout, infrared_range=value_range))
    return _summary(home.name, layout, captures, new_files=len(moves))


def list_captures(inbox: Path = INBOX) -> list[SetSummary]:
    """Describe every set in the inbox; one without captures has zero pairs.

    Raises:
        CapturesError: If a set's `set.yaml` is not understood.
    """
    summaries = []
    for home in set_folders(inbox):
        info = read_set_info(home) or SetInfo()
        try:
            layout = detect_layout(home) if info.layout == AUTO else info.layout
            summaries.append(_summary(home.name, layout, find_captures(home, layout)))
        except CapturesError:
            summaries.append(SetSummary(home.name, info.layout, pairs=0, halves=0))
    return summaries


def set_folders(inbox: Path) -> list[Path]:
    """Return the folders of the sets in an inbox, in the order of their names."""
    if not inbox.is_dir():
        return []
    folders = (path for path in inbox.iterdir() if path.is_dir())
    return sorted(path for path in folders if not path.name.startswith("."))


def _set_name(folder: Path, name: str | None) -> str:
    is_part = folder.name.casefold() in SPLIT_FOLDERS
    chosen = name or (folder.parent.name if is_part else folder.name)
    if not SET_NAME.fullmatch(chosen):
        raise CapturesError(
            f"{chosen!r} cannot name a set; give letters, digits, - _ . with --name"
        )
    return chosen


def _find(folder: Path, layout: str, info: SetInfo | None) -> tuple[list[Capture], str]:
    if info is not None and info.layout != AUTO:
        if layout not in (AUTO, info.layout):
            raise CapturesError(
                f"{folder}: the set was brought in with layout {info.layout}, now {layout}; use"
                " another --name"
            )
        layout = info.layout
    layout = detect_layout(folder) if layout == AUTO else layout
    captures = find_captures(folder, layout)
    if not any(capture.is_complete for capture in captures):
        raise CapturesError(
            f"{folder}: {len(captures)} files, but none has its other half (layout {layout});"
            " halves pair by equal names, see docs/captures.md"
        )
    return captures, layout


def _plan(folder: Path, home: Path, captures: list[Capture], layout: str) -> dict[Path, Path]:
    """Map each new file to its place in the inbox."""
    part = folder.resolve().name.casefold()
    base = home / part if part in SPLIT_FOLDERS else home
    moves = {}
    try:
        for capture in captures:
            check_inside(capture.files, folder)
    except PairError as error:
        raise CapturesError(f"{folder}: {error}") from None
    files = [*list_files(folder, layout), *(path for pair in captures for path in pair.files)]
    for source in files:
        target = base / source.relative_to(folder)
        if not target.exists():
            moves[source] = target
        elif not target.samefile(source) and sha256_file(target) != sha256_file(source):
            raise CapturesError(
                f"{target}: the set has another file of this name; rename {source} or use another"
                " --name"
            )
    return moves


def _bring(source: Path, target: Path) -> None:
    """Link or copy a file. A link shares rights and bytes with the user's file: never write."""
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.hardlink_to(source.resolve())
    except OSError:
        with atomic_path(target) as temporary:
            shutil.copyfile(source, temporary)


def _summary(name: str, layout: str, captures: list[Capture], *, new_files: int = 0) -> SetSummary:
    pairs = sum(capture.is_complete for capture in captures)
    return SetSummary(name, layout, pairs, len(captures) - pairs, new_files)
