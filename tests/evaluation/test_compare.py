import json

import numpy as np
import pandas as pd
import pytest

from ssvif.errors import EvaluationError
from ssvif.evaluation.compare import compare
from ssvif.metrics.table import METRICS

UP = "EN"
DOWN = next(metric.acronym for metric in METRICS if not metric.higher_is_better)


def scores(*, blocks: int, lead: float) -> pd.DataFrame:
    """Four pairs a block; `stage_two` scores higher than `max` by `lead`, and a little noise."""
    rng = np.random.default_rng(0)
    pairs = range(4 * blocks)
    base = rng.normal(5.0, 1.0, len(pairs))
    rows = [
        {"id": f"{i:03}", "block": f"{i // 4:02}", "candidate": name, UP: value, DOWN: value}
        for i in pairs
        for name, value in (("stage_two", base[i] + lead + rng.normal(0, 0.01)), ("max", base[i]))
    ]
    return pd.DataFrame(rows).sample(frac=1.0, random_state=0)


def between(table: pd.DataFrame, candidate: str = "stage_two", reference: str = "max", **more):
    metrics = more.pop("metrics", [UP, DOWN])
    return compare(table, candidate=candidate, reference=reference, metrics=metrics, **more)


def test_compare__finds_a_difference_that_is_there() -> None:
    found = between(scores(blocks=10, lead=0.5))
    assert (found.pairs, found.blocks) == (40, 10)
    metric = found.metrics[0]
    assert metric.metric == UP
    assert metric.difference == pytest.approx(0.5, abs=0.01)
    assert metric.difference == pytest.approx(metric.candidate - metric.reference)
    assert metric.low < 0.5 < metric.high or metric.low == pytest.approx(0.5, abs=0.01)
    assert metric.p == pytest.approx(2 / 2**10)
    assert metric.p_holm == pytest.approx(2 * metric.p)
    assert metric.effect == 1.0


def test_compare__more_of_a_bad_thing_is_a_loss() -> None:
    found = between(scores(blocks=10, lead=0.5))
    assert [m.metric for m in found.wins()] == [UP]
    assert [m.metric for m in found.losses()] == [DOWN]
    assert f"stage two wins on {UP}; max wins on {DOWN}" in found.sentence


def test_compare__a_candidate_with_itself_is_even() -> None:
    found = between(scores(blocks=10, lead=0.5), "max", "max")
    assert [m.difference for m in found.metrics] == [0.0, 0.0]
    assert [m.p for m in found.metrics] == [1.0, 1.0]
    assert not found.wins()
    assert not found.losses()
    assert found.sentence == "max and max have equal means on every metric"


def test_compare__swapped_sides_swap_signs() -> None:
    table = scores(blocks=10, lead=0.2)
    one, other = between(table), between(table, "max", "stage_two")
    for first, second in zip(one.metrics, other.metrics, strict=True):
        assert first.difference == pytest.approx(-second.difference)
        assert first.effect == pytest.approx(-second.effect)
        assert first.p == pytest.approx(second.p)


def test_compare__few_blocks_say_so() -> None:
    found = between(scores(blocks=4, lead=0.5))
    assert np.isnan([(m.low, m.high, m.p, m.p_holm) for m in found.metrics]).all()
    assert f"stage two has the better mean on {UP}; max on {DOWN}; 4 blocks" in found.sentence
    assert "4 blocks of scenes are too few to tell that from chance" in found.sentence
    assert not found.wins()


@pytest.mark.parametrize("pairs", [1, 4])
def test_compare__pairs_of_one_block_are_described_and_not_tested(pairs: int) -> None:
    found = between(scores(blocks=1, lead=0.5).query(f"id < '{pairs:03}'"))
    assert (found.pairs, found.blocks) == (pairs, 1)
    assert np.isnan([(m.low, m.high, m.p, m.p_holm) for m in found.metrics]).all()
    assert found.metrics[0].difference == pytest.approx(0.5, abs=0.05)
    assert "1 block of scenes is too few" in found.sentence


def test_compare__blocks_that_holm_cannot_pass_are_judged_one_by_one() -> None:
    found = between(scores(blocks=6, lead=0.5))  # 2 / 2**6 for two metrics is above 0.05
    assert not found.wins()
    assert f"each metric by itself: stage two wins on {UP}; max wins on {DOWN}" in found.sentence
    assert "6 blocks of scenes are too few for any of 2 metrics" in found.sentence


def test_compare__takes_the_pairs_that_both_have() -> None:
    table = scores(blocks=10, lead=0.5)
    found = between(table[~((table["candidate"] == "max") & (table["id"] < "004"))])
    assert (found.pairs, found.blocks) == (36, 9)


def test_compare__pairs_stay_with_their_blocks() -> None:
    # Block k of 1 to 8 has k pairs, each with a lead of k; in block 8 it is behind by 8.
    leads = [(k, -k if k == 8 else k) for k in range(1, 9) for _ in range(k)]
    rows = [
        {"id": f"{i:03}", "block": f"{k}", "candidate": name, UP: value}
        for i, (k, lead) in enumerate(leads)
        for name, value in (("stage_two", float(lead)), ("max", 0.0))
    ]
    table = pd.DataFrame(rows).sample(frac=1.0, random_state=0)
    (metric,) = between(table, metrics=[UP]).metrics
    assert metric.effect == pytest.approx((36 - 2 * 8) / 36)


def test_compare__no_common_pair_is_refused() -> None:
    with pytest.raises(EvaluationError, match="pairs that stage_two and SAGE both have, found non"):
        between(scores(blocks=3, lead=0.1), reference="SAGE")


def test_as_dict__is_json_with_nulls() -> None:
    content = json.loads(json.dumps(between(scores(blocks=4, lead=0.5)).as_dict(), allow_nan=False))
    assert content["metrics"][UP]["p"] is None
    assert content["metrics"][UP]["difference"] == pytest.approx(0.5, abs=0.01)
    assert content["candidate"] == "stage_two"
    assert content["sentence"]


def test_table__has_a_row_a_metric() -> None:
    table = between(scores(blocks=10, lead=0.5)).table()
    assert list(table.columns) == [
        *("metric", "candidate", "reference", "difference", "low", "high"),
        *("p", "p_holm", "effect", "pairs", "blocks"),
    ]
    assert table["metric"].tolist() == [UP, DOWN]
