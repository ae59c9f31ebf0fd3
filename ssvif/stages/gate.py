"""DVC stage `gate`: judges the challenger, beside the pinned champion where there is one."""

import logging
from pathlib import Path

from ssvif import console
from ssvif.evaluation.pairs import PairSource, project_pairs
from ssvif.fuse.places import WEIGHTS_NAME
from ssvif.gate.decision import DECISION, Champion, Check, Decision
from ssvif.gate.golden import GoldenSet, open_golden, read_golden
from ssvif.gate.run import Gated, Job, Rival, not_gated, run_gate
from ssvif.gate.write import write_gate
from ssvif.params import Params, load_params
from ssvif.registry.bundle import read_json
from ssvif.registry.floors import check_floors
from ssvif.registry.pairs import INHERITED, learnt_ids, read_pairs
from ssvif.registry.pin import pinned_bundle, read_lock
from ssvif.stages.start import find_start
from ssvif.tracking.run import track_stage

WEIGHTS = Path("models/stage_two.safetensors")
EVALUATION = Path("reports/evaluate/metrics.json")
REPORTS = DECISION.parent
RECORD = Path("runs/gate")

_FLOORS = {"entropy": "EN", "qabf": "Qabf", "ssim": "SSIM"}

_log = logging.getLogger(__name__)


def main() -> None:
    """Decide about the model of the current folder's project.

    Raises:
        SsvifError: If a model, the pinned champion, the golden set or a pair cannot be used.
    """
    params = load_params()
    with track_stage("gate", params=params, record=RECORD, live=False) as run:
        gated = _gate(params)
        write_gate(gated, REPORTS)
        run.log(0, figures(gated.decision))
        for path in sorted(REPORTS.iterdir()):
            run.add_artifact(path)
    _log.info("%s", gated.decision.sentence)


def figures(decision: Decision) -> dict[str, float]:
    """Return what a decision says in numbers: values and verdicts by check.

    A check that was not judged has no verdict.
    """
    numbers = {"gate/promote": float(decision.outcome == "promote")}
    for check in decision.checks:
        key = f"gate/{check.name.replace(':', '_')}"
        if check.value is not None:
            numbers[key] = check.value
        if check.passed is not None:
            numbers[f"{key}/passed"] = float(check.passed)
    return numbers


def _gate(params: Params) -> Gated:
    golden = read_golden()
    job = Job(
        source=project_pairs(),
        golden=None if golden is None else _open(golden),
        challenger=WEIGHTS,
        rival=_rival(params),
        floors=_floors(params),
        params=params,
    )
    return not_gated(job) if params.gate.mode == "off" else run_gate(job)


def _open(golden: GoldenSet) -> tuple[GoldenSet, PairSource]:
    return golden, open_golden(golden)


def _rival(params: Params) -> Rival | None:
    """Return the pinned champion and its pairs; what either model inherited trained it."""
    folder, pin = pinned_bundle("champion"), read_lock().champion
    if folder is None or pin is None:
        return None
    pairs = read_pairs(folder)
    split = pairs["split"].mask(pairs[INHERITED], "train")
    known: dict[str, str] = dict(zip(pairs["id"], split, strict=True))
    if start := find_start(params):  # another one, if the champion has changed meanwhile
        known |= dict.fromkeys(learnt_ids(read_pairs(start.bundle)), "train")
    return Rival(Champion(**pin.model_dump()), folder / WEIGHTS_NAME, known)


def _floors(params: Params) -> list[Check]:
    verdict = check_floors(read_json(EVALUATION), params.register_.floors)
    return [
        Check(
            name=f"floor/{check.name}",
            kind="floor",
            metric=_FLOORS.get(check.name, check.name),
            value=check.value,
            limit=check.floor,
            passed=check.passed,
            sentence=f"has {check.name} {check.value:.3g} (at least {check.floor:.3g} is needed)",
        )
        for check in verdict.checks
    ]


if __name__ == "__main__":
    console.run(main)
