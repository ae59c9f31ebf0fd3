"""The training loop and what the two stages hand it."""
