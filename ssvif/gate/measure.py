"""What the gate measures of both models: scores on pairs, probes, and the time they take."""

from collections.abc import Sequence
from math import nan

import pandas as pd
import torch

from ssvif.evaluation.pairs import PairSource
from ssvif.evaluation.probing import Resampling, probe_candidates
from ssvif.evaluation.scores import score_pairs
from ssvif.gate.decision import Check
from ssvif.gate.gains import ALL, Gain, Paired
from ssvif.gate.latency import measure_latency
from ssvif.gate.models import CHALLENGER, CHAMPION, GatedModel, same_work
from ssvif.gate.pairs import HeldOut
from ssvif.gate.rules import PROBE_SCORE, check_latency, check_probe, gated_metrics, known
from ssvif.params import GateParams, Params
from ssvif.probes.tasks import load_tasks

Numbers = dict[str, float | None]  # by key, as in the decision


def score(
    held_out: HeldOut, models: Sequence[GatedModel], *, primary: str, device: torch.device
) -> Paired:
    """Score both models on every held-out pair.

    Args:
        held_out: At least one pair.
        models: Champion and challenger.
        primary: The primary metric, scored beside the standard ones.
        device: Where the models are.

    Raises:
        GateError: If the primary metric is not known.
        ImageError: If a pair's file is missing or damaged.
        ModelError: If a model fuses a pair to values that are not numbers; it names the model.
    """
    metrics = gated_metrics(primary)
    tables = [
        score_pairs(rows, models, folder=folder, device=device, metrics=metrics).pairs
        for rows, folder in held_out.parts
        if len(rows)
    ]
    return Paired.of(pd.concat(tables, ignore_index=True))


def probe(
    source: PairSource, models: Sequence[GatedModel], params: Params, *, device: torch.device
) -> tuple[list[Check], Numbers]:
    """Train probes on both models' images of the labelled pairs, and judge them.

    Args:
        source: The present pairs and labels; without labels nothing is judged.
        models: Champion and challenger.
        params: probes, evaluate, gate and seed.
        device: Where the models are.

    Returns:
        A check a task, and both models' means. A task without an object on the tested pairs has no
        mean, and is not judged.

    Raises:
        ImageError: If a pair's file is missing or damaged.
        LabelError: If the table of classes cannot be read.
    """
    tasks, _ = load_tasks(source.manifest, source.labels, params.probes)
    probing = probe_candidates(
        tasks,
        models,
        source,
        params.probes,
        judged=CHALLENGER,
        resampling=Resampling(params.evaluate.confidence, params.evaluate.resamples, params.seed),
        device=device,
    )
    means = {
        f"{task}/{PROBE_SCORE}/{name}": scores["mean_iou"]
        for task, found in probing.as_dict().items()
        for name, scores in found.items()
        if "mean_iou" in scores
    }
    checks = [
        check_probe(
            str(row["task"]),
            champion=means.get(f"{row['task']}/{PROBE_SCORE}/{CHAMPION}", nan),
            gain=float(row["difference"]),
            low=float(row["low"]),
            high=float(row["high"]),
            params=params.gate,
        )
        for row in probing.statistics.to_dict("records")
    ]
    return checks, {**means}


def time_both(
    champion: GatedModel, challenger: GatedModel, params: GateParams, *, device: torch.device
) -> tuple[Check, Numbers]:
    """Time both, unless they do the same: then a decision's bytes know nothing of the machine.

    Returns:
        The check, and the milliseconds of every round.
    """
    if same_work(champion.fusion, challenger.fusion):
        return check_latency(None, params), {}
    found = measure_latency(champion, challenger, device=device)
    times: Numbers = {
        f"latency/{name}/{number}": 1e3 * seconds
        for name, taken in ((CHAMPION, found.champion), (CHALLENGER, found.challenger))
        for number, seconds in enumerate(taken)
    }
    return check_latency(found.ratio, params), times


def numbers(gains: Sequence[Gain]) -> Numbers:
    """Return every mean, gain and bound by group and metric."""
    return {
        f"{gain.group}/{gain.metric}/{name}": known(value)
        for gain in gains
        for name, value in (
            (CHAMPION, gain.champion),
            (CHALLENGER, gain.challenger),
            ("gain", gain.value),
            ("low", gain.low),
            ("high", gain.high),
            *((("p", gain.p),) if gain.group == ALL else ()),
        )
    }
