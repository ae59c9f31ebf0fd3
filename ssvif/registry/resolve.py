"""Finds a registered model by its address, as a bundle on this machine."""

import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from ssvif.errors import ModelError, RegistryError, SsvifError
from ssvif.files import atomic_folder
from ssvif.fuse.places import WEIGHTS_NAME
from ssvif.registry.bundle import BUNDLE_TAG, bundle_hash
from ssvif.registry.package import BUNDLE_PARENT
from ssvif.tracking.failures import is_transient, reason
from ssvif.tracking.store import open_client, shown_uri, tracking_uri

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities.model_registry import ModelVersion

DOWNLOADS = Path("models/registry")
PARTS = ".parts"  # bundles without their weights
_HASH_LENGTH = 16

_ADDRESS = re.compile(r"models:/(?P<name>[A-Za-z0-9_.-]+)(@(?P<alias>[\w-]+)|/(?P<version>\d+))")


def resolve_model(address: str, folder: Path = DOWNLOADS) -> Path:
    """Return the bundle of a registered model, downloaded unless it is here.

    Args:
        address: `models:/NAME@ALIAS` or `models:/NAME/VERSION`.
        folder: Where bundles are kept, one sub-folder a bundle; the same number is another model
            in another registry, so the hash of the bundle is part of its name.

    Raises:
        ModelError: If what the registry holds is not a whole bundle.
        RegistryError: If the address is not understood, or the registry does not know the model
            or cannot be reached.
    """
    parts = _ADDRESS.fullmatch(address)
    if parts is None:
        raise RegistryError(
            f"{address}: expected models:/NAME@ALIAS or models:/NAME/VERSION, "
            "such as models:/ssvif@champion"
        )
    with registry_errors():
        found = _version(open_client(), parts["name"], parts["alias"], parts["version"])
        digest = found.tags.get(BUNDLE_TAG)
    if digest is None:
        raise RegistryError(
            f"{address}: version {found.version} has no tag {BUNDLE_TAG}, so it is no bundle of "
            "this project; name a version that `dvc repro` registered"
        )
    target = folder / local_name(parts["name"], digest)
    if not _holds(target, digest):
        download_bundle(parts["name"], int(found.version), target)
    return target


def local_name(name: str, digest: str) -> str:
    """Return what the folder of a registered bundle is called on this machine."""
    return f"{name}-{digest[:_HASH_LENGTH]}"


def download_bundle(name: str, version: int, folder: Path) -> None:
    """Bring a version's bundle to `folder`, in the place of what it held.

    Raises:
        ModelError: If what the registry holds is not a whole bundle.
        RegistryError: If the registry does not know the version or cannot be reached.
        StorageError: If the folder cannot be written.
    """
    with registry_errors(), tempfile.TemporaryDirectory() as scratch:
        client = open_client()
        source = client.get_model_version_download_uri(name, str(version))
        from mlflow.artifacts import download_artifacts

        parent = download_artifacts(
            f"{source}/{BUNDLE_PARENT}", dst_path=scratch, tracking_uri=tracking_uri()
        )
        (found,) = Path(parent).iterdir()
        bundle_hash(found)
        with atomic_folder(folder) as new:
            shutil.copytree(found, new, dirs_exist_ok=True)


def fetch_parts(name: str, version: int, digest: str, folder: Path = DOWNLOADS) -> Path:
    """Return a folder with the small files of a version's bundle: all but its weights.

    Args:
        name: Name of the registered model.
        version: Its version.
        digest: Hash of its bundle.
        folder: Where bundles are kept; a whole one that is there serves as well.

    Raises:
        RegistryError: If the registry does not know the version or cannot be reached.
        StorageError: If the folder cannot be written.
    """
    whole = folder / local_name(name, digest)
    if _holds(whole, digest):
        return whole
    parts = folder / PARTS / local_name(name, digest)
    if parts.is_dir():
        return parts
    with registry_errors(), tempfile.TemporaryDirectory() as scratch:
        client = open_client()
        from mlflow.artifacts import download_artifacts, list_artifacts

        source = client.get_model_version_download_uri(name, str(version))
        at = {"tracking_uri": tracking_uri()}
        (bundle,) = list_artifacts(f"{source}/{BUNDLE_PARENT}", **at)
        place = f"{source}/{BUNDLE_PARENT}/{Path(bundle.path).name}"
        with atomic_folder(parts) as new:
            for item in list_artifacts(place, **at):
                file = Path(item.path).name
                if file != WEIGHTS_NAME:
                    found = download_artifacts(f"{place}/{file}", dst_path=scratch, **at)
                    shutil.copyfile(found, new / file)
    return parts


@contextmanager
def registry_errors() -> Iterator[None]:
    """Turn what MLflow and its backends raise into one line."""
    try:
        yield
    except SsvifError:
        raise
    # MLflow, its backends and the network share no base class.
    except Exception as error:
        raise RegistryError(
            f"{shown_uri()}: the model registry cannot be used ({reason(error)}); "
            "check MLFLOW_TRACKING_URI and that the server runs, then try again",
            transient=is_transient(error),
        ) from error


def _version(
    client: "MlflowClient", name: str, alias: str | None, version: str | None
) -> "ModelVersion":
    if alias is not None:
        return client.get_model_version_by_alias(name, alias)
    return client.get_model_version(name, str(version))


def _holds(folder: Path, digest: str) -> bool:
    try:
        return bundle_hash(folder) == digest
    except ModelError:
        return False
