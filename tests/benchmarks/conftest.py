from collections.abc import Callable

import pandas as pd
import pytest

SCENES = 16


@pytest.fixture(scope="session")
def counts() -> Callable[[int], pd.DataFrame]:
    """Return a probe's counts that score `good` of 10 everywhere."""

    def table(good: int) -> pd.DataFrame:
        return pd.DataFrame(
            [
                {
                    "repetition": 0,
                    "id": f"i{scene:02}",
                    "block": f"b{scene // 2}",
                    "class": name,
                    "intersection": good,
                    "union": 10,
                    "target": 8,
                }
                for scene in range(SCENES)
                for name in ("background", "person")
            ]
        )

    return table
