import logging
import math

import pytest
import torch

from ssvif.data.views import Overlap
from ssvif.training import health

RANDOM = torch.Generator().manual_seed(0)


def _random_classes(shape=(4, 32, 32)):
    return torch.randint(16, shape, generator=torch.Generator().manual_seed(0))


def test_used_prototypes__is_the_least_of_both():
    assert health.used_prototypes(_random_classes(), prototypes=16) > 15
    one = torch.zeros(4, 32, 32, dtype=torch.long)
    assert health.used_prototypes(_random_classes(), one, prototypes=16) == pytest.approx(1.0)


def test_equivariance__one_where_views_agree_after_flip_and_shift():
    scene = _random_classes((2, 24, 24))
    overlap = Overlap(size=16, rows=8, columns=-4, flipped=True)
    first, second = scene[:, :16, 8:24], scene[:, 8:24, 4:20].flip(-1)
    assert health.equivariance(first, second, overlap) == 1.0
    assert health.equivariance(first, second.flip(-1), overlap) < 0.3


def test_position_information__stripes_are_found_and_noise_is_not():
    stripes = (torch.arange(32) // 4).expand(4, 32, 32)
    assert health.position_information(stripes) > 0.5
    assert health.position_information(_random_classes()) < 0.1


def test_brightness_information__thresholds_are_found_and_noise_is_not():
    image = torch.rand(4, 1, 128, 128, generator=RANDOM)
    image = image + torch.linspace(0, 4, 4).view(4, 1, 1, 1)
    brightness = torch.nn.functional.avg_pool2d(image, 4)[:, 0]
    assert health.brightness_information((brightness * 4).long(), image) > 0.4
    assert health.brightness_information(_random_classes(), image) < 0.1


def test_brightness_information__finite_on_a_constant_image():
    assert health.brightness_information(_random_classes(), torch.zeros(4, 1, 128, 128)) == 0


@pytest.mark.parametrize(
    ("figures", "advice"),
    [
        ({"teacher/effective_prototypes": 7.9}, "collapsing"),
        ({"teacher/equivariance": 0.59}, "shifted view"),
        ({"teacher/position_information": 0.21}, "position in the view"),
        ({"consistency": 0.05}, "shortcut"),
    ],
)
def test_health_watch__warns_once_with_advice(caplog, figures, advice):
    watch = health.HealthWatch(prototypes=16)
    with caplog.at_level(logging.WARNING):
        for step in (50, 100, 150):
            watch.check(step, figures)
    (record,) = caplog.records
    assert advice in record.getMessage()
    assert next(iter(figures)) in record.getMessage()


def test_health_watch__good_figures_are_quiet(caplog):
    good = {
        "teacher/effective_prototypes": 12.0,
        "teacher/equivariance": 0.8,
        "teacher/position_information": 0.05,
        "consistency": 1.0,
    }
    watch = health.HealthWatch(prototypes=16)
    for step in (50, 100):
        watch.check(step, good)
    assert not caplog.records


def test_health_watch__before_anything_is_learnt_nothing_is_judged(caplog):
    watch = health.HealthWatch(prototypes=16, judged_from=100)
    for step in (0, 50, 99):
        watch.check(step, {"teacher/equivariance": 0.0})
    assert not caplog.messages
    for step in (100, 150):
        watch.check(step, {"teacher/equivariance": 0.0})
    assert len(caplog.messages) == 1


def test_health_watch__what_is_no_number_is_bad(caplog):
    figures = dict.fromkeys(("effective_prototypes", "position_information"), math.nan)
    teacher = {f"teacher/{name}": value for name, value in figures.items()}
    watch = health.HealthWatch(prototypes=16)
    for step in (50, 100):
        watch.check(step, teacher)
    assert len(caplog.messages) == 2


def test_health_watch__one_odd_batch_is_passed_over(caplog):
    watch = health.HealthWatch(prototypes=16)
    for step, value in ((50, 7.0), (100, 12.0), (150, 7.0)):
        watch.check(step, {"teacher/effective_prototypes": value})
        watch.check(step + 1, {"consistency": 1.0})
    assert not caplog.messages
