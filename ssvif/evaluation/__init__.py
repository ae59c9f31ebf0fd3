"""Scores of models on pairs, as tables and pictures."""
