"""Folder layouts of public data sets and of rigs, as a table of patterns.

A layout has patterns for each role of a file: visible, infrared, both in one file, mask, boxes.
A pattern is matched against a file's path below the set's folder, in any letter case, and what
its groups capture, joined, is the pair's name. Files are paired by these names, never by their
position in a list.
"""

import logging
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Literal, get_args

from ssvif.data.walk import walk_files
from ssvif.errors import CapturesError

Role = Literal["vis", "ir", "joint", "mask", "boxes"]
Split = Literal["train", "val", "test"]
SPLITS: tuple[Split, ...] = get_args(Split)
AUTO = "auto"

_LOG = logging.getLogger(__name__)

_ANY = r"((?:.+/)?)"
_IMAGE = r"\.(?:png|jpe?g|tiff?|webp|bmp)"
_TEXT = r"\.(?:txt|xml)"
_VIS = "vi|vis|visible|visual|rgb|color|colour"
_IR = "ir|inf|infrared|thermal|lwir|nir"
_MASK = "masks?|labels?|segmentation_labels"
_BOXES = "boxes|labels?|annotations?|annotations?-xml"
SPLIT_FOLDERS: Mapping[str, Split] = {
    "train": "train", "training": "train",
    "val": "val", "valid": "val", "validation": "val",
    "test": "test", "testing": "test",
}  # fmt: skip


def _below(folders: str, suffix: str = _IMAGE, stem: str = "(.+)") -> str:
    return rf"{_ANY}(?:{folders})/{stem}{suffix}"


def _half(folders: str) -> str:
    """NAME in a folder of that modality; of folders within folders the innermost counts."""
    return _below(folders, stem=rf"((?!(?:.+/)?(?:{_VIS}|{_IR}|{_MASK})/).+)")


def _suffixed(words: str) -> str:
    """NAME_word, in a folder of that modality or beside the other half."""
    return rf"((?:.+?/)??)(?:(?:{_VIS}|{_IR}|images?)/)?([^/]+?)[-_.](?:{words}){_IMAGE}"


def _scene(word: str) -> str:
    """TNO: SCENE/word_NAME_x, SCENE/NAME_word or SCENE/word."""
    name = r"([^/]*?)"
    return rf"{_ANY}(?:{word}_{name}(?:_[a-z])?|{name}_{word}|{word}){_IMAGE}"


@dataclass(frozen=True)
class Layout:
    """One way of naming files.

    Args:
        patterns: For each role, patterns in order of preference: the first that matches any
            file of the set is used.
        splits: For each split, a pattern of the names of its pairs.
        lists: For each split, the name of a text file that lists the pairs.
    """

    patterns: Mapping[Role, tuple[str, ...]]
    splits: Mapping[Split, str] = field(default_factory=dict)
    lists: Mapping[Split, str] = field(default_factory=dict)


_PLAIN = Layout(
    {
        "vis": (_half(_VIS),),
        "ir": (_half(_IR), _half("thermal_raw")),
        "mask": (_below(_MASK),),
        "boxes": (_below(_BOXES, _TEXT),),
    }
)
LAYOUTS: Mapping[str, Layout] = {
    "plain": _PLAIN,
    "msrs": _PLAIN,
    "m3fd": _PLAIN,
    "llvip": _PLAIN,
    "pst900": _PLAIN,
    # Its folder `color` holds coloured labels.
    "fmb": Layout(
        {"vis": (_half("visible"),), "ir": (_half("infrared"),), "mask": (_below("label"),)}
    ),
    "roadscene": Layout(
        {
            "vis": (_below("crop_LR_visible"), _below("crop_HR_visible")),
            "ir": (_below("cropinfrared"),),
        }
    ),
    "tno": Layout(
        {
            "vis": (rf"{_ANY}visual/(\d+)v{_IMAGE}|{_scene('vis')}",),
            "ir": (rf"{_ANY}thermal/(\d+)i{_IMAGE}|{_scene('ir')}",),
        }
    ),
    # Its mirrored copies, NAME_flip, are left out.
    "mfnet": Layout(
        {
            "joint": (_below("images", r"\.png", "((?!.*_flip\\.).+)"),),
            "mask": (_below("labels", r"\.png"),),
        },
        lists={"train": "train.txt", "val": "val.txt", "test": "test.txt"},
    ),
    "kaist": Layout(
        {"vis": (_half("visible"),), "ir": (_half("lwir"),)},
        splits={"train": r"(?:.+/)?set0[0-5]/", "test": r"(?:.+/)?set(?:0[6-9]|1[01])/"},
    ),
    # What it calls validation is what is reported as its test set.
    "flir": Layout(
        {
            "vis": (rf"{_ANY}JPEGImages/([^/]+)_RGB{_IMAGE}",),
            "ir": (rf"{_ANY}JPEGImages/([^/]+)_PreviewData{_IMAGE}",),
            "boxes": (rf"{_ANY}Annotations/([^/]+)_PreviewData{_TEXT}",),
        },
        lists={"train": "align_train.txt", "test": "align_validation.txt"},
    ),
    "suffixed": Layout({"vis": (_suffixed(_VIS),), "ir": (_suffixed(rf"{_IR}|previewdata"),)}),
}


