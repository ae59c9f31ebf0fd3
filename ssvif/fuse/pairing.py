"""Finds which files make a pair: two files, two folders, two patterns, a list, a delivery."""

import fnmatch
import glob
import logging
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TypeVar

from ssvif.data.images import SUFFIXES
from ssvif.data.layouts import AUTO, find_captures, natural_key
from ssvif.errors import CapturesError
from ssvif.fuse.marks import read_marks
from ssvif.fuse.video.sources import SUFFIXES as VIDEO_SUFFIXES

logger = logging.getLogger(__name__)

_BYTE_ORDER_MARK = "\ufeff"  # some editors put it first

_NAMED = 5  # of those that are passed over

# What two sides are matched by, and what each has there.
Key = TypeVar("Key")
Files = TypeVar("Files")

_WILDCARD = re.compile(r"\*\*/|\*|\?|\[!?.[^\]]*\]")


@dataclass(frozen=True)
class FusePair:
    """Files of one pair, where its fused image goes, and files that claim the same name."""

    vis: Path
    ir: Path
    out: Path
    spare: tuple[Path, ...] = ()


def pair_files(vis: Path, ir: Path, out: Path) -> list[FusePair]:
    """Pair two files; two folders by their files' names without suffix; or two patterns.

    Folders are paired in any letter case, patterns such as `*/left_*.png` and `*/right_*.png` by
    what their wildcards stand for.

    Args:
        vis: A visible image, a folder of them, or a pattern.
        ir: An infrared image, a folder of them, or a pattern.
        out: A PNG to write for two files, else a folder; what has no suffix is one.

    Raises:
        CapturesError: If one is a file and the other a folder, either is missing, both are one, no
            names match, `out` does not fit, or holds the sources or images of somebody else, or two
            pairs would have one output.
    """
    pairs = _pair_files(vis, ir, out)
    _require_apart(pairs)
    if [pair.out for pair in pairs] != [out]:  # a file that is named may be overwritten
        _require_ours(pairs)
    return pairs


def _pair_files(vis: Path, ir: Path, out: Path) -> list[FusePair]:
    if any(_is_pattern(path) for path in (vis, ir)):
        return _pair_patterns(vis, ir, out)
    for path in (vis, ir):
        if not path.exists():
            raise CapturesError(f"{path}: no such file or folder")
    if vis.is_dir() != ir.is_dir():
        raise CapturesError(f"expected two files or two folders, found {vis} and {ir}")
    if _identity(vis) == _identity(ir):
        raise CapturesError(
            f"{vis}: is given as visible and as infrared; give the infrared "
            f"{'folder' if vis.is_dir() else 'image'}, too (files with infrared as a fourth channel"
            " are fused as a delivery: --captures FOLDER)"
        )
    if vis.is_dir():
        return _pair_folders(vis, ir, out)
    target = out / f"{vis.stem}.png" if out.is_dir() or not out.suffix else out
    if target.suffix.lower() != ".png":
        raise CapturesError(f"{target}: expected an output that ends in .png, or a folder")
    return [FusePair(vis, ir, target)]


def pair_list(lines: Iterable[str], out: Path) -> list[FusePair]:
    """Pair the files that a list names, one pair a line: VIS, IR and, if wanted, a name, by tabs.

    Args:
        lines: The list; empty lines and those that begin with # are passed over.
        out: A folder for the fused images, each called as its line says, or as its visible file.

    Raises:
        CapturesError: If a line is no pair, a name is no place in `out`, two lines have one name,
            an output is a source or an image of somebody else, or the list is empty.
    """
    _require_folder_of_its_own(out)
    pairs: dict[Path, FusePair] = {}
    for number, line in enumerate(lines, start=1):
        line = line.removeprefix(_BYTE_ORDER_MARK)
        if not line.strip() or line.startswith("#"):
            continue
        parts = line.rstrip("\r\n").split("\t")
        if len(parts) not in (2, 3) or not all(parts):
            raise CapturesError(f"line {number}: expected VIS, IR and perhaps a name, by tabs")
        vis, ir = map(Path, parts[:2])
        name = parts[2].removesuffix(".png") if len(parts) == 3 else vis.stem
        place = PurePosixPath(name)
        if place.is_absolute() or ".." in place.parts or "\\" in name:
            raise CapturesError(f"line {number}: {name}: expected a name that stays in {out}")
        target = out / f"{name}.png"
        if target in pairs:
            raise CapturesError(
                f"line {number}: {name} is the name of two pairs; give them names of their own, in "
                "a third column"
            )
        pairs[target] = FusePair(vis, ir, target)
    if not pairs:
        raise CapturesError("the list names no pair")
    _require_apart(pairs.values())
    _require_ours(pairs.values())
    return list(pairs.values())


