"""The inbox: bringing sets of captures in, and listing them."""

import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ssvif.data.arrivals import note_arrivals
from ssvif.data.checks import check_inside
from ssvif.data.layouts import (
    AUTO,
    SPLIT_FOLDERS,
    Capture,
    detect_layout,
    find_captures,
    list_files,
    unread_images,
)
from ssvif.data.quarantine import RECORDS
from ssvif.data.sets import SetInfo, infrared_range, read_set_info, write_set_info
from ssvif.data.walk import linked_folders
from ssvif.errors import CapturesError, PairError
from ssvif.files import atomic_path, sha256_file
from ssvif.locks import locked
from ssvif.params import IngestParams

INBOX = Path("data/captures")
_LOCK_SECONDS = 600.0
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
        unread_images: Images of the folder that the layout has no place for.
        left_out: Why pairs or lists were left where they are, a sentence each.
    """

    name: str
    layout: str
    pairs: int
    halves: int
    new_files: int = 0
    unread_images: int = 0
    left_out: tuple[str, ...] = ()


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
    val or test goes to that part of its set. Files that the set has already are left out, and so
    are links that lead out of the folder. The range of deep infrared is recorded once, over all
    that the set then has.

    Args:
        folder: The captures, in any layout of `LAYOUTS`.
        inbox: Where sets are kept.
        name: The set's name; by default the folder's.
        layout: A key of `LAYOUTS`, or `auto`.
        params: The percentiles and the pixel limit for infrared of more than 8 bits.

    Returns:
        What the folder held, and how many of its files are new.

    Raises:
        CapturesError: If there are no pairs, a file would replace another one, the folder holds
            the inbox, or a name cannot be used. Nothing was brought in then.
        StorageError: If a file cannot be written; the same command goes on from there.
    """
    if not folder.is_dir():
        raise CapturesError(f"{folder}: no such folder; give the folder that holds the captures")
    if inbox.resolve().is_relative_to(folder.resolve()):
        raise CapturesError(f"{folder}: holds the inbox {inbox} itself; give the captures' folder")
    home = inbox / _set_name(folder.resolve(), name)
    # Beside the inbox: what is in it is what DVC looks at.
    lock = inbox.with_name(f".{inbox.name}.lock")
    refusal = CapturesError(
        f"{lock}: another process has brought captures in for {_LOCK_SECONDS:g} s; wait for it, or "
        "end it"
    )
    with locked(lock, seconds=_LOCK_SECONDS, refusal=refusal):
        return _add(folder, home, layout, params or IngestParams())


def _add(folder: Path, home: Path, layout: str, params: IngestParams) -> SetSummary:
    info = read_set_info(home)
    found, layout = _find(folder, layout, info)
    unread = unread_images(folder, found)
    captures, lists, left_out = _part(folder, found, list_files(folder, layout))
    moves = _plan(folder, home, [*lists, *(path for pair in captures for path in pair.files)])
    # What was put there by hand, or before arrivals were noted, was dealt out before these.
    note_arrivals(_present(home, info), home)
    for source, target in moves.items():
        _bring(source, target)
    note_arrivals(find_captures(home, layout), home)
    _record(home, info, layout, params)
    summary = _summary(home.name, layout, captures)
    return replace(
        summary, new_files=len(moves), unread_images=len(unread), left_out=tuple(left_out)
    )


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


def is_set_name(name: str) -> bool:
    """Tell whether a set may be called so."""
    return bool(SET_NAME.fullmatch(name)) and name.casefold() != RECORDS


def place_in_set(folder: Path, home: Path) -> Path:
    """Return where a folder's files belong in its set: below `train` if it is itself called so."""
    part = folder.resolve().name.casefold()
    return home / part if part in SPLIT_FOLDERS else home


def set_folders(inbox: Path) -> list[Path]:
    """Return the folders of the sets in an inbox, in the order of their names."""
    if not inbox.is_dir():
        return []
    folders = (path for path in inbox.iterdir() if path.is_dir())
    return sorted(path for path in folders if not path.name.startswith("."))


def _set_name(folder: Path, name: str | None) -> str:
    is_part = folder.name.casefold() in SPLIT_FOLDERS
    chosen = name or (folder.parent.name if is_part else folder.name)
    if not is_set_name(chosen):
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


def _present(home: Path, info: SetInfo | None) -> list[Capture]:
    try:
        return find_captures(home, info.layout if info else AUTO)
    except CapturesError:
        return []  # a new set


def _part(
    folder: Path, captures: Sequence[Capture], lists: Sequence[Path]
) -> tuple[list[Capture], list[Path], list[str]]:
    """Return pairs and lists whose files are in the folder, and why others are left out."""
    reasons = {capture: _why_outside(capture.files, folder) for capture in captures}
    list_reasons = {path: _why_outside([path], folder) for path in lists}
    good = [capture for capture, reason in reasons.items() if not reason]
    left_out = [f"{capture.name}: {reason}" for capture, reason in reasons.items() if reason]
    left_out += [reason for reason in list_reasons.values() if reason]
    left_out += [
        f"{path.relative_to(folder)} is a link to a folder; put the folder itself there"
        for path in linked_folders(folder)
    ]
    if not any(capture.is_complete for capture in good):
        raise CapturesError(f"{folder}: no pair can be brought in; {left_out[0]}")
    return good, [path for path, reason in list_reasons.items() if not reason], left_out


def _why_outside(files: Sequence[Path], folder: Path) -> str:
    try:
        check_inside(files, folder)
    except PairError as error:
        return str(error)
    return ""


def _plan(folder: Path, home: Path, files: Sequence[Path]) -> dict[Path, Path]:
    """Map each new file to its place in the inbox."""
    base = place_in_set(folder, home)
    moves = {}
    for source in files:
        target = base / source.relative_to(folder)
        if not target.exists():
            moves[source] = target
        elif not target.samefile(source) and sha256_file(target) != sha256_file(source):
            raise CapturesError(
                f"{target}: the set has another file of this name; to replace it, delete it there"
                f" and add again, to keep both, rename {source} or use another --name"
            )
    return moves


def _bring(source: Path, target: Path) -> None:
    """Link or copy a file. A link shares rights and bytes with the user's file: never write."""
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.hardlink_to(source.resolve())
    except FileExistsError:
        raise CapturesError(f"{target}: came there meanwhile; add {source} again") from None
    except OSError:
        _copy(source, target)


def _copy(source: Path, target: Path) -> None:
    try:
        with atomic_path(target) as temporary:
            shutil.copyfile(source, temporary)
    except OSError as error:
        raise CapturesError(
            f"{source}: cannot be read ({error.strerror}); check its rights, and add it again"
        ) from error


def _record(home: Path, info: SetInfo | None, layout: str, params: IngestParams) -> None:
    """Write down a set's layout, and its range as soon as it has deep infrared."""
    if info is not None and info.infrared_range is not None:
        return
    value_range = infrared_range(find_captures(home, layout), params)
    if info is None or value_range is not None:
        found = {"layout": layout, "infrared_range": value_range}
        write_set_info(home, (info or SetInfo()).model_copy(update=found))


def _summary(name: str, layout: str, captures: Sequence[Capture]) -> SetSummary:
    pairs = sum(capture.is_complete for capture in captures)
    return SetSummary(name, layout, pairs, len(captures) - pairs)
