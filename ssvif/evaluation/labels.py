"""What the candidates of an evaluation are called in tables; imports nothing heavy."""

LABELS = {"stage_one": "stage one", "stage_two": "stage two", "mean": "mean", "max": "max"}


def plural(count: int, noun: str) -> str:
    """Return a count and its noun, in the plural unless it is one."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def counted(pairs: int, blocks: int) -> str:
    """Say how many pairs there are, and of how many blocks."""
    return f"{plural(pairs, 'pair')} of {plural(blocks, 'block')} of neighbouring frames"


def label(candidate: str) -> str:
    """Return a candidate's name for people; one that is not known keeps its own."""
    return LABELS.get(candidate, candidate)
