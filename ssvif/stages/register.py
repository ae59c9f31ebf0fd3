"""DVC stage `register`: bundles the model and registers it, unless the registry has it.

DVC always runs it, for only the registry knows what it holds. So where nothing is new it is
quick, and imports no torch.
"""

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ssvif import console
from ssvif.files import write_json
from ssvif.fuse.places import CHAMPION
from ssvif.params import load_params
from ssvif.registry.bundle import read_json, write_bundle
from ssvif.registry.card import model_card
from ssvif.registry.floors import Verdict, check_floors
from ssvif.registry.pin import pinned_bundle, read_lock
from ssvif.registry.register import Registration, register_bundle
from ssvif.tracking import facts
from ssvif.tracking.datasets import count_pairs
from ssvif.tracking.record import read_record
from ssvif.tracking.run import track_stage

WEIGHTS = Path("models/stage_two.safetensors")
ONNX = Path("models/onnx")
EVALUATION = Path("reports/evaluate/metrics.json")
RUNS = Path("runs")
RECORD = RUNS / "register"
BUNDLE = Path("models/bundle")
REPORT = Path("reports/register.json")

_log = logging.getLogger(__name__)


def main() -> None:
    """Register the model of the current folder's project.

    Raises:
        ModelError: If the weights are missing.
        RegistryError: If the registry cannot be reached, or the evaluation lacks a figure.
        StorageError: If a run record is missing, or a file cannot be written.
    """
    params = load_params()
    with track_stage("register", params=params, record=RECORD, live=False) as run:
        metrics = read_json(EVALUATION)
        verdict = check_floors(metrics, params.register_.floors)
        digest = _write_bundle(metrics)
        found = register_bundle(
            BUNDLE,
            name=params.register_.name,
            experiment=params.tracking.experiment,
            runs=RUNS,
            verdict=verdict,
            champion_folder=CHAMPION,
            first_leads=params.register_.first_leads,
        )
        report = {"bundle": digest, "floors": verdict.as_dict(), "version": found.version}
        write_json(REPORT, {**report, "name": params.register_.name})
        run.log(0, {"register/version": found.version, "register/floors": verdict.passed})
        if not found.created:
            run.discard()
    _say(params.register_.name, found, verdict)


def _write_bundle(metrics: dict[str, Any]) -> str:
    one, two = read_record(RUNS / "stage_one").facts, read_record(RUNS / "stage_two").facts
    # Stage two lists one key of stage one's section, stage one the whole of it.
    params = {**two.params, **one.params}
    lineage = {
        "git_commit": two.tags[facts.COMMIT_TAG],
        "git_dirty": two.tags[facts.DIRTY_TAG],
        "manifest": two.tags[facts.MANIFEST_TAG],
        "params": two.tags[facts.PARAMS_TAG],
        "pairs": count_pairs(facts.MANIFEST),
        "start": _start(one.params),
    }
    card = model_card(params=params, metrics=metrics, lineage=lineage)
    return write_bundle(
        BUNDLE,
        weights=WEIGHTS,
        params=params,
        metrics=metrics,
        lineage=lineage,
        manifest=facts.MANIFEST,
        card=card,
        onnx=ONNX,
        start=pinned_bundle("start") if lineage["start"] else None,
    )


def _start(params: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return which registered model training went on from, or None."""
    pin = read_lock().start
    if pin is None or params["stage_one"]["start"] == "scratch":
        return None
    return pin.model_dump(mode="json", include={"name", "bundle", "weights"})


def _say(name: str, found: Registration, verdict: Verdict) -> None:
    if not found.created:
        _log.info("already registered as %s version %d: nothing changed", name, found.version)
        return
    role = "champion" if found.champion == found.version else "challenger"
    words = (name, found.version, role, verdict.sentence)
    _log.info("registered as %s version %d, now %s: %s", *words)
    if found.champion not in (None, found.version) and read_lock().champion is None:
        _log.info(
            "version %d leads still, and fuses: `make retrain` trains a challenger and compares "
            "both; `ssvif promote challenger --force --by ME --reason WHY` takes this one as it is",
            found.champion,
        )


if __name__ == "__main__":
    console.run(main)