def pair_captures(folder: Path, out: Path, *, layout: str = AUTO) -> list[FusePair]:
    """Find the pairs of a delivery, in any layout of `ssvif.data.layouts`.

    Args:
        folder: The captures, as they were delivered.
        out: A folder for the fused images; each is called as its pair is, and may so lie in a
            folder below it.
        layout: A key of `ssvif.data.layouts.LAYOUTS`, or `auto`.

    Returns:
        The pairs; what is without its other half is warned of and passed over.

    Raises:
        CapturesError: If the folder is missing or holds no pair, or `out` is a file or holds the
            captures, or images of somebody else.
    """
    if not folder.is_dir():
        raise CapturesError(f"{folder}: no such folder; give the one that holds the captures")
    captures = find_captures(folder, layout)
    whole = [
        FusePair(capture.vis, capture.ir, out / f"{capture.name}.png", capture.spare)
        for capture in captures
        if capture.vis is not None and capture.ir is not None
    ]
    if not whole:
        raise CapturesError(f"{folder}: no visible image has its infrared half")
    halves = [str(each.name) for each in captures if each.vis is None or each.ir is None]
    _warn_of("captures lack a half", halves)
    homes = {path.parent for pair in whole for path in (pair.vis, pair.ir)}
    above = {parent for home in homes for parent in home.parents if parent.is_relative_to(folder)}
    _require_folder_of_its_own(out, *homes, *above)
    _require_apart(whole)
    _require_ours(whole)
    return whole


def _pair_folders(vis: Path, ir: Path, out: Path) -> list[FusePair]:
    _require_folder_of_its_own(out, vis, ir)
    vis_files, ir_files = _images(vis), _images(ir)
    common = sorted(vis_files.keys() & ir_files.keys(), key=natural_key)
    if not common:
        raise CapturesError(
            f"no image of {vis} has the name of one of {ir}; pairs are matched by name"
        )
    _warn_of_lonely(files[0] for files in _lonely(vis_files, ir_files))
    return [_pair(vis_files[name], ir_files[name], out) for name in common]


def _lonely(vis: Mapping[Key, Files], ir: Mapping[Key, Files]) -> list[Files]:
    """Return what is on one side alone."""
    sides = ((vis, ir), (ir, vis))
    return [side[key] for side, other in sides for key in side if key not in other]


def _warn_of_lonely(paths: Iterable[Path]) -> None:
    _warn_of("images have no partner of their name", [str(path) for path in paths])


def _warn_of(what: str, names: Sequence[str]) -> None:
    if names:
        told = ", ".join(sorted(names, key=natural_key)[:_NAMED])
        more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
        logger.warning("%d %s and are passed over: %s%s", len(names), what, told, more)


def _is_pattern(path: Path) -> bool:
    return not path.exists() and _WILDCARD.search(str(path)) is not None


def _pair_patterns(vis: Path, ir: Path, out: Path) -> list[FusePair]:
    _require_folder_of_its_own(out)
    vis_files, ir_files = _found(vis), _found(ir)
    common = sorted(
        vis_files.keys() & ir_files.keys(), key=lambda parts: [natural_key(part) for part in parts]
    )
    if not common:
        raise CapturesError(
            f"no file of {vis} ({len(vis_files)} found) has its half among those of {ir} "
            f"({len(ir_files)} found); what the wildcards stand for must be the same"
        )
    _warn_of_lonely(_lonely(vis_files, ir_files))
    return [
        FusePair(vis_files[key], ir_files[key], _place(out, key, vis_files[key])) for key in common
    ]


