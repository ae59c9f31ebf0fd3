"""Every metric beside an independent implementation; `python -m benchmarks.oracles` prints them."""

import pytest

from benchmarks.oracles import FUSINGS, ORACLES, Oracle
from ssvif.metrics.table import METRICS


@pytest.mark.parametrize("fusing", FUSINGS)
@pytest.mark.parametrize(
    "oracle", ORACLES, ids=lambda oracle: f"{oracle.acronym}-{oracle.convention}-{oracle.by}"
)
def test_score__equals_the_oracle(oracle: Oracle, fusing: str) -> None:
    score, expected = oracle.compare(fusing)
    assert score == pytest.approx(expected, rel=oracle.tolerance, abs=1e-6)


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.acronym)
def test_oracles__hold_every_metric_and_convention(metric) -> None:
    conventions = {oracle.convention for oracle in ORACLES if oracle.acronym == metric.acronym}
    expected = {"sound", "literature"} if metric.literature else {"sound"}
    assert expected <= conventions
