"""Tells when a retraining is due: enough new pairs, and no delivery for a while.

Pairs count as new that the champion has not learnt from. Those that were there when a retraining
was last announced do not count again for a day, so that a challenger that was refused is not
trained anew for every further pair. After a day they do, in case that retraining failed; one that
ended, whoever leads since, is not done again (its inputs are the same), and costs seconds. For the
same reason they do as soon as the machine has started anew, which may have cut that one off.
"""

import json
import platform
import time
from dataclasses import dataclass
from pathlib import Path

from ssvif.data.manifest import MANIFEST_FILE, read_manifest
from ssvif.errors import ModelError, RetrainingError
from ssvif.files import write_json
from ssvif.fuse.places import CHAMPION
from ssvif.params import RetrainingParams
from ssvif.registry.pairs import read_pairs
from ssvif.retraining.journal import JOURNAL, read_journal
from ssvif.tracking.process import process_tag

# Ids of the pairs that the retraining announced last was about, and when and where that was.
_ANNOUNCED = ".announced.json"
_REPEAT_S = 86_400.0


@dataclass(frozen=True)
class Due:
    """Whether a retraining is due, and why.

    Args:
        new_pairs: Pairs for training that the champion has not seen.
        waiting: Those of them that no retraining was announced for.
        threshold: So many must wait.
        quiet_in: Seconds to wait for further deliveries yet.
        ids: All pairs for training that there are.
    """

    new_pairs: int
    waiting: int
    threshold: int
    quiet_in: float
    ids: frozenset[str]

    @property
    def is_due(self) -> bool:
        """Whether a retraining is due now."""
        return self.waiting >= self.threshold and self.quiet_in <= 0.0

    @property
    def sentence(self) -> str:
        """The same for people."""
        text = f"{self.waiting} new pairs wait for a retraining, {self.threshold} make it due"
        if self.waiting >= self.threshold and not self.is_due:
            return f"{text}; further deliveries are awaited for {self.quiet_in:.0f} s"
        return f"{text} now" if self.is_due else text


def new_pairs(champion: Path = CHAMPION, manifest: Path = MANIFEST_FILE) -> int:
    """Count the accepted pairs for training that the champion has not seen.

    Args:
        champion: Its bundle; where there is none, or one that does not know its pairs, all count.
        manifest: The pairs; where there is no manifest yet, there are none.

    Raises:
        ManifestError: If the manifest is damaged.
    """
    return len(_training_ids(manifest) - _seen(champion))


def is_due(params: RetrainingParams, *, root: Path = Path(), now: float | None = None) -> Due:
    """Tell whether a retraining is due.

    Args:
        params: The threshold, and how long further deliveries are awaited.
        root: The project's folder.
        now: The time to judge by, in seconds of `time.time`; by default the present.

    Raises:
        ManifestError: If the manifest is damaged.
        RetrainingError: If the journal cannot be read.
    """
    ids = _training_ids(root / MANIFEST_FILE)
    new = ids - _seen(root / CHAMPION)
    present = time.time() if now is None else now
    brought = [e for e in read_journal(root / JOURNAL) if e.state in ("taken", "ingested")]
    # A time to come is of a clock that was set back since: it says nothing.
    arrivals = [entry.at for entry in brought if entry.at <= present]
    until = max(arrivals, default=0.0) + params.debounce_seconds
    return Due(
        new_pairs=len(new),
        waiting=len(new - _announced(root, present)),
        threshold=params.min_new_pairs,
        quiet_in=max(until - present, 0.0),
        ids=ids,
    )


def mark_due_announced(due: Due, *, root: Path = Path(), now: float | None = None) -> None:
    """Remember which pairs the announced retraining is about.

    Args:
        due: What was announced.
        root: The project's folder.
        now: When, in seconds of `time.time`; by default the present.

    Raises:
        StorageError: If that cannot be written.
    """
    at = time.time() if now is None else now
    content = {"at": at, "boot": _boot(), "ids": sorted(due.ids)}
    write_json(root / JOURNAL / _ANNOUNCED, content)


def withdraw_announcement(root: Path) -> None:
    """Let the pairs wait again that the announced retraining was about: it did not take place.

    Args:
        root: The project's folder.
    """
    (root / JOURNAL / _ANNOUNCED).unlink(missing_ok=True)


def _training_ids(manifest: Path) -> frozenset[str]:
    if not manifest.is_file():
        return frozenset()
    table = read_manifest(manifest)
    return frozenset(table.loc[table["split"] == "train", "id"])


def _seen(champion: Path) -> frozenset[str]:
    try:
        pairs = read_pairs(champion)
    except ModelError:
        # A champion of an earlier release, or none: it vouches for no pair.
        return frozenset()
    return frozenset(pairs.loc[pairs["split"] == "train", "id"])


def _announced(root: Path, now: float) -> frozenset[str]:
    path = root / JOURNAL / _ANNOUNCED
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        ids, age = frozenset(content["ids"]), now - float(content["at"])
        machine, start = content.get("boot", _boot())
    except FileNotFoundError:
        return frozenset()
    except (OSError, ValueError, TypeError, LookupError) as error:
        raise RetrainingError(
            f"{path}: not readable ({error}); delete it, and a retraining may be announced again"
        ) from error
    # Another machine's start says nothing of this one's.
    is_cut_off = machine == platform.node() and [machine, start] != _boot()
    return ids if 0.0 <= age < _REPEAT_S and not is_cut_off else frozenset()


def _boot() -> list[str]:
    """Return this machine's name, and the number that it got when it was started."""
    return [platform.node(), process_tag().partition(":")[0]]
