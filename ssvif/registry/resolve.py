"""Finds a registered model by its address, as a bundle on this machine."""

import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ssvif.errors import ModelError, RegistryError
from ssvif.files import atomic_folder
from ssvif.fuse.places import WEIGHTS_NAME
from ssvif.registry.bundle import BUNDLE_TAG, bundle_hash
from ssvif.registry.package import BUNDLE_PARENT
from ssvif.registry.versions import Registry
from ssvif.tracking.errors import store_errors
from ssvif.tracking.store import database_path, open_client, tracking_uri

if TYPE_CHECKING:
    from mlflow import MlflowClient

DOWNLOADS = Path("models/registry")
PARTS = ".parts"  # bundles without their weights
_HASH_LENGTH = 16

_ADDRESS = re.compile(r"models:/(?P<name>[A-Za-z0-9_.-]+)(@(?P<alias>[\w-]+)|/(?P<version>\d+))")


@dataclass(frozen=True)
class Registered:
    """A version of a registered model.

    Args:
        name: Name of the model.
        version: The version.
        digest: Hash of its bundle.
    """

    name: str
    version: int
    digest: str


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
    return fetch_bundle(look_up(address), folder)


def look_up(address: str) -> Registered:
    """Return the version that an address stands for now.

    Args:
        address: `models:/NAME@ALIAS` or `models:/NAME/VERSION`.

    Raises:
        RegistryError: If the address is not understood, or the registry does not know the model
            or cannot be reached.
    """
    parts = _ADDRESS.fullmatch(address)
    if parts is None:
        raise RegistryError(
            f"{address}: expected models:/NAME@ALIAS or models:/NAME/VERSION, "
            "such as models:/ssvif@champion"
        )
    here = database_path(tracking_uri())
    if here is not None and not here.exists():
        raise RegistryError(
            f"{address}: no registry here ({here}: no such file); run this in the project's folder,"
            " or set MLFLOW_TRACKING_URI"
        )
    with registry_errors():
        registry = Registry(open_client(), parts["name"])
        found = registry.version(_number(registry, parts["alias"], parts["version"]))
        digest = found.tags.get(BUNDLE_TAG)
    if digest is None:
        raise RegistryError(
            f"{address}: version {found.version} has no tag {BUNDLE_TAG}, so it is no bundle of "
            "this project; name a version that `dvc repro` registered"
        )
    return Registered(parts["name"], int(found.version), digest)


def fetch_bundle(found: Registered, folder: Path = DOWNLOADS) -> Path:
    """Return the bundle of a version, downloaded unless it is here.

    Raises:
        ModelError: If what the registry holds is not a whole bundle.
        RegistryError: If the registry cannot be reached.
        StorageError: If the folder cannot be written.
    """
    target = folder / local_name(found.name, found.digest)
    if not _holds(target, found.digest):
        download_bundle(found.name, found.version, target)
    return target


def local_name(name: str, digest: str) -> str:
    """Return what the folder of a registered bundle is called on this machine."""
    return f"{name}-{digest[:_HASH_LENGTH]}"


def parts_folder(name: str, digest: str, folder: Path = DOWNLOADS) -> Path:
    """Return where the small files of a registered bundle are kept on this machine."""
    return folder / PARTS / local_name(name, digest)


def download_bundle(name: str, version: int, folder: Path) -> None:
    """Bring a version's bundle to `folder`, in the place of what it held.

    Raises:
        ModelError: If the registry has no files of the version, or no whole bundle.
        RegistryError: If the registry cannot be reached.
        StorageError: If the folder cannot be written.
    """
    with registry_errors(), tempfile.TemporaryDirectory() as scratch:
        place = _place(open_client(), name, version)
        from mlflow.artifacts import download_artifacts

        found = download_artifacts(place, dst_path=scratch, tracking_uri=tracking_uri())
        bundle_hash(Path(found))
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
        ModelError: If the registry has no files of the version.
        RegistryError: If the registry cannot be reached.
        StorageError: If the folder cannot be written.
    """
    whole = folder / local_name(name, digest)
    if _holds(whole, digest):
        return whole
    parts = parts_folder(name, digest, folder)
    if parts.is_dir():
        return parts
    with registry_errors(), tempfile.TemporaryDirectory() as scratch:
        place = _place(open_client(), name, version)
        from mlflow.artifacts import download_artifacts, list_artifacts

        at = {"tracking_uri": tracking_uri()}
        with atomic_folder(parts) as new:
            for item in list_artifacts(place, **at):
                file = Path(item.path).name
                if file != WEIGHTS_NAME:
                    found = download_artifacts(f"{place}/{file}", dst_path=scratch, **at)
                    shutil.copyfile(found, new / file)
    return parts


def find_place(client: "MlflowClient", name: str, version: int) -> str | None:
    """Return the address of a version's bundle, or None where its files are gone."""
    from mlflow.artifacts import list_artifacts

    with passing_over_gone():
        source = client.get_model_version_download_uri(name, str(version))
        parent = f"{source}/{BUNDLE_PARENT}"
        for bundle in list_artifacts(parent, tracking_uri=tracking_uri()):
            return f"{parent}/{Path(bundle.path).name}"
    return None


@contextmanager
def passing_over_gone() -> Iterator[None]:
    """Leave the block without an error where MLflow answers that something is not there.

    Only an answer counts: a store that cannot be reached has said nothing.
    """
    from mlflow.exceptions import MlflowException

    try:
        yield
    except MlflowException as error:
        if error.error_code != "RESOURCE_DOES_NOT_EXIST":
            raise


def registry_errors() -> AbstractContextManager[None]:
    """Turn what MLflow and its backends raise into one line.

    Raises:
        RegistryError: If the registry cannot be reached or refuses.
    """
    return store_errors(RegistryError, "model registry")


def _place(client: "MlflowClient", name: str, version: int) -> str:
    found = find_place(client, name, version)
    if found is None:
        raise ModelError(
            f"{name} version {version}: its files are gone from the registry; `ssvif reap` removes "
            "such a version, unless it has an alias"
        )
    return found


def _number(registry: Registry, alias: str | None, version: str | None) -> int:
    if version is not None:
        return int(version)
    aliases = registry.aliases()
    if alias not in aliases:
        there = ", ".join(sorted(aliases)) or "none"
        raise RegistryError(f"{registry.name} has no alias {alias}; it has {there}")
    return aliases[alias]


def _holds(folder: Path, digest: str) -> bool:
    try:
        return bundle_hash(folder) == digest
    except ModelError:
        return False