@dataclass(frozen=True)
class Capture:
    """The files of one pair, as found.

    Args:
        set_name: The set they belong to.
        name: What they have in common, such as `train/00004N`; unique in its set.
        vis: The visible half, if found.
        ir: The infrared half, if found; the same file as `vis` where one file holds both.
        mask: A label mask, if found.
        boxes: Label boxes, if found.
        split: The set's own split, if it has one.
        spare: Further files that claim a place that is taken.
    """

    set_name: str
    name: str
    vis: Path | None
    ir: Path | None
    mask: Path | None = None
    boxes: Path | None = None
    split: Split | None = None
    spare: tuple[Path, ...] = ()

    @property
    def is_joint(self) -> bool:
        """Whether one file holds both halves."""
        return self.vis is not None and self.vis == self.ir

    @property
    def is_complete(self) -> bool:
        """Whether both halves are there."""
        return self.vis is not None and self.ir is not None

    @property
    def files(self) -> tuple[Path, ...]:
        """All files of the pair, each once."""
        found = (self.vis, self.ir, self.mask, self.boxes, *self.spare)
        return tuple(dict.fromkeys(path for path in found if path is not None))


def natural_key(name: str) -> list[tuple[int, str]]:
    """Return a sort key by which `frame_9` comes before `frame_10`."""
    parts = re.split(r"(\d+)", name)
    return [(int(part), part) if part.isdecimal() else (-1, part) for part in parts]


def find_captures(folder: Path, layout: str = AUTO) -> list[Capture]:
    """Find the pairs of a set.

    Args:
        folder: The set's folder; its name becomes the set's. Linked folders are not followed.
        layout: A key of `LAYOUTS`, or `auto`.

    Returns:
        Pairs in the order of their names; of some, a half may be missing.

    Raises:
        CapturesError: If the layout is not known, or nothing in the folder follows it.
    """
    names = [layout] if layout != AUTO else list(LAYOUTS)
    if layout != AUTO and layout not in LAYOUTS:
        raise CapturesError(f"unknown layout {layout}; known: {AUTO}, {', '.join(LAYOUTS)}")
    files = walk_files(folder)
    # max keeps the first of equals, so that a plain reading wins where it sees as much.
    captures = max((_read(folder, files, LAYOUTS[name]) for name in names), key=_worth)
    if not captures:
        raise CapturesError(
            f"{folder}: no visible and infrared images found (layout {layout}); expected, for"
            " example, vis/NAME.png and ir/NAME.png; docs/captures.md shows every layout"
        )
    return captures


def detect_layout(folder: Path) -> str:
    """Return the key of `LAYOUTS` that finds most in a folder.

    Raises:
        CapturesError: If none finds anything.
    """
    files = walk_files(folder)
    worths = {name: _worth(_read(folder, files, layout)) for name, layout in LAYOUTS.items()}
    best = max(worths, key=lambda name: worths[name])
    find_captures(folder, best)
    return best


def unread_images(folder: Path, captures: Iterable[Capture]) -> list[Path]:
    """Return the images of a folder that are in none of its captures."""
    read = {path for capture in captures for path in capture.files}
    images = (folder / path for path in walk_files(folder) if re.search(rf"{_IMAGE}$", path, re.I))
    return [path for path in images if path not in read]