def _place(out: Path, key: Sequence[str], vis: Path) -> Path:
    """Return where the fused image of what wildcards stand for lies; no file is called nothing."""
    *folders, name = key
    if Path(name).suffix.lower() in SUFFIXES:  # the wildcard stands for the whole file's name
        name = Path(name).stem
    return out.joinpath(*folders, f"{name or vis.stem}.png")


def _found(pattern: Path) -> dict[tuple[str, ...], Path]:
    """Return the files of a pattern by what its wildcards stand for."""
    text = pattern.as_posix()
    expression, end = "", 0
    for wildcard in _WILDCARD.finditer(text):
        expression += re.escape(text[end : wildcard.start()])
        kinds = {"**/": "(?:(.*)/)?", "*": "([^/]*)", "?": "([^/])"}
        one_of_several = fnmatch.translate(wildcard[0])[len("(?s:") : -len(r")\Z")]
        expression += kinds.get(wildcard[0], f"({one_of_several})")
        end = wildcard.end()
    expression += re.escape(text[end:])
    found = {}
    for name in sorted(glob.glob(text, recursive=True)):  # noqa: PTH207  # ** in the middle, too
        if (match := re.fullmatch(expression, Path(name).as_posix())) and Path(name).is_file():
            found[tuple(part or "" for part in match.groups())] = Path(name)
    return found


def _require_folder_of_its_own(out: Path, *sources: Path) -> None:
    """Refuse an output among the sources: the next call would take it for one of them."""
    if out.is_file() or out.suffix.lower() in SUFFIXES | VIDEO_SUFFIXES:
        raise CapturesError(f"{out}: expected a folder for the fused images, found a file's name")
    if out.resolve() in {source.resolve() for source in sources}:
        raise CapturesError(f"{out}: holds the sources; choose another folder for the fused images")


def _require_apart(pairs: Iterable[FusePair]) -> None:
    """Refuse an output that is a source, of any pair, or the output of two."""
    outs: dict[Path, FusePair] = {}
    for pair in pairs:
        other = outs.setdefault(pair.out, pair)
        if other is not pair:
            raise CapturesError(
                f"{pair.out}: would be the fused image of both {other.vis} and {pair.vis}; name "
                "the pairs in a list (--list)"
            )
    written = {_identity(out): out for out in outs}
    written.pop(None, None)
    if not written:
        return
    for path in (path for pair in outs.values() for path in (pair.vis, pair.ir)):
        if out := written.get(_identity(path)):
            raise CapturesError(f"{out}: is a source and would be overwritten; name another output")


def _require_ours(pairs: Iterable[FusePair]) -> None:
    """Refuse to overwrite what is no fused image: frame numbers repeat from day to day."""
    for pair in pairs:
        if pair.out.exists() and read_marks(pair.out) is None:
            raise CapturesError(
                f"{pair.out}: exists and is no fused image; name another folder, or remove it"
            )


def _identity(path: Path) -> tuple[int, int] | None:
    """Return what a file is under any of its names, or None where there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def name_key(name: str) -> str:
    """Return what two names have in common that are one, in any case and composition."""
    return unicodedata.normalize("NFC", name).casefold()


def _pair(vis: Sequence[Path], ir: Sequence[Path], out: Path) -> FusePair:
    target = out / f"{vis[0].stem}.png"
    return FusePair(vis[0], ir[0], target, spare=(*vis[1:], *ir[1:]))


def _images(folder: Path) -> Mapping[str, Sequence[Path]]:
    """Return a folder's images by their names without suffix, hidden ones left out."""
    images: dict[str, list[Path]] = {}
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() in SUFFIXES and not path.name.startswith("."):
            images.setdefault(name_key(path.stem), []).append(path)
    return images
