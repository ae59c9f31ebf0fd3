"""The evaluation as one self-contained page."""
