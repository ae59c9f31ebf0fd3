"""From captures to pairs: examined, in canonical form, dealt out, written down.

What examining a pair gives depends on its bytes and on parameters alone, so findings are kept
in an index and only new files are read. What depends on a whole set (duplicates, splits) is
decided anew each time. The manifest is written once everything that it names is there, and what
it no longer names is removed last.
"""

import logging
from collections import defaultdict
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd
from tqdm import tqdm

from ssvif.data.arrivals import in_order_of_arrival
from ssvif.data.captures import INBOX, is_set_name, set_folders
from ssvif.data.classes import write_classes
from ssvif.data.duplicates import near_duplicates
from ssvif.data.examine import Finding, Source, examine, locate
from ssvif.data.exclusion import exclude_pairs
from ssvif.data.index import INDEX_FILE, Index
from ssvif.data.label_files import Labels, write_labels
from ssvif.data.layouts import Capture, find_captures, natural_key, unread_images
from ssvif.data.manifest import (
    LABELS_FOLDER,
    MANIFEST_FILE,
    PAIRS_FOLDER,
    manifest_table,
    pair_paths,
    write_manifest,
)
from ssvif.data.quarantine import RECORDS, Rejection, prune, write_quarantine
from ssvif.data.sets import SetInfo, class_names, infrared_range, read_set_info
from ssvif.data.splits import Place, assign_splits, warn_of_empty_splits
from ssvif.data.walk import list_facts
from ssvif.errors import CapturesError, PairError, StorageError
from ssvif.params import IngestParams

SAMPLE = Path("data/sample")
QUARANTINE_FOLDER = Path("data/quarantine")

_LOG = logging.getLogger(__name__)
_WORKERS = 2  # decoding, hashing and filtering release the interpreter
_BATCH = 128  # pairs after which the index is saved: the work that a kill can cost
_ROUNDS = 5  # in each, what arrived during the one before is taken in
_PREFERENCE = {"test": 0, "val": 1, "train": 2, None: 3}


@dataclass(frozen=True)
class Ingested:
    """What came of a run.

    Args:
        captures: All captures found.
        manifest: One row an accepted pair; see `ssvif.data.manifest`.
        rejections: What was refused, in the order of sets and names.
    """

    captures: Sequence[Capture]
    manifest: pd.DataFrame
    rejections: Sequence[Rejection]


@dataclass(frozen=True)
class _Candidate:
    source: Source
    finding: Finding
    place: Place

    @property
    def capture(self) -> Capture:
        return self.source.capture


@dataclass(frozen=True)
class _Found:
    captures: list[Capture] = field(default_factory=list)
    sources: list[Source] = field(default_factory=list)
    places: dict[tuple[str, str], Place] = field(default_factory=dict)
    rejections: list[Rejection] = field(default_factory=list)
    infos: dict[str, SetInfo] = field(default_factory=dict)


def ingest(params: IngestParams, *, root: Path = Path(), needs_splits: bool = True) -> Ingested:
    """Bring captures into the form that training reads.

    Reads `data/captures/`, or `data/sample/` where that has no set; what arrives meanwhile, too.
    Writes `data/pairs/`, `data/labels/`, `data/quarantine/` and `data/manifest.parquet`; equal
    files give equal bytes, and what is there already is not written again.

    Args:
        params: Limits, shares and percentiles.
        root: The project's folder.
        needs_splits: Whether to warn of splits without pairs, as who trains must know.

    Returns:
        What was accepted and what was refused.

    Raises:
        CapturesError: If there are no captures, or not one pair is accepted.
        StorageError: If a file cannot be written; the manifest and the pairs that it names are
            as before, and the next run goes on from there.
    """
    for _ in range(_ROUNDS):
        # DVC looks at the captures when this has ended, and takes all that it sees for ingested.
        before = list_facts(root / INBOX)
        ingested = _ingest(params, root, needs_splits=needs_splits)
        if list_facts(root / INBOX) == before:
            return ingested
        _LOG.info("%s: captures came meanwhile; they are looked at now", root / INBOX)
    _LOG.warning(
        "%s: captures come all the time; run `dvc repro --force ingest` once they have come",
        root / INBOX,
    )
    return ingested


