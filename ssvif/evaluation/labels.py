"""What the candidates of an evaluation are called in tables; imports nothing heavy."""

LABELS = {"stage_one": "stage one", "stage_two": "stage two", "mean": "mean", "max": "max"}


def label(candidate: str) -> str:
    """Return a candidate's name for people; one that is not known keeps its own."""
    return LABELS.get(candidate, candidate)
