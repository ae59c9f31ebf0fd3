import pytest

from ssvif.errors import RegistryError
from ssvif.params import FloorParams
from ssvif.registry.floors import check_floors


def test_check_floors__all_reached(metrics):
    verdict = check_floors(metrics, FloorParams())
    assert verdict.passed
    assert verdict.sentence == "every floor is reached"
    assert {check.name for check in verdict.checks} == set(FloorParams.model_fields)


@pytest.mark.parametrize(
    ("floors", "sentence"),
    [
        (FloorParams(entropy=6.8), "floors missed: entropy 6.7 < 6.8"),
        (FloorParams(qabf=0.51), "floors missed: qabf 0.5 < 0.51"),
        (FloorParams(ssim=0.7), "floors missed: ssim 0.6 < 0.7"),
        (
            FloorParams(effective_prototypes_share=0.6),
            "floors missed: effective_prototypes_share 0.5 < 0.6",
        ),
    ],
)
def test_check_floors__each_one_counts(metrics, floors, sentence):
    verdict = check_floors(metrics, floors)
    assert not verdict.passed
    assert verdict.sentence == sentence


def test_check_floors__a_value_at_its_floor_passes(metrics):
    assert check_floors(metrics, FloorParams(qabf=0.5)).passed


def test_check_floors__evaluation_without_a_figure_is_refused(metrics):
    del metrics["stage_two"]["Qabf"]
    with pytest.raises(RegistryError, match=r"no number stage_two\.Qabf"):
        check_floors(metrics, FloorParams())
