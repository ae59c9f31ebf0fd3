"""A finished stage as a folder: the record that counts, whatever becomes of MLflow.

    metrics.csv   one line a step, one column a key
    params.json   the stage's parameters
    run.json      the stage's name, tags that say what made it, the manifest that it read
    artifacts/    plots and other files

Equal data, parameters, seed and commit give equal bytes: no times, and nothing of the machine.
"""

import json
import shutil
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from ssvif.errors import StorageError
from ssvif.files import atomic_folder, sha256_folder, write_json, write_text
from ssvif.tracking.datasets import DataInput
from ssvif.tracking.facts import StageFacts
from ssvif.tracking.journal import Row, read_table, table

METRICS_FILE = "metrics.csv"
PARAMS_FILE = "params.json"
RUN_FILE = "run.json"
ARTIFACTS = "artifacts"


@dataclass(frozen=True)
class Record:
    """A record read back.

    Args:
        facts: The stage.
        rows: Its metrics; the time is that of reading.
        artifacts: A folder of files, or None.
        digest: Hash of the folder; one record has one.
    """

    facts: StageFacts
    rows: list[Row]
    artifacts: Path | None
    digest: str


def write_record(
    folder: Path, *, facts: StageFacts, rows: list[Row], artifacts: Sequence[Path] = ()
) -> None:
    """Write a record, in the place of what `folder` held.

    Args:
        folder: Where it shall appear, whole or not at all.
        facts: The stage.
        rows: Its metrics.
        artifacts: Files to copy into it.

    Raises:
        StorageError: If it cannot be written.
    """
    with atomic_folder(folder) as new:
        write_text(new / METRICS_FILE, table(rows))
        write_json(new / PARAMS_FILE, facts.params)
        data = asdict(facts.data) if facts.data else None
        run = {"stage": facts.stage, "tags": dict(facts.tags), "data": data}
        write_json(new / RUN_FILE, run)
        for path in artifacts:
            (new / ARTIFACTS).mkdir(exist_ok=True)
            shutil.copyfile(path, new / ARTIFACTS / path.name)


def read_record(folder: Path) -> Record:
    """Read a record.

    Raises:
        StorageError: If the folder is not a whole record.
    """
    try:
        run = json.loads((folder / RUN_FILE).read_text(encoding="utf-8"))
        params = json.loads((folder / PARAMS_FILE).read_text(encoding="utf-8"))
        text = (folder / METRICS_FILE).read_text(encoding="utf-8")
        data = DataInput(**run["data"]) if run.get("data") else None
        facts = StageFacts(stage=run["stage"], params=params, tags=run["tags"], data=data)
        rows = read_table(text, time_ms=time.time_ns() // 1_000_000)
    except (OSError, KeyError, TypeError, ValueError, StopIteration) as error:
        raise StorageError(
            f"{folder}: not a whole run record ({error}); restore it with `dvc checkout`, "
            "or run the stage again"
        ) from error
    artifacts = folder / ARTIFACTS
    return Record(facts, rows, artifacts if artifacts.is_dir() else None, sha256_folder(folder))


def find_records(root: Path) -> list[Path]:
    """Return the record folders directly under `root`, in order of name."""
    return sorted(path.parent for path in root.glob(f"*/{RUN_FILE}"))
