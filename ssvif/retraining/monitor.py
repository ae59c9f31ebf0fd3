"""Measures how far new captures are from what the champion learnt: one call for the flow.

The champion is the bundle at hand, `models/champion/`; the registry only says its version, and
need not be there.
"""

import logging
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import pandas as pd

from ssvif.data.manifest import PAIRS_FOLDER
from ssvif.drift.history import Occasion
from ssvif.drift.measure import Drift, measure_drift
from ssvif.drift.prototypes import prototype_shares
from ssvif.drift.words import sentence
from ssvif.drift.write import REPORTS, write_drift
from ssvif.errors import DriftError, RegistryError
from ssvif.evaluation.pairs import PairSource, project_pairs
from ssvif.files import sha256_json
from ssvif.fuse.places import CHAMPION, WEIGHTS_NAME
from ssvif.params import Params, load_params
from ssvif.registry.bundle import BUNDLE_TAG, bundle_hash
from ssvif.registry.glance import glance
from ssvif.registry.pairs import read_pairs
from ssvif.registry.resolve import registry_errors
from ssvif.registry.versions import Registry
from ssvif.tracking.store import open_client

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Monitored:
    """What came of a measurement.

    Args:
        matters: Whether new captures differ so much that a retraining is due.
        judged: Whether there was enough to judge by.
        sentence: What was found and what to do, for people.
        page: The report.
        new_pairs: Pairs that the champion does not know.
        champion: What the champion is called, such as `version 3`.
        bundle: Hash of its bundle.
        drift: All that was measured.
    """

    matters: bool
    judged: bool
    sentence: str
    page: Path
    new_pairs: int
    champion: str
    bundle: str
    drift: Drift


def monitor(
    *,
    now: datetime,
    params: Params | None = None,
    source: PairSource | None = None,
    reports: Path = REPORTS,
) -> Monitored:
    """Compare the pairs that the champion does not know with those it learnt from; write that down.

    Args:
        now: The time, with its zone.
        params: The project's parameters; else those of params.yaml.
        source: Pairs to judge; else those of the project.
        reports: Where the page and the history are.

    Returns:
        What was found, also where there are too few pairs to judge.

    Raises:
        DriftError: If there is no champion, or it was trained on no pairs.
        ManifestError: If there is no manifest.
        ModelError: If the champion's bundle is not whole.
        StorageError: If the report cannot be written.
    """
    params = params or load_params()
    if not CHAMPION.is_dir():
        raise DriftError(
            f"{CHAMPION}: no champion to compare with; train one with `dvc repro`, or bring the "
            "registry's here with `ssvif champion`"
        )
    digest = bundle_hash(CHAMPION)
    seen = read_pairs(CHAMPION)
    source = source or project_pairs()
    learnt = seen[seen["split"] == "train"]
    new = source.manifest[~source.manifest["id"].isin(seen["id"])]
    prototypes: pd.DataFrame | str = ""
    if len(new) >= params.drift.min_pairs:
        prototypes = prototype_shares(
            CHAMPION / WEIGHTS_NAME,
            (list(learnt["id"]), PAIRS_FOLDER),
            (list(new["id"]), source.pairs),
            least=params.drift.min_pairs,
        )
    drift = measure_drift(learnt, new, params=params.drift, seed=params.seed, prototypes=prototypes)
    occasion = Occasion(
        time=now,
        champion=_name(digest, params.register_.name),
        bundle=digest,
        manifest=sha256_json(sorted(source.manifest["id"])),
    )
    page = write_drift(drift, occasion, reports, pairs=source.pairs)
    return Monitored(
        matters=drift.matters,
        judged=drift.judged,
        sentence=sentence(drift, occasion.champion),
        page=page,
        new_pairs=len(new),
        champion=occasion.champion,
        bundle=digest,
        drift=drift,
    )


def _name(digest: str, name: str) -> str:
    """Return what the champion is called, by its version where the registry can be asked."""
    try:
        seen = glance(name, bundle_tag=BUNDLE_TAG)
        if seen is not None:
            version = seen.bundles.get(digest)
        else:
            with registry_errors():
                version = Registry(open_client(), name).find(digest)
    except RegistryError as error:
        _log.warning("drift: the champion's version is not known: %s", error)
        version = None
    return "the champion" if version is None else f"version {version}"