def _ingest(params: IngestParams, root: Path, *, needs_splits: bool) -> Ingested:
    found = _find(root, params)
    with _open_index(root / INDEX_FILE) as index:
        candidates, faults = _examine_all(found, params, root / PAIRS_FOLDER, index)
        excluded = exclude_pairs(
            params.exclude,
            findings={pair.capture: pair.finding for pair in candidates},
            captures=found.captures,
            below=params.duplicate_below,
        )
        left_out = {rejection.capture for rejection in excluded}
        kept = [pair for pair in candidates if pair.capture not in left_out]
        accepted, repeats = _sift(kept, params)
        labels = [
            write_labels(
                candidate.capture,
                candidate.finding,
                folder=root / LABELS_FOLDER,
                index=index,
                max_pixels=params.max_pixels,
            )
            for candidate in accepted
        ]
    dropped = [rejection for label in labels for rejection in label.dropped]
    rejections = sorted([*found.rejections, *faults, *excluded, *repeats, *dropped], key=_by_name)
    write_quarantine(root / QUARANTINE_FOLDER, rejections, root=root)
    if not accepted:
        what = f"none of {len(found.captures)} captures was accepted"
        raise CapturesError(
            f"{what if found.captures else 'all sets were refused'}{_first_reason(rejections)}; "
            f"{root / QUARANTINE_FOLDER / RECORDS} has every reason; bring others in"
        )
    rows = (_row(*pair, root, params) for pair in zip(accepted, labels, strict=True))
    manifest = manifest_table(rows)
    if needs_splits:
        warn_of_empty_splits(manifest, block_size=params.block_size)
    # DVC wants every output, and a set without labels has written none.
    (root / LABELS_FOLDER).mkdir(parents=True, exist_ok=True)
    classes = write_classes(root / LABELS_FOLDER, class_names(manifest, found.infos))
    write_manifest(root / MANIFEST_FILE, manifest)
    _remove_the_rest(root, accepted, labels, classes)
    return Ingested(found.captures, manifest, rejections)


def _find(root: Path, params: IngestParams) -> _Found:
    folders = set_folders(root / INBOX) or set_folders(root / SAMPLE)
    if not folders:
        raise CapturesError(
            f"no captures: neither {INBOX} nor {SAMPLE} has a set; run `ssvif captures add FOLDER`,"
            " or `dvc repro ingest`, which renders synthetic pairs first"
        )
    found = _Found()
    for folder in folders:
        try:
            _find_set(folder, params, found)
        except CapturesError as error:
            _LOG.warning("%s: left out: %s", folder.name, error)
            nothing = Capture(folder.name, "", None, None)
            found.rejections.append(Rejection(nothing, "set_refused", str(error)))
    return found


def _find_set(folder: Path, params: IngestParams, found: _Found) -> None:
    """Add one set's captures to what was found."""
    if not is_set_name(folder.name):
        raise CapturesError(f"{folder.name!r} cannot name a set; use letters, digits, - _ .")
    if folder.is_symlink():
        raise CapturesError("the folder is a link; bring it in with `ssvif captures add`")
    info = read_set_info(folder) or SetInfo()
    captures = find_captures(folder, info.layout)
    if unread := unread_images(folder, captures):
        _LOG.info(
            "%s: %d images have no place in the layout, such as %s",
            folder.name,
            len(unread),
            unread[0].relative_to(folder),
        )
    value_range = info.infrared_range or infrared_range(captures, params)
    places = assign_splits(
        in_order_of_arrival(captures, folder),
        block_size=params.block_size,
        val_share=params.val_share,
        test_share=params.test_share,
    )
    found.infos[folder.name] = info
    found.captures.extend(captures)
    found.places.update({(folder.name, name): place for name, place in places.items()})
    for capture in captures:
        try:
            found.sources.append(locate(capture, folder, value_range))
        except PairError as error:
            found.rejections.append(Rejection(capture, error.code, str(error)))


@contextmanager
def _open_index(path: Path) -> Iterator[Index]:
    index = Index.load(path)
    try:
        yield index
    finally:
        # A full disk may have no room for the index either; then some work is done again.
        with suppress(StorageError):
            index.save(path)


