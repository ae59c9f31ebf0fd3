"""What a probe learns and is tested on: the labelled pairs of sets that share their classes.

Pairs of the splits `train` and `val` train the probe, those of the split that is evaluated test
it. Where either part is missing, the labelled pairs are dealt out by blocks of neighbouring
frames into folds, and each is tested once, by a probe that saw nothing of its block.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import torch
from torch import Tensor

from ssvif.data.classes import read_classes
from ssvif.errors import LabelError
from ssvif.params import ProbesParams
from ssvif.probes.labels import fill_boxes, read_boxes, read_class_mask, white_as_target

SEMANTIC, BOXES = "semantic", "boxes"
BACKGROUND = "background"
MIN_BLOCKS = 2  # one to train on, one to test on

_COLUMNS = {SEMANTIC: "has_mask", BOXES: "has_boxes"}


@dataclass(frozen=True)
class Fold:
    """One training of a probe: ids that train it, and ids that test it."""

    train: tuple[str, ...]
    test: tuple[str, ...]


@dataclass(frozen=True)
class LeftOut:
    """A labelled pair that no probe uses: `SET/NAME`, the kind of label, and why."""

    pair: str
    kind: str
    reason: str


@dataclass(frozen=True)
class ProbeTask:
    """One question that probes answer.

    Args:
        name: `semantic` or `boxes`, and `:SETS` behind it where there are several of a kind.
        kind: `semantic` or `boxes`.
        classes: Names by number; for boxes the first is the background.
        masks: (h, w) uint8 of class numbers by id, 255 where nothing is known. For boxes: the
            boxes filled, smaller ones over larger ones.
        boxes: (N, 5) float32 by id: class number, then x1, y1, x2, y2 in pixels of the probe;
            empty for `semantic`.
        folds: Each tests its pairs with a probe trained on its other ones.
        blocks: The block of neighbouring frames by id.
        sets: The sets that the pairs come from.
    """

    name: str
    kind: str
    classes: tuple[str, ...]
    masks: Mapping[str, Tensor]
    boxes: Mapping[str, Tensor]
    folds: tuple[Fold, ...]
    blocks: Mapping[str, str]
    sets: tuple[str, ...]

    @property
    def test(self) -> tuple[str, ...]:
        """Ids that are tested, fold by fold; each once."""
        return tuple(pair_id for fold in self.folds for pair_id in fold.test)

    @property
    def ids(self) -> tuple[str, ...]:
        """Ids of all pairs that need an image, sorted."""
        return tuple(sorted({i for fold in self.folds for i in (*fold.train, *fold.test)}))


def load_tasks(
    rows: pd.DataFrame, labels: Path, params: ProbesParams, *, split: str = "test"
) -> tuple[list[ProbeTask], list[LeftOut]]:
    """Read the labels of a manifest's pairs.

    Args:
        rows: Rows of the manifest, of every split.
        labels: `data/labels`.
        params: The size of the probe's images, and the number of folds.
        split: The split that is evaluated, `test` or `val`; pairs of `test` are never used
            where `val` is.

    Returns:
        The tasks (none where nothing is labelled), and the labelled pairs that are left out.

    Raises:
        LabelError: If the table of classes cannot be read.
    """
    if not (rows["has_mask"] | rows["has_boxes"]).any():
        return [], []
    names = read_classes(labels)
    loader = _Loader(rows[rows["split"].isin({"train", "val", split})], labels, params, split)
    tasks = [*loader.tasks(SEMANTIC, names.masks), *loader.tasks(BOXES, names.boxes)]
    return tasks, loader.left_out


class _Loader:
    """Reads labels kind by kind, and collects what is left out."""

    def __init__(self, rows: pd.DataFrame, labels: Path, params: ProbesParams, split: str) -> None:
        self._rows = rows
        self._labels = labels
        self._size = (params.height, params.width)
        self._folds = params.folds
        self._split = split
        self.left_out: list[LeftOut] = []

    def tasks(self, kind: str, classes: Mapping[str, tuple[str, ...]]) -> list[ProbeTask]:
        """Return a task for every list of classes that labels of a kind have."""
        rows = self._rows[self._rows[_COLUMNS[kind]]]
        groups: dict[tuple[str, ...], list[str]] = defaultdict(list)
        for set_name in sorted(rows["set"].unique()):
            groups[classes.get(set_name, ())].append(set_name)
        for set_name in groups.pop((), []):
            reason = f"the classes of {set_name} are not known; name them in its set.yaml"
            self._leave_out(rows[rows["set"] == set_name], kind, f"{reason} and ingest again")
        tasks = []
        for known, sets in groups.items():
            name = kind if len(groups) == 1 else f"{kind}:{'+'.join(sets)}"
            task = self._task(name, kind, known, rows[rows["set"].isin(sets)])
            tasks.extend([task] if task else [])
        return tasks

    def _task(
        self, name: str, kind: str, classes: tuple[str, ...], rows: pd.DataFrame
    ) -> ProbeTask | None:
        masks: dict[str, Tensor] = {}
        boxes: dict[str, Tensor] = {}
        for pair_id, row in rows.set_index("id").iterrows():
            try:
                masks[str(pair_id)], boxes[str(pair_id)] = self._read(kind, str(pair_id), classes)
            except LabelError as error:
                self.left_out.append(LeftOut(f"{row['set']}/{row['name']}", kind, str(error)))
        rows = rows[rows["id"].isin(list(masks))]
        if kind == SEMANTIC:
            for _, members in rows.groupby("set"):
                masks |= white_as_target({key: masks[key] for key in members["id"]}, classes)
        folds = _folds(rows, self._split, self._folds)
        if not folds:
            reason = "its labelled pairs are all of one block, so none is left to test on"
            self._leave_out(rows, kind, f"{reason}; label pairs of other blocks")
            return None
        return ProbeTask(
            name=name,
            kind=kind,
            classes=classes if kind == SEMANTIC else (BACKGROUND, *classes),
            masks=masks,
            boxes=boxes if kind == BOXES else {},
            folds=folds,
            blocks=dict(zip(rows["id"], rows["block"], strict=True)),
            sets=tuple(sorted(rows["set"].unique())),
        )

    def _read(self, kind: str, pair_id: str, classes: tuple[str, ...]) -> tuple[Tensor, Tensor]:
        if kind == SEMANTIC:
            path = self._labels / "masks" / f"{pair_id}.png"
            return read_class_mask(path, classes, self._size), torch.empty(0, 5)
        boxes = read_boxes(self._labels / "boxes" / f"{pair_id}.txt", classes, self._size)
        return fill_boxes(boxes, self._size), boxes

    def _leave_out(self, rows: pd.DataFrame, kind: str, reason: str) -> None:
        pairs = rows["set"] + "/" + rows["name"]
        self.left_out.extend(LeftOut(pair, kind, reason) for pair in pairs)


def _folds(rows: pd.DataFrame, split: str, count: int) -> tuple[Fold, ...]:
    """Return one fold where both parts are there, else folds of whole blocks; none if one block."""
    is_test = rows["split"] == split
    if is_test.any() and not is_test.all():
        return (Fold(tuple(rows["id"][~is_test]), tuple(rows["id"][is_test])),)
    blocks = sorted(rows.groupby("block")["id"], key=lambda block: (-len(block[1]), block[0]))
    if len(blocks) < MIN_BLOCKS:
        return ()
    # The largest blocks first, each to the fold that has least: folds of nearly equal size.
    parts: list[list[str]] = [[] for _ in range(min(count, len(blocks)))]
    for _, ids in blocks:
        min(parts, key=len).extend(ids)
    return tuple(
        Fold(train=tuple(sorted(set(rows["id"]) - set(part))), test=tuple(sorted(part)))
        for part in parts
    )
