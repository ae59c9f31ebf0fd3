"""Losses, as free functions."""
