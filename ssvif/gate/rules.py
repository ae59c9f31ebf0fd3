"""The rules of the gate: from what was measured to verdicts. Pure functions; docs/gate.md.

Source of the rule over several metrics: Berger 1982, "Multiparameter hypothesis testing and
    acceptance sampling" (intersection-union test: where every test must pass, each may keep its
    own level).
"""

from collections.abc import Mapping, Sequence
from math import isnan

from ssvif.errors import GateError
from ssvif.evaluation.labels import counted, plural
from ssvif.evaluation.statistics import MIN_BLOCKS
from ssvif.gate.decision import Check, Kind
from ssvif.gate.gains import ALL, Gain
from ssvif.metrics.table import METRICS, STANDARD, Metric
from ssvif.params import GateParams

# Within a slice means are judged, and no interval; with fewer blocks they say too little.
MIN_SLICE_BLOCKS = 3
PROBE_SCORE = "mean IoU"

_METRICS = {metric.acronym: metric for metric in METRICS}


def gated_metrics(primary: str) -> tuple[Metric, ...]:
    """Return what both models are scored by: the standard metrics, and the primary one.

    Raises:
        GateError: If the primary metric is not known.
    """
    if primary not in _METRICS:
        raise GateError(
            f"gate.primary: expected one of {', '.join(_METRICS)}, found {primary}; correct "
            "params.yaml"
        )
    chosen = _METRICS[primary]
    return STANDARD if chosen in STANDARD else (*STANDARD, chosen)


def judge_gains(gains: Sequence[Gain], params: GateParams, *, level: float) -> list[Check]:
    """Judge all that the metrics say.

    Args:
        gains: Every metric on every group, as `measure_gains` makes them.
        params: Primary metric and margins.
        level: What p must stay below.
    """
    whole = {gain.metric: gain for gain in gains if gain.group == ALL}
    primary = whole[params.primary]
    checks = [check_sample(primary.pairs, primary.blocks, params)]
    checks.append(check_superiority(primary, params, level=level))
    checks += [
        check_metric(gain, params)
        for gain in whole.values()
        if gain.metric != params.primary or params.tie == "newer"
    ]
    slices = [gain for gain in gains if gain.group != ALL and gain.pairs < primary.pairs]
    checks += [check_slice(gain, params) for gain in slices if is_guarded(gain.metric)]
    return checks


def is_guarded(metric: str) -> bool:
    """Whether a metric looks at the sources, so that noise alone does not raise it."""
    return _METRICS[metric].needs_sources


def check_sample(pairs: int, blocks: int, params: GateParams) -> Check:
    """Judge whether there is enough to decide on."""
    passed = pairs >= params.min_pairs and blocks >= MIN_BLOCKS
    sentence = counted(pairs, blocks)
    if not passed:
        sentence = (
            f"{sentence} {'is' if pairs == 1 else 'are'} too few to decide on; "
            f"{params.min_pairs} pairs of {MIN_BLOCKS} blocks would do (ingest.block_size "
            "neighbours make a block)"
        )
    return Check(
        name="sample",
        kind="sample",
        group=ALL,
        value=float(pairs),
        limit=float(params.min_pairs),
        passed=passed,
        sentence=sentence,
    )


def check_superiority(gain: Gain, params: GateParams, *, level: float) -> Check:
    """Judge the primary metric: the interval's lower bound and the test must both agree.

    With few blocks the interval is too narrow; the test keeps its level. Where newer models win
    ties, a gain that chance may explain is no failure: `check_metric` guards it then.
    """
    limit = params.superiority * abs(gain.champion)
    passed = gain.low > limit and gain.p < level
    size = f"{_signed(gain.value)} {gain.metric}{_interval(gain)}"
    if passed:
        sentence = f"gains {size.removeprefix('+')}"
    elif gain.value > 0.0:
        asked = f"; more than {_plain(limit)} is asked for" if limit else ""
        sentence = f"gains {size.removeprefix('+')}, which chance may explain{asked}"
    else:
        sentence = f"gains nothing: {size}"
    verdict = True if passed else (None if params.tie == "newer" else False)
    return _check("superiority", gain, limit=limit, passed=verdict, sentence=sentence)


def check_metric(gain: Gain, params: GateParams) -> Check:
    """Judge one metric over all held-out pairs.

    A metric that looks at the sources must be shown to lose less than the margin: the interval's
    lower bound is held against it. One of the fused image alone (EN, SD, SF, AG) rises with noise
    as with detail; its mean may not fall by more than `slice_margin`.
    """
    guarded = is_guarded(gain.metric)
    margin = params.margin if guarded else params.slice_margin
    limit = -margin * abs(gain.champion)
    if guarded and isnan(gain.low):
        sentence = f"{_change(gain)}; too few blocks for an interval"
        return _check("metric", gain, limit=limit, passed=None, sentence=sentence)
    held = gain.low if guarded else gain.value
    passed = held > limit or held >= 0.0
    sentence = _change(gain)
    if not passed and gain.value > limit:
        sentence = f"may lose {_percent(-gain.of_champion(gain.low))} of {gain.metric}"
    if not passed or gain.value < 0.0:
        sentence = f"{sentence} ({_allowed(margin)})"
    return _check("metric", gain, limit=limit, passed=passed, sentence=sentence)


