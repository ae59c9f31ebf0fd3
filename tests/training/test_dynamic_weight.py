import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ssvif.params import DynamicWeightParams
from ssvif.training.dynamic_weight import ConsistencyHealth, DynamicWeight

GOOD = ConsistencyHealth(agreement=0.8, effective_prototypes=12.0, equivariance=0.9)
PARAMS = DynamicWeightParams(rho=1.0, weight_max=0.5, ramp_share=0.2, floor_share=0.5, decay=0.9)


def _weight(params=PARAMS):
    return DynamicWeight(**params.model_dump(), steps=100, prototypes=16)


def _settle(weight, *, fusion_norm=0.1, consistency_norm=1.0, health=GOOD, steps=60, first=20):
    for step in range(first, first + steps):
        terms = weight.update(
            step, fusion_norm=fusion_norm, consistency_norm=consistency_norm, health=health
        )
    return terms


def test_update__settles_at_the_formula():
    terms = _settle(_weight())
    reliability = (0.8 - 1 / 16) / (1 - 1 / 16) * 12 / 16 * 0.9
    assert terms.reliability == pytest.approx(reliability)
    assert terms.ratio == pytest.approx(0.1)
    assert terms.weight == pytest.approx(reliability * 0.1)


def test_update__ramps_up_from_zero():
    weight = _weight()
    weights = [
        weight.update(step, fusion_norm=0.1, consistency_norm=1.0, health=GOOD).weight
        for step in range(30)
    ]
    assert weights[0] == 0
    assert weights[10] == pytest.approx(weights[20] / 2)
    assert weights[20] == pytest.approx(weights[29])


def test_update__a_vanishing_consistency_gradient_lowers_the_weight_to_nothing():
    weight = _weight()
    before = _settle(weight).weight
    fading = [_settle(weight, consistency_norm=norm, steps=60).weight for norm in (0.1, 1e-3, 1e-6)]
    assert fading[0] < before
    assert fading == sorted(fading, reverse=True)
    assert fading[-1] < 1e-3 * before


def test_update__never_more_than_twice_its_settled_value_while_the_gradient_falls():
    weight = _weight()
    before = _settle(weight).weight
    falling = [_settle(weight, consistency_norm=0.98**n, steps=1).weight for n in range(200)]
    assert max(falling) <= before / PARAMS.floor_share * (1 + 1e-9)


def test_update__a_spike_after_the_ramp_leaves_the_floor_where_it_is():
    weight = _weight()
    for step in range(20):
        terms = weight.update(step, fusion_norm=0.1, consistency_norm=1.0 + step % 2, health=GOOD)
    assert terms.floor == pytest.approx(PARAMS.floor_share * 1.5)
    assert _settle(weight, consistency_norm=50.0, steps=5).floor == terms.floor


@pytest.mark.parametrize(
    "health",
    [
        ConsistencyHealth(agreement=1 / 16, effective_prototypes=16.0, equivariance=1.0),
        ConsistencyHealth(agreement=0.9, effective_prototypes=12.0, equivariance=0.0),
    ],
)
def test_update__no_trust_no_weight(health):
    assert _settle(_weight(), health=health).weight == 0


def test_update__collapse_costs_trust():
    collapsed = ConsistencyHealth(agreement=1.0, effective_prototypes=1.0, equivariance=1.0)
    assert _settle(_weight(), health=collapsed).weight < 0.2 * _settle(_weight()).weight


@given(
    st.lists(
        st.tuples(
            st.floats(0, 1e6), st.floats(0, 1e6), st.floats(0, 1), st.floats(1, 16), st.floats(0, 1)
        ),
        min_size=1,
        max_size=30,
    )
)
@settings(max_examples=60, deadline=None)
def test_update__stays_in_its_bounds_whatever_comes(measurements):
    weight = _weight()
    for step, (fusion, consistency, agreement, used, equivariance) in enumerate(measurements):
        terms = weight.update(
            step,
            fusion_norm=fusion,
            consistency_norm=consistency,
            health=ConsistencyHealth(agreement, used, equivariance),
        )
        assert 0 <= terms.weight <= PARAMS.weight_max
        assert 0 <= terms.trust <= 1
        assert math.isfinite(terms.weight)


def test_update__the_weight_can_be_worked_out_from_what_is_logged():
    weight = _weight()
    _settle(weight, consistency_norm=1.0, steps=5)
    logged = _settle(weight, consistency_norm=0.2, fusion_norm=0.3, steps=3)
    assert (logged.fusion_norm, logged.consistency_norm) == (0.3, 0.2)
    norm = max(logged.mean_consistency_norm, logged.floor)
    presence = min(1.0, logged.mean_consistency_norm / logged.floor)
    again = logged.ramp * logged.reliability * presence * logged.mean_fusion_norm / norm
    assert logged.weight == pytest.approx(min(PARAMS.weight_max, PARAMS.rho * again))
    assert logged.trust == pytest.approx(PARAMS.rho * logged.ramp * logged.reliability * presence)


def test_state_dict__a_resumed_weight_goes_on_alike():
    weight, resumed = _weight(), _weight()
    _settle(weight)
    resumed.load_state_dict(weight.state_dict())
    assert _settle(weight, steps=3, consistency_norm=0.3) == _settle(
        resumed, steps=3, consistency_norm=0.3
    )
