"""The one source of randomness.

Everything random takes a generator made here, named by what it is for, so that adding a
consumer never changes the numbers another one gets.
"""

import hashlib

import numpy as np


def derive_seed(seed: int, *names: str | int) -> int:
    """Return a seed of its own for the consumer called `names`.

    Args:
        seed: The run's seed.
        names: What the numbers are for, such as `"stage_one", "crops"`.

    Returns:
        An integer in [0, 2**63).
    """
    text = "/".join([str(seed), *map(str, names)])
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8]) >> 1


def numpy_generator(seed: int, *names: str | int) -> np.random.Generator:
    """Return a NumPy generator for the consumer called `names`."""
    return np.random.default_rng(derive_seed(seed, *names))