def check_slice(gain: Gain, params: GateParams) -> Check:
    """Judge one metric within a part of the pairs, by its mean."""
    limit = -params.slice_margin * abs(gain.champion)
    where = f" on {group_name(gain.group)}"
    if gain.pairs < params.min_pairs or gain.blocks < MIN_SLICE_BLOCKS:
        sentence = (
            f"{counted(gain.pairs, gain.blocks)}: not judged{where}; {params.min_pairs} of "
            f"{plural(MIN_SLICE_BLOCKS, 'block')} would do"
        )
        return _check("slice", gain, limit=limit, passed=None, sentence=sentence)
    passed = gain.value > limit or gain.value >= 0.0
    sentence = f"{_change(gain)}{where}"
    if gain.value < 0.0:
        sentence = f"{sentence} ({_allowed(params.slice_margin)})"
    return _check("slice", gain, limit=limit, passed=passed, sentence=sentence)


def check_probe(
    task: str,
    *,
    champion: float,
    gain: float,
    low: float,
    high: float,
    params: GateParams,
) -> Check:
    """Judge a probe's mean IoU over its classes, by its mean over repetitions.

    Args:
        task: What the probe was asked.
        champion: Its score on the champion's images, in [0, 1].
        gain: The challenger's lead; NaN where a probe has no score, as no object is to be found.
        low: Lower bound of the lead; NaN where there are too few blocks.
        high: Upper bound of it.
        params: The margin.
    """
    found = Gain(task, PROBE_SCORE, champion, champion + gain, gain, low, high, low, 0, 0)
    limit = -params.probe_margin * champion
    if isnan(gain):
        sentence = f"no labelled object on the tested pairs: the probe {task} is not judged"
        return _check("probe", found, limit=limit, passed=None, sentence=sentence)
    passed = gain > limit or gain >= 0.0
    sentence = f"{_change(found)} of the probe {task}"
    if gain < 0.0:
        sentence = f"{sentence} ({_allowed(params.probe_margin)})"
    return _check("probe", found, limit=limit, passed=passed, sentence=sentence)


def check_size(megabytes: float, params: GateParams) -> Check:
    """Judge the size of the fusion network, which is all that fusing needs."""
    limit = params.max_megabytes
    sentence = f"fuses with {megabytes:.3g} MB of weights ({limit:g} are allowed)"
    return _at_most("size", megabytes, limit, metric="MB", sentence=sentence)


def check_latency(ratio: float | None, params: GateParams) -> Check:
    """Judge the time to fuse a pair, as a multiple of the champion's.

    Args:
        ratio: Challenger over champion; None where both do the same computations.
        params: The limit.
    """
    limit = params.latency_ratio
    sentence = "does the same computations as the champion, in the same time"
    if ratio is not None:
        sentence = f"takes {ratio:.2f} times as long as the champion ({limit:g} are allowed)"
    return _at_most("latency", ratio, limit, metric="ratio", sentence=sentence)


def group_name(group: str) -> str:
    """Return a group of pairs for people."""
    names: Mapping[str, str] = {
        ALL: "all held-out pairs",
        "golden": "the golden set",
        "known": "pairs the champion was tested on",
        "new": "new pairs",
        "day": "day pairs",
        "night": "night pairs",
    }
    return names.get(group, f"pairs of {group.removeprefix('set:')}")


def _check(kind: str, gain: Gain, *, limit: float, passed: bool | None, sentence: str) -> Check:
    name = f"{kind}/{gain.group}/{gain.metric}" if kind == "slice" else f"{kind}/{gain.metric}"
    if kind == "probe":
        name = f"probe/{gain.group}"
    return Check.model_validate(
        {
            "name": name,
            "kind": kind,
            "group": gain.group,
            "metric": gain.metric,
            "value": known(gain.value),
            "low": known(gain.low),
            "high": known(gain.high),
            "limit": known(limit),
            "passed": passed,
            "sentence": sentence,
        }
    )


def _at_most(kind: Kind, value: float | None, limit: float, *, metric: str, sentence: str) -> Check:
    """Judge what may not exceed its limit; None does not."""
    return Check(
        name=kind,
        kind=kind,
        metric=metric,
        value=value,
        limit=limit,
        passed=value is None or value <= limit,
        sentence=sentence,
    )


def known(value: float) -> float | None:
    """Return a number, or None for NaN, which JSON has not."""
    return None if isnan(value) else value


def _change(gain: Gain) -> str:
    if gain.value == 0.0:
        return f"keeps {gain.metric}"
    verb = "loses" if gain.value < 0.0 else "gains"
    return f"{verb} {_percent(abs(gain.share))} of {gain.metric}"


def _percent(share: float) -> str:
    """Return a share in per cent, with two figures below ten."""
    return f"{100.0 * share:.2g} %" if abs(share) < 0.1 else f"{100.0 * share:.0f} %"


def _allowed(margin: float) -> str:
    return f"{100.0 * margin:g} % are allowed"


def _signed(value: float) -> str:
    return f"{value:+.2g}"


def _plain(value: float) -> str:
    return f"{value:.2g}"


def _interval(gain: Gain) -> str:
    return "" if isnan(gain.low) else f" ({_plain(gain.low)} to {_plain(gain.high)})"
