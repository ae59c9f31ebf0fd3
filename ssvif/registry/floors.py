"""Absolute floors: the least that a model must reach to become the first champion."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from ssvif.errors import RegistryError
from ssvif.params import FloorParams

# Where reports/evaluate/metrics.json holds the figure that each floor is about.
_FIGURES = {
    "entropy": ("stage_two", "EN"),
    "qabf": ("stage_two", "Qabf"),
    "ssim": ("stage_two", "SSIM"),
    "effective_prototypes_share": ("branches", "stage_two", "effective_prototypes_share"),
}


@dataclass(frozen=True)
class Check:
    """One floor and what was reached."""

    name: str
    floor: float
    value: float
    passed: bool


@dataclass(frozen=True)
class Verdict:
    """All floors, in order of name."""

    checks: tuple[Check, ...]

    @property
    def passed(self) -> bool:
        """Whether every floor is reached."""
        return all(check.passed for check in self.checks)

    @property
    def sentence(self) -> str:
        """The verdict for people."""
        if self.passed:
            return "every floor is reached"
        missed = [f"{c.name} {c.value:.3g} < {c.floor:.3g}" for c in self.checks if not c.passed]
        return f"floors missed: {', '.join(missed)}"

    def as_dict(self) -> dict[str, Any]:
        """Return the verdict as JSON."""
        return {
            "passed": self.passed,
            "sentence": self.sentence,
            "checks": {check.name: asdict(check) for check in self.checks},
        }


def check_floors(metrics: Mapping[str, Any], floors: FloorParams) -> Verdict:
    """Compare an evaluation with the floors.

    Args:
        metrics: What reports/evaluate/metrics.json holds.
        floors: The least values.

    Raises:
        RegistryError: If the evaluation lacks a figure.
    """
    checks = []
    for name, floor in sorted(floors.model_dump().items()):
        value = _figure(metrics, _FIGURES[name])
        checks.append(Check(name=name, floor=floor, value=value, passed=value >= floor))
    return Verdict(tuple(checks))


def _figure(metrics: Mapping[str, Any], path: tuple[str, ...]) -> float:
    found: Any = metrics
    for key in path:
        found = found.get(key) if isinstance(found, Mapping) else None
    if not isinstance(found, int | float):
        raise RegistryError(
            f"the evaluation has no number {'.'.join(path)}; run the DVC stage `evaluate` again"
        )
    return float(found)
