"""A quick look at a registry in a local database, without the seconds that MLflow's import takes.

Every `dvc repro` asks whether the model is registered already. MLflow's own tables answer that in
a millisecond; where they cannot be read, or are not as expected, MLflow is asked as usual.
The tables are MLflow's own affair, so only the release they were read in is trusted.
Source: mlflow/store/model_registry/dbmodels/models.py, MLflow 3.17.
"""

import os
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from importlib.metadata import version

from ssvif.tracking.store import database_path, tracking_uri

# Where one of these is set, the registry is elsewhere than the runs.
REGISTRY_VARIABLE = "MLFLOW_REGISTRY_URI"
_ELSEWHERE = (REGISTRY_VARIABLE, "MLFLOW_WORKSPACE")
_RELEASE = "3.17."

_BUNDLES = """
    SELECT value, version FROM model_version_tags
    JOIN model_versions USING (workspace, name, version)
    WHERE workspace = 'default' AND name = ? AND key = ? AND current_stage != 'Deleted_Internal'
    ORDER BY version DESC
"""
_ALIASES = """
    SELECT alias, version FROM registered_model_aliases WHERE workspace = 'default' AND name = ?
"""
_TAGS = "SELECT key, value FROM registered_model_tags WHERE workspace = 'default' AND name = ?"


@dataclass(frozen=True)
class Glance:
    """What a registered model has.

    Args:
        bundles: Versions by the hash of their bundle; the first version counts.
        aliases: Versions by alias.
        tags: Tags of the model itself.
    """

    bundles: Mapping[str, int]
    aliases: Mapping[str, int]
    tags: Mapping[str, str]


def glance(name: str, *, bundle_tag: str) -> Glance | None:
    """Look at a registered model; None says nothing about it.

    Args:
        name: Name of the registered model.
        bundle_tag: The tag of a version that holds its bundle's hash.
    """
    path = database_path(tracking_uri())
    if path is None or any(variable in os.environ for variable in _ELSEWHERE):
        return None
    if not version("mlflow").startswith(_RELEASE):
        return None
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as database:
            bundles = dict(database.execute(_BUNDLES, (name, bundle_tag)).fetchall())
            aliases = dict(database.execute(_ALIASES, (name,)).fetchall())
            tags = dict(database.execute(_TAGS, (name,)).fetchall())
    except sqlite3.Error:
        return None
    return Glance(bundles=bundles, aliases=aliases, tags=tags)
