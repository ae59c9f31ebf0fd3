"""What the page calls things: candidates and their colours, metrics and their directions."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ssvif.evaluation.labels import label
from ssvif.metrics.table import METRICS, STANDARD

MINUS = "\N{MINUS SIGN}"
DASH = "\N{EN DASH}"  # between bounds, and where there is no figure
MODEL = "stage_two"  # this project's model, where no other name is given
PROBE_METRIC = "probe_mean_iou"
HUES = 8  # colours that are told apart; further candidates share a grey one

_LABELS = {
    "vis": "visible",
    "ir": "infrared",
    "stack": "stacked",
    "redmax": "red max",
    "both": "both images",
}
_BEFORE = ("stage_two", "stage_one", "mean", "max", "vis", "ir", "both", "stack", "redmax")


@dataclass(frozen=True)
class Term:
    """A metric for the page.

    Args:
        key: As in the tables' columns.
        acronym: As it is printed.
        title: In words.
        unit: What 1 means; empty for a plain number.
        higher_is_better: The direction.
        detail: Range, how the sources are joined and where it was published.
    """

    key: str
    acronym: str
    title: str
    unit: str
    higher_is_better: bool
    detail: str

    @property
    def direction(self) -> str:
        """The direction in words."""
        return "higher is better" if self.higher_is_better else "lower is better"

    @property
    def arrow(self) -> str:
        """The direction as a sign."""
        return "↑" if self.higher_is_better else "↓"

    @property
    def definition(self) -> str:
        """All of it in one line, for tooltips."""
        unit = f" in {self.unit}" if self.unit else ""
        return f"{self.title}{unit}; {self.direction}. {self.detail}"


def _terms() -> dict[str, Term]:
    terms = {}
    for metric in METRICS:
        top = f"{metric.high:.4g}" if metric.high != float("inf") else "no bound"
        joined = metric.joined if metric.joined == "fused alone" else f"sources: {metric.joined}"
        detail = f"Range {metric.low:g} to {top}; {joined}. {metric.source}."
        terms[metric.acronym] = Term(
            key=metric.acronym,
            acronym=metric.acronym,
            title=metric.title,
            unit=metric.unit,
            higher_is_better=metric.higher_is_better,
            detail=detail,
        )
    terms[PROBE_METRIC] = Term(
        key=PROBE_METRIC,
        acronym="Probe mIoU",
        title="mean intersection over union of the probe",
        unit="share",
        higher_is_better=True,
        detail="Range 0 to 1; a segmenter trained on clean images reads the degraded ones.",
    )
    return terms


TERMS: Mapping[str, Term] = _terms()
STANDARD_KEYS = tuple(metric.acronym for metric in STANDARD)


def term(key: str) -> Term:
    """Return a metric's term; one that is not known counts as better the higher it is."""
    return TERMS.get(key) or Term(key, key, key, "", higher_is_better=True, detail="")


def name_of(candidate: str) -> str:
    """Return a candidate's name for people."""
    return _LABELS.get(candidate) or label(candidate)


def opening(candidate: str) -> str:
    """Return a candidate's name to begin a sentence; the names that users gave stay as they are."""
    name = name_of(candidate)
    return f"{name[0].upper()}{name[1:]}" if candidate in _BEFORE else name


def in_order(candidates: Iterable[str]) -> list[str]:
    """Return candidates without repeats: those of this project first, then by name."""
    known = {name: place for place, name in enumerate(_BEFORE)}
    return sorted(set(candidates), key=lambda name: (known.get(name, len(known)), name))


def hues(candidates: Iterable[str], *, model: str) -> dict[str, str]:
    """Give every candidate a CSS class with its colour, `hue-0` to `hue-7` or `hue-rest`.

    Args:
        candidates: In any order, repeats allowed.
        model: The one that gets the first colour.
    """
    order = sorted(in_order(candidates), key=lambda name: name != model)
    return {
        name: f"hue-{place}" if place < HUES else "hue-rest" for place, name in enumerate(order)
    }


def decimals(largest: float) -> int:
    """Return how many decimals a column of numbers up to `largest` needs."""
    if abs(largest) >= 100.0:
        return 1
    return 2 if abs(largest) >= 10.0 else 3


def number(value: float, places: int, *, sign: bool = False) -> str:
    """Write a number with a true minus sign; what is not a number becomes a dash."""
    if value != value:
        return DASH
    text = f"{value:+.{places}f}" if sign else f"{value:.{places}f}"
    return text.replace("-", MINUS)


def percent(value: float) -> str:
    """Write a share as whole percent."""
    return DASH if value != value else f"{100.0 * value:.0f} %"


def chance(p: float) -> str:
    """Write a p-value: three decimals, and no zero."""
    if p != p:
        return DASH
    return "< 0.001" if p < 0.001 else f"{p:.3f}"
