import numpy as np

from ssvif.fuse.palette import palette


def test_palette__colours_are_distinct_and_do_not_depend_on_their_number() -> None:
    assert len(np.unique(palette(64), axis=0)) == 64
    np.testing.assert_array_equal(palette(8), palette(16)[:8])
    np.testing.assert_array_equal(palette(65)[64], palette(1)[0])
