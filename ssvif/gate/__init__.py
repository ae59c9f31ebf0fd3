"""Decides whether a challenger takes the champion's place."""
