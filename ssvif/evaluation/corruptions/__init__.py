"""Pairs as they come from cameras that are knocked, dirty, blinded, lost or of another kind."""

from ssvif.evaluation.corruptions.draw import Sources
from ssvif.evaluation.corruptions.table import (
    BY_NAME,
    DEGRADATIONS,
    SEVERITIES,
    Degradation,
    corrupt,
)

__all__ = ["BY_NAME", "DEGRADATIONS", "SEVERITIES", "Degradation", "Sources", "corrupt"]
