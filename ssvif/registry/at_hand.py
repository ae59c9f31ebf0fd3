"""The champion's bundle on this machine: brought here, kept here, and taken over from here.

`models/champion/` is what fusing uses. What leaves it goes to the store of bundles beside it
(`models/registry/`), so that going back to it needs no download.
"""

import logging
import shutil
from collections.abc import Iterable
from pathlib import Path

from ssvif.errors import ModelError
from ssvif.files import atomic_folder
from ssvif.registry.bundle import BUNDLE_TAG, bundle_hash, bundle_tags
from ssvif.registry.resolve import DOWNLOADS, download_bundle, local_name
from ssvif.registry.versions import Registry

_log = logging.getLogger(__name__)


def digest_of(folder: Path) -> str | None:
    """Return the hash of a bundle, or None where there is no whole one."""
    try:
        return bundle_hash(folder)
    except ModelError:
        return None


def take_over(registry: Registry, folder: Path, *, experiment_id: str) -> int | None:
    """Register the champion of this machine where the registry never had one.

    Returns:
        Its version, which shall lead, or None where there is none or the registry has had one.
    """
    digest = digest_of(folder)
    if digest is None or registry.has_led():
        return None
    version = registry.find(digest)
    if version is None:
        tags = bundle_tags(folder)
        version = registry.add(folder, experiment_id=experiment_id, run_id=None, tags=tags)
    _log.info(
        "the registry has no champion: %s goes on as the champion, version %d", folder, version
    )
    return version


def bring(registry: Registry, version: int, folder: Path, *, near: Iterable[Path] = ()) -> None:
    """Bring a version's bundle to `folder`, unless it is there.

    Args:
        registry: The registered model.
        version: The version.
        folder: Where its bundle shall be; what is there is replaced as a whole.
        near: Folders of this machine that may hold it.

    Raises:
        ModelError: If the registry does not hold the bundle that it says it holds.
        RegistryError: If the registry cannot be reached.
        StorageError: If the folder cannot be written.
    """
    wanted = _digest(registry, version)
    if digest_of(folder) == wanted:
        return
    for candidate in near:
        if digest_of(candidate) == wanted:
            _copy(candidate, folder)
            return
    download_bundle(registry.name, version, folder)
    if digest_of(folder) != wanted:
        raise ModelError(
            f"{folder}: the registry's copy of {registry.name} version {version} is not the "
            f"bundle {wanted[:16]} that was registered; name another version"
        )


def keep_champion(
    registry: Registry, version: int, folder: Path, *, near: Iterable[Path] = ()
) -> bool:
    """Bring the champion's bundle to where fusing finds it, and keep the one that was there.

    Args:
        registry: The registered model.
        version: The champion.
        folder: The place, such as `models/champion/`.
        near: Folders of this machine that may hold its bundle.

    Returns:
        Whether another bundle was there, or none.
    """
    was = digest_of(folder)
    if was is not None and was == registry.bundle_of(version):
        return False
    if was is not None:
        keep(registry.name, folder)
    bring(registry, version, folder, near=(*near, kept_folder(registry, version, folder)))
    return True


def keep(name: str, bundle: Path) -> None:
    """Copy a bundle into the store of bundles beside it, unless it is there."""
    digest = bundle_hash(bundle)
    kept = _store_of(bundle) / local_name(name, digest)
    if digest_of(kept) != digest:
        _copy(bundle, kept)


def kept_folder(registry: Registry, version: int, champion_folder: Path) -> Path:
    """Return where a version's bundle belongs in the store beside the champion's folder.

    Raises:
        ModelError: If the version is no bundle of this project.
    """
    digest = _digest(registry, version)
    return _store_of(champion_folder) / local_name(registry.name, digest)


def _store_of(champion_folder: Path) -> Path:
    return champion_folder.parent / DOWNLOADS.name


def _digest(registry: Registry, version: int) -> str:
    digest = registry.bundle_of(version)
    if digest is None:
        raise ModelError(
            f"{registry.name} version {version} has no tag {BUNDLE_TAG}, so it is no bundle of "
            "this project; name a version that `dvc repro` registered"
        )
    return digest


def _copy(source: Path, target: Path) -> None:
    with atomic_folder(target) as new:
        shutil.copytree(source, new, dirs_exist_ok=True)
