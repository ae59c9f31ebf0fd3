"""What the candidates of an evaluation are called in tables; imports nothing heavy."""

LABELS = {"stage_one": "stage one", "stage_two": "stage two", "mean": "mean", "max": "max"}
