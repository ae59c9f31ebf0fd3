"""Prefect flows around the DVC pipeline."""
