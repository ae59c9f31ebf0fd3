from dataclasses import replace

import numpy as np
import pytest

from ssvif.data.images import write_png
from ssvif.data.manifest import pair_paths
from ssvif.drift.unusual import most_unusual, show


def test_most_unusual__stands_out_in_what_it_says(dark) -> None:
    found = most_unusual(dark)
    assert len(found) == 6
    assert {pair.measure for pair in found} == {"luminance"}
    assert all(pair.value < pair.low for pair in found)
    assert found[0].reason.startswith("visible luminance ")


def test_most_unusual__one_a_block(dark) -> None:
    blocks = dark.new.set_index("id")["block"]
    found = [blocks[pair.id] for pair in most_unusual(dark, count=50)]
    assert len(found) == len(set(found)) == 10


def test_most_unusual__one_wild_value_does_not_decide(dark) -> None:
    new = dark.new.copy()
    new.loc[0, "shift"] = 1e6
    new.loc[50, ["thermal_contrast", "vis_sharpness", "ir_sharpness"]] = 99.0
    assert most_unusual(replace(dark, new=new), 1)[0].id == new.loc[50, "id"]


def test_most_unusual__a_constant_reference_is_no_division_by_zero(dark) -> None:
    reference = dark.reference.assign(shift=0.0)
    assert len(most_unusual(replace(dark, reference=reference))) == 6


def test_most_unusual__what_the_learnt_never_vary_in_counts(dark) -> None:
    reference, new = dark.reference.assign(shift=0.0), dark.new.assign(shift=0.0)
    middle = reference.median(numeric_only=True)
    names = [name for name in middle.index if name in new]
    new[names] = middle[names].to_numpy()
    new.loc[30, "shift"] = 60.0
    first = most_unusual(replace(dark, reference=reference, new=new))[0]
    assert (first.id, first.measure, first.value) == (new.loc[30, "id"], "shift", 60.0)


def test_most_unusual__no_new_pairs(dark) -> None:
    assert most_unusual(replace(dark, new=dark.new.head(0))) == []


@pytest.fixture
def images(dark, pairs_folder):
    """Images of the first two of the most unusual pairs."""
    for pair in most_unusual(dark)[:2]:
        vis, ir = pair_paths(pair.id, pairs_folder)
        write_png(vis, np.full((20, 30, 3), 90, np.uint8))
        write_png(ir, np.full((20, 30), 40, np.uint8))
    return pairs_folder


def test_show__those_on_disk(dark, images) -> None:
    found = show(most_unusual(dark), images)
    assert [(one.width, one.height) for one in found] == [(30, 20)] * 2
    assert all(one.vis.startswith("data:image/webp;base64,") for one in found)
    assert found[0].vis != found[0].ir
