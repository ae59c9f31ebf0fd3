"""A retraining's place, inputs and record; deliveries; what clears up after the dead."""
