"""The gate from end to end: what is measured, judged and decided about one challenger."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from ssvif.errors import ModelError
from ssvif.evaluation.candidates import Scene
from ssvif.evaluation.pairs import PairSource, read_scene
from ssvif.evaluation.selection import spread
from ssvif.files import sha256_file
from ssvif.gate.decision import Challenger, Champion, Check, Decision, Sample
from ssvif.gate.gains import Gain, Paired, measure_gains
from ssvif.gate.golden import GoldenSet, require_unseen, require_wanted
from ssvif.gate.measure import Numbers, numbers, probe, score, time_both
from ssvif.gate.models import CHALLENGER, CHAMPION, GatedModel
from ssvif.gate.pairs import HeldOut, held_out_pairs, without_learnt
from ssvif.gate.rules import check_sample, check_size, gated_metrics, judge_gains
from ssvif.gate.sanity import check_sanity
from ssvif.gate.verdict import decide
from ssvif.params import Params

SANITY_PAIRS = 2  # one by day and one by night, where there are
_MEGA = 1e6

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Rival:
    """The champion, and what it has seen.

    Args:
        about: What the decision says of it.
        weights: Its weights file.
        pairs: The split of each pair that its bundle lists, by id; `train` for what it inherited,
            or the challenger did.
    """

    about: Champion
    weights: Path
    pairs: Mapping[str, str]


@dataclass(frozen=True)
class Job:
    """What shall be decided.

    Args:
        source: The pairs that the challenger was made with.
        golden: The frozen golden set and its pairs, where there is one.
        challenger: Its weights file.
        rival: The champion, where there is one.
        floors: The verdicts on the absolute floors.
        params: seed, ingest, gate, evaluate and probes.
    """

    source: PairSource
    golden: tuple[GoldenSet, PairSource] | None
    challenger: Path
    rival: Rival | None
    floors: Sequence[Check]
    params: Params


@dataclass(frozen=True)
class Gated:
    """What was decided, and what it was decided by.

    Args:
        decision: The decision.
        paired: The scores, where there are any.
        held_out: The pairs that were scored.
        models: Champion and challenger, where both were run.
    """

    decision: Decision
    paired: Paired | None = None
    held_out: HeldOut | None = None
    models: tuple[GatedModel, ...] = ()


def not_gated(job: Job) -> Gated:
    """Return that nothing was looked at, for the mode `off`."""
    sentence = "not gated: gate.mode is off, so nobody is promoted"
    return Gated(_decision(job, "not_gated", sentence, checks=()))


def run_gate(job: Job) -> Gated:
    """Look at the challenger, and beside the champion if there is one.

    Raises:
        GateError: If a golden pair is excluded or trains the challenger, or the primary metric is
            not known.
        ImageError: If a pair's file is missing or damaged.
        ModelError: If a weights file cannot be read, or the champion fuses to no numbers.
        LabelError: If probes are asked for, and the table of classes cannot be read.
    """
    gated_metrics(job.params.gate.primary)
    if job.golden is not None:
        golden = job.golden[1].manifest
        require_wanted(golden, job.params.ingest.exclude)
        require_unseen(golden, job.source.manifest)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    challenger = GatedModel.load(CHALLENGER, job.challenger, device=device)
    alone = [
        *job.floors,
        check_size(challenger.megabytes, job.params.gate),
        *check_sanity(challenger, _sanity_scenes(job, device), seed=job.params.seed),
    ]
    rival = job.rival
    if rival is None:
        return Gated(_decided(job, alone))
    if rival.about.weights == sha256_file(job.challenger):
        sentence = f"keep version {rival.about.version}: the challenger is the same model"
        return Gated(_decision(job, "keep", sentence, checks=alone))
    if any(check.kind == "sanity" and check.passed is False for check in alone):
        return Gated(_decided(job, alone))
    champion = GatedModel.load(CHAMPION, rival.weights, device=device)
    return _compare(job, rival, (champion, challenger), alone, device)


def _compare(
    job: Job,
    rival: Rival,
    models: tuple[GatedModel, GatedModel],
    alone: Sequence[Check],
    device: torch.device,
) -> Gated:
    golden = job.golden[1] if job.golden else None
    held_out = held_out_pairs(job.source, golden, rival.pairs)
    latency, times = time_both(*models, job.params.gate, device=device)
    if held_out.rows.empty:
        sample = check_sample(0, 0, job.params.gate)
        return Gated(_decided(job, [sample, *alone, latency], numbers=times, held_out=held_out))
    _log.info("gate: champion and challenger on %d held-out pairs", len(held_out.rows))
    try:
        paired = score(held_out, models, primary=job.params.gate.primary, device=device)
    except ModelError as error:
        if not str(error).startswith(CHALLENGER):
            raise
        broken = _not_numbers(str(error))
        return Gated(_decided(job, [broken, *alone], held_out=held_out))
    evaluate = job.params.evaluate
    gains = measure_gains(
        paired,
        held_out.groups,
        asked=job.params.gate.superiority,
        confidence=evaluate.confidence,
        resamples=evaluate.resamples,
        seed=job.params.seed,
    )
    judged = judge_gains(gains, job.params.gate, level=1.0 - evaluate.confidence)
    unseen = without_learnt(job.source, rival.pairs)
    probes, means = _probe(unseen, models, job.params, device)
    checks = [*judged, *probes, *alone, latency]
    found = {**numbers(gains), **means, **times}
    decision = _decided(job, checks, numbers=found, held_out=held_out, gains=gains)
    return Gated(decision, paired, held_out, models)


def _probe(
    source: PairSource, models: Sequence[GatedModel], params: Params, device: torch.device
) -> tuple[list[Check], Numbers]:
    if not params.evaluate.probe:
        return [], {}
    return probe(source, models, params, device=device)


def _sanity_scenes(job: Job, device: torch.device) -> list[Scene]:
    manifest = job.source.manifest
    test = manifest[manifest["split"] == "test"]
    rows = spread(test if len(test) else manifest, SANITY_PAIRS)
    return [read_scene(job.source.pairs, row, device=device) for row in rows.to_dict("records")]


def _not_numbers(reason: str) -> Check:
    return Check(
        name="sanity/pairs",
        kind="sanity",
        metric="pairs",
        passed=False,
        sentence=reason.removeprefix(f"{CHALLENGER}: "),
    )


def _decided(
    job: Job,
    checks: Sequence[Check],
    *,
    numbers: Numbers | None = None,
    held_out: HeldOut | None = None,
    gains: Sequence[Gain] = (),
) -> Decision:
    champion = None if job.rival is None else f"version {job.rival.about.version}"
    outcome, sentence = decide(checks, champion=champion)
    return _decision(
        job,
        outcome,
        sentence,
        checks=checks,
        numbers=numbers or {},
        samples={gain.group: Sample(pairs=gain.pairs, blocks=gain.blocks) for gain in gains},
        notes=held_out.notes if held_out else (),
    )


def _decision(
    job: Job, outcome: str, sentence: str, *, checks: Sequence[Check], **more: object
) -> Decision:
    if not job.challenger.is_file():
        raise ModelError(f"{job.challenger}: no such file; train a model with `make repro`")
    megabytes = round(job.challenger.stat().st_size / _MEGA, 3)
    challenger = Challenger(weights=sha256_file(job.challenger), megabytes=megabytes)
    return Decision.model_validate(
        {
            "outcome": outcome,
            "mode": job.params.gate.mode,
            "sentence": sentence,
            "champion": job.rival.about if job.rival else None,
            "challenger": challenger,
            "golden": job.golden[0].hash if job.golden else None,
            "checks": tuple(checks),
            **more,
        }
    )
