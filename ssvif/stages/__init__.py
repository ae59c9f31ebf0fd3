"""The DVC stages, one file each."""
