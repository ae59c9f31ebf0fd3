"""What the table knows of a metric."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from torch import Tensor

Joined = Literal["fused alone", "sum", "mean", "together"]


@dataclass(frozen=True)
class Metric:
    """One metric, as papers print it.

    Args:
        acronym: As in tables: `EN`, `Qabf`.
        title: In words.
        function: Takes fused alone, or fused, vis and ir; see `needs_sources`.
        joined: How the two sources are joined: `sum` or `mean` of one score each, `together`
            where both enter one formula, `fused alone` where neither is looked at.
        source: Where it was published.
        unit: What 1 means; empty for a plain number.
        low: Least value.
        high: Greatest value; infinite where there is none.
        higher_is_better: The direction; False where less is better.
        min_side: Least height and width.
    """

    acronym: str
    title: str
    function: Callable[..., Tensor]
    joined: Joined
    source: str
    unit: str = ""
    low: float = 0.0
    high: float = 1.0
    higher_is_better: bool = True
    min_side: int = 2

    @property
    def needs_sources(self) -> bool:
        """Whether the sources are compared with."""
        return self.joined != "fused alone"

    def score(self, *, fused: Tensor, vis: Tensor, ir: Tensor) -> Tensor:
        """Return the scores (B,) of planes (B, 1, H, W) in [0, 1]."""
        if self.needs_sources:
            return self.function(fused=fused, vis=vis, ir=ir)
        return self.function(fused=fused)
