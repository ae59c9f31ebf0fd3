"""What the table knows of a metric, and the two conventions."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from torch import Tensor

# `sound` is what the definition means; `literature` is what the published evaluators print.
Convention = Literal["sound", "literature"]
Joined = Literal["fused alone", "sum", "mean", "together"]


@dataclass(frozen=True)
class Metric:
    """One metric, as papers print it.

    Args:
        acronym: As in tables: `EN`, `Qabf`.
        title: In words.
        function: Takes fused alone, or fused, vis and ir; see `needs_sources`. Where `literature`
            says something, also `convention`.
        joined: How the two sources are joined: `sum` or `mean` of one score each, `together`
            where both enter one formula, `fused alone` where neither is looked at.
        source: Where it was published.
        unit: What 1 means; empty for a plain number.
        low: Least value.
        high: Greatest value; infinite where there is none.
        higher_is_better: The direction; False where less is better.
        min_side: Least height and width.
        differentiable: Whether gradients reach the fused image.
        literature: What the published evaluators do otherwise; empty where they do the same.
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
    differentiable: bool = True
    literature: str = ""

    @property
    def needs_sources(self) -> bool:
        """Whether the sources are compared with."""
        return self.joined != "fused alone"

    def score(
        self, *, fused: Tensor, vis: Tensor, ir: Tensor, convention: Convention = "sound"
    ) -> Tensor:
        """Return the scores (B,) of planes (B, 1, H, W) in [0, 1].

        Raises:
            ShapeError: If the planes are not (B, 1, H, W), all of one shape, or are too small.
        """
        planes = {"fused": fused, "vis": vis, "ir": ir} if self.needs_sources else {"fused": fused}
        if self.literature:
            return self.function(**planes, convention=convention)
        return self.function(**planes)
