"""Fusing files and arrays with a trained model."""