def _examine_all(
    found: _Found, params: IngestParams, pairs: Path, index: Index
) -> tuple[list[_Candidate], list[Rejection]]:
    """Examine what the index does not know, and keep in it what is still there."""
    prints = {source: source.fingerprint(params) for source in found.sources}
    todo = {
        prints[source]: source
        for source in found.sources
        if not _is_known(index.findings.get(prints[source]), pairs)
    }
    work = list(todo.items())
    progress = tqdm(total=len(work), desc="ingest", unit="pair", disable=None)
    with progress, ThreadPoolExecutor(_WORKERS) as pool:
        for start in range(0, len(work), _BATCH):
            batch = work[start : start + _BATCH]
            results = pool.map(lambda item: examine(item[1], params, pairs), batch)
            for (key, _), finding in zip(batch, results, strict=True):
                index.findings[key] = finding
                progress.update()
            index.save(pairs.parent / INDEX_FILE.name)
    index.findings = {key: index.findings[key] for key in prints.values()}
    candidates, faults = [], []
    for source in found.sources:
        capture, finding = source.capture, index.findings[prints[source]]
        if finding.code:
            faults.append(Rejection(capture, finding.code, finding.sentence))
        else:
            place = found.places[capture.set_name, capture.name]
            candidates.append(_Candidate(source, finding, place))
    return candidates, faults


def _is_known(finding: Finding | None, pairs: Path) -> bool:
    if finding is None:
        return False
    return bool(finding.code) or all(path.exists() for path in pair_paths(finding.pair_id, pairs))


def _sift(
    candidates: Sequence[_Candidate], params: IngestParams
) -> tuple[list[_Candidate], list[Rejection]]:
    """Part the pairs that are new from those that repeat another one."""
    by_preference = sorted(candidates, key=_preference)
    repeats = []
    firsts: dict[str, _Candidate] = {}
    sets: dict[str, list[_Candidate]] = defaultdict(list)
    for pair in by_preference:
        first = firsts.setdefault(pair.finding.pair_id, pair)
        if first is pair:
            sets[pair.capture.set_name].append(pair)
        else:
            repeats.append(_repeat("duplicate", "the same pixels as", pair, first))
    accepted = []
    for pairs in sets.values():
        thumbnails = [pair.finding.thumbnail_arrays() for pair in pairs]
        repeated = near_duplicates(thumbnails, below=params.duplicate_below)
        for pair, index in zip(pairs, repeated, strict=True):
            if index is None:
                accepted.append(pair)
            else:
                repeats.append(_repeat("near_duplicate", "hardly differs from", pair, pairs[index]))
    return accepted, repeats


def _preference(pair: _Candidate) -> tuple[int, int, bool]:
    """Of two equal pairs keep the one held out, then by its own set, then one with labels."""
    capture = pair.capture
    is_bare = capture.mask is None and capture.boxes is None
    return _PREFERENCE[pair.place.split], _PREFERENCE[capture.split], is_bare


def _repeat(code: str, how: str, pair: _Candidate, first: _Candidate) -> Rejection:
    other = f"{first.capture.set_name}/{first.capture.name}"
    return Rejection(pair.capture, code, f"{how} {other}, which is kept")


def _row(pair: _Candidate, labels: Labels, root: Path, params: IngestParams) -> dict[str, object]:
    capture, measures = pair.capture, pair.finding.measures
    vis, ir = capture.vis, capture.ir
    return {
        **measures,
        "id": pair.finding.pair_id,
        "set": capture.set_name,
        "name": capture.name,
        "vis_source": vis.relative_to(root).as_posix() if vis else "",
        "ir_source": ir.relative_to(root).as_posix() if ir else "",
        "vis_sha256": pair.source.vis_sha256,
        "ir_sha256": pair.source.ir_sha256,
        "light": "night" if measures["vis_mean"] < params.night_below else "day",
        "split": pair.place.split,
        "block": pair.place.block,
        "has_mask": labels.mask is not None,
        "has_boxes": labels.boxes is not None,
    }


def _remove_the_rest(
    root: Path, accepted: Sequence[_Candidate], labels: Sequence[Labels], classes: Path
) -> None:
    pairs = root / PAIRS_FOLDER
    prune(
        pairs, keep=(path for pair in accepted for path in pair_paths(pair.finding.pair_id, pairs))
    )
    kept = [path for label in labels for path in (label.mask, label.boxes) if path is not None]
    prune(root / LABELS_FOLDER, keep=[*kept, classes])


def _first_reason(rejections: Sequence[Rejection]) -> str:
    return f", for one: {rejections[0].sentence}" if rejections else ""


def _by_name(rejection: Rejection) -> tuple[object, ...]:
    capture = rejection.capture
    return capture.set_name, natural_key(capture.name), rejection.code
