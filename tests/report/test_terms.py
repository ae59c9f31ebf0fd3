import pytest

from ssvif.metrics.table import METRICS
from ssvif.report.terms import TERMS, chance, decimals, hues, in_order, name_of, number, term


def test_terms__every_metric_has_direction_and_definition() -> None:
    for metric in METRICS:
        found = TERMS[metric.acronym]
        assert found.higher_is_better == metric.higher_is_better
        assert metric.title in found.definition
        assert metric.source in found.definition
        assert found.direction in found.definition


def test_term__unknown_metric_keeps_its_name() -> None:
    assert term("shininess").acronym == "shininess"


def test_hues__the_model_is_first_and_the_ninth_is_grey() -> None:
    names = [f"method_{index}" for index in range(9)]
    found = hues([*names, "method_0"], model="method_5")
    assert found["method_5"] == "hue-0"
    assert found["method_8"] == "hue-rest"
    assert len(set(found.values())) == 9


def test_in_order__own_candidates_first_then_by_name() -> None:
    assert in_order(["b", "vis", "a", "stage_two", "b"]) == ["stage_two", "vis", "a", "b"]


def test_name_of__known_and_unknown() -> None:
    assert [name_of(name) for name in ("ir", "stage_one", "SeAFusion")] == [
        "infrared",
        "stage one",
        "SeAFusion",
    ]


@pytest.mark.parametrize(("largest", "places"), [(0.9, 3), (-45.0, 2), (120.0, 1)])
def test_decimals__large_numbers_need_fewer(largest: float, places: int) -> None:
    assert decimals(largest) == places


def test_number__minus_plus_and_gaps() -> None:
    assert number(-1.25, 2) == "\N{MINUS SIGN}1.25"
    assert number(1.25, 1, sign=True) == "+1.2"
    assert number(float("nan"), 2) == "\N{EN DASH}"


def test_chance__is_never_zero() -> None:
    assert [chance(p) for p in (0.0, 0.04567, float("nan"))] == ["< 0.001", "0.046", "\N{EN DASH}"]