def list_files(folder: Path, layout: str) -> list[Path]:
    """Return the text files of a folder that say which pair is in which split."""
    names = LAYOUTS[layout].lists.values()
    return [folder / path for path in walk_files(folder) if PurePosixPath(path).name in names]


def _read(folder: Path, files: list[str], layout: Layout) -> list[Capture]:
    nameless = folder.resolve().name  # vis.png and ir.png are called as their folder is
    roles = {
        role: _match(files, layout.patterns.get(role, ()), nameless) for role in get_args(Role)
    }
    halves = {**roles["ir"], **roles["vis"], **roles["joint"]}
    if not halves:
        return []
    splits = _listed(folder, files, layout)
    stems = Counter(PurePosixPath(key).name for key in halves)
    captures = []
    for key, (name, _) in halves.items():
        found = {role: _files(folder, matches, key) for role, matches in roles.items()}
        stem = PurePosixPath(key).name
        if stems[stem] == 1:  # labels may lie outside the split folders of the images
            for role in ("mask", "boxes"):
                found[role] = found[role] or _files(folder, roles[role], stem)
        captures.append(_capture(folder.name, name, found, _own_split(name, layout, splits)))
    return sorted(captures, key=lambda capture: natural_key(capture.name))


def _match(
    files: list[str], patterns: tuple[str, ...], nameless: str
) -> dict[str, tuple[str, list[str]]]:
    """Map each pair's key to its name and files, by the first pattern that matches any."""
    for pattern in patterns:
        matcher = re.compile(pattern, re.IGNORECASE)
        found: dict[str, tuple[str, list[str]]] = {}
        for path in files:
            if match := matcher.fullmatch(path):
                name = "".join(group for group in match.groups() if group).rstrip("/")
                name = unicodedata.normalize("NFC", name or nameless)
                found.setdefault(name.casefold(), (name, []))[1].append(path)
        if found:
            return found
    return {}


def _files(folder: Path, matches: dict[str, tuple[str, list[str]]], key: str) -> list[Path]:
    return [folder / path for path in matches[key][1]] if key in matches else []


def _capture(
    set_name: str, name: str, found: Mapping[str, list[Path]], split: Split | None
) -> Capture:
    first = {role: paths[0] if paths else None for role, paths in found.items()}
    halves = ("vis", "ir", "joint")
    spare = [path for role in halves for path in found[role][1:]]
    return Capture(
        set_name=set_name,
        name=name,
        vis=first["joint"] or first["vis"],
        ir=first["joint"] or first["ir"],
        mask=first["mask"],
        boxes=first["boxes"],
        split=split,
        spare=tuple(spare),
    )


def _own_split(name: str, layout: Layout, listed: Mapping[str, Split]) -> Split | None:
    stem = PurePosixPath(name).name
    if stem in listed:
        return listed[stem]
    for split, pattern in layout.splits.items():
        if re.match(pattern, name, re.IGNORECASE):
            return split
    for part in PurePosixPath(name).parts[:-1]:
        if part.casefold() in SPLIT_FOLDERS:
            return SPLIT_FOLDERS[part.casefold()]
    return None


def _listed(folder: Path, files: list[str], layout: Layout) -> dict[str, Split]:
    """Read the layout's list files: which pair is in which split."""
    listed: dict[str, Split] = {}
    for split, list_name in layout.lists.items():
        for path in (path for path in files if PurePosixPath(path).name == list_name):
            text = _read_list(folder / path)
            for entry in text.split():
                stem = PurePosixPath(entry).name.removesuffix(PurePosixPath(entry).suffix)
                listed[re.sub(r"_(?:RGB|PreviewData)$", "", stem)] = split
    return listed


def _read_list(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise CapturesError(
            f"{path}: the list of a split cannot be read ({error.strerror}); mend or remove it"
        ) from None


def _worth(captures: list[Capture]) -> tuple[int, int, int]:
    complete = [pair for pair in captures if pair.is_complete and not pair.spare]
    labels = sum((pair.mask is not None) + (pair.boxes is not None) for pair in complete)
    own_splits = sum(pair.split is not None for pair in complete)
    return len(complete) or -(not captures), labels, own_splits
