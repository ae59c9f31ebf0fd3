"""Captures, pairs, manifest and synthetic scenes."""
