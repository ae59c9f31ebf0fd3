"""The quarantine: pairs that were refused, with the reason, and a copy to look at."""

import json
import os
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ssvif.data.layouts import Capture
from ssvif.files import atomic_path, write_changed

RECORDS = "quarantine.jsonl"
EXCLUDED = "excluded"
LABEL_CODES = frozenset({"mask_dropped", "boxes_dropped"})  # the pair itself was kept

# Nothing to look at: a file elsewhere, or a pair that shall not be used at all.
_NOT_COPIED = frozenset({"outside", EXCLUDED})


@dataclass(frozen=True)
class Rejection:
    """A pair, a label or a whole set that was refused.

    Args:
        capture: Its files; of a whole set, none.
        code: The reason, for programs.
        sentence: The reason, for people.
    """

    capture: Capture
    code: str
    sentence: str

    @property
    def is_kept(self) -> bool:
        """Whether only a label was refused."""
        return self.code in LABEL_CODES


def write_quarantine(folder: Path, rejections: Sequence[Rejection], *, root: Path) -> None:
    """Bring the quarantine up to date: copies, one JSON line each, nothing from before.

    Args:
        folder: The quarantine.
        rejections: All that was refused, in the order of the lines.
        root: The project's folder, which sources are given relative to.

    Raises:
        StorageError: If a file cannot be written.
    """
    copies = {
        target: source
        for rejection in rejections
        if not rejection.is_kept and rejection.code not in _NOT_COPIED
        for target, source in _copies(folder, rejection.capture).items()
        if os.access(source, os.R_OK)
    }
    for target, source in copies.items():
        _copy(source, target)
    lines = [json.dumps(_record(rejection, root), ensure_ascii=False) for rejection in rejections]
    write_changed(folder / RECORDS, "".join(f"{line}\n" for line in lines).encode())
    prune(folder, keep={*copies, folder / RECORDS})


def prune(folder: Path, *, keep: Iterable[Path]) -> None:
    """Remove what is in a folder of ours and not in `keep`, and folders left empty."""
    kept = set(keep)
    for path in sorted(folder.rglob("*"), reverse=True):
        if path.is_dir() and not path.is_symlink():
            if not any(path.iterdir()):
                path.rmdir()
        elif path not in kept:
            path.unlink()


def _record(rejection: Rejection, root: Path) -> dict[str, object]:
    capture = rejection.capture
    return {
        "set": capture.set_name,
        "name": capture.name,
        "code": rejection.code,
        "sentence": rejection.sentence,
        "kept": rejection.is_kept,
        "sources": [path.relative_to(root).as_posix() for path in capture.files],
    }


def _copies(folder: Path, capture: Capture) -> dict[Path, Path]:
    """Map files of a pair to where their copies belong: SET/NAME/vis.png and so on."""
    home = folder / capture.set_name / capture.name
    roles = {"vis": capture.vis, "ir": None if capture.is_joint else capture.ir}
    roles |= {f"spare-{number}": path for number, path in enumerate(capture.spare, start=1)}
    return {home / f"{role}{path.suffix}": path for role, path in roles.items() if path}


def _copy(source: Path, target: Path) -> None:
    # A copy, not a link: DVC makes what it stores read-only, and a link is the user's own file.
    was = source.stat()
    if target.exists():
        now = target.stat()
        if (now.st_size, now.st_mtime_ns) == (was.st_size, was.st_mtime_ns):
            return
    with atomic_path(target) as temporary:
        shutil.copy2(source, temporary)
