"""DVC stage `sample`: renders the synthetic captures that stand in where no real ones are."""

import logging
from pathlib import Path

from ssvif import console
from ssvif.data.synthetic import write_sample
from ssvif.params import load_params

SAMPLE = Path("data/sample/synthetic")

_log = logging.getLogger(__name__)


def main() -> None:
    """Render as params.yaml says, in the current folder.

    Raises:
        ParamsError: If params.yaml is missing or not understood.
        StorageError: If a file cannot be written.
    """
    params = load_params()
    sample = params.sample
    write_sample(
        SAMPLE, pairs=sample.pairs, height=sample.height, width=sample.width, seed=params.seed
    )
    _log.info("%d synthetic pairs of %dx%d", sample.pairs, sample.width, sample.height)


if __name__ == "__main__":
    console.run(main)
