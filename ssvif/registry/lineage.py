"""From a fused image, a weights file, a bundle or a version: what it was made from."""

import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ssvif.errors import ModelError, RegistryError
from ssvif.files import sha256_file
from ssvif.fuse.marks import read_marks
from ssvif.fuse.places import PRETRAINED, WEIGHTS_NAME
from ssvif.registry.bundle import BUNDLE_TAG, LINEAGE, PARAMS, WEIGHTS_TAG, bundle_hash, read_json
from ssvif.registry.describe import RETRAINING_TAG
from ssvif.registry.pairs import read_pairs
from ssvif.registry.resolve import DOWNLOADS, fetch_parts, parts_folder, registry_errors
from ssvif.registry.versions import CHAMPION, Registry
from ssvif.tracking.store import open_client

if TYPE_CHECKING:
    import pandas as pd
    from mlflow.entities.model_registry import ModelVersion

_ADDRESS = re.compile(r"models:/(?P<name>[\w.-]+)[@/](?P<which>[\w-]+)")


@dataclass(frozen=True)
class Origin:
    """What a registered model was made from.

    Args:
        name: Name of the registered model.
        version: Its version; of several with these very weights the first.
        twins: Further versions with these very weights.
        aliases: The version's aliases.
        weights: SHA-256 of its weights file.
        bundle: Hash of its bundle.
        run_id: The MLflow run that trained it, or None where the store had none.
        retraining: The retraining that made it, or None where that was `dvc repro`.
        parent: The version that its training went on from, or None where there was none, or it is
            not registered.
        facts: What its bundle's lineage.json says: commit, manifest, pairs by set and split.
        params: The parameters of its training.
        folder: The files of its bundle, but for its weights.
        sources: SHA-256 of the visible and the infrared file, where a fused image was asked about.
    """

    name: str
    version: int
    twins: tuple[int, ...]
    aliases: tuple[str, ...]
    weights: str
    bundle: str
    run_id: str | None
    retraining: str | None
    parent: int | None
    facts: Mapping[str, Any]
    params: Mapping[str, Any]
    folder: Path
    sources: tuple[str, str] | None = None

    @property
    def start(self) -> str | None:
        """Hash of the bundle that its training went on from, registered or not."""
        start = self.facts.get("start")
        return str(start["bundle"]) if start else None

    def pairs(self) -> "pd.DataFrame":
        """Return the pairs it saw, with the split of each; see `read_pairs`."""
        return read_pairs(self.folder)

    def as_dict(self) -> dict[str, Any]:
        """Return the same as JSON."""
        return {**self.__dict__, "folder": str(self.folder)}


@dataclass(frozen=True)
class Packaged:
    """What the model that comes with the package made, or that model itself; no registry has it.

    Args:
        weights: SHA-256 of its weights file.
        sources: SHA-256 of the visible and the infrared file, of a fused image.
    """

    weights: str
    sources: tuple[str, str] | None


def find_packaged(target: str) -> Packaged | None:
    """Return what the package's model has to do with a file, or None where it has nothing.

    Args:
        target: A fused PNG or a weights file.
    """
    path = Path(target)
    if not path.is_file():
        return None
    own, marks = sha256_file(PRETRAINED / WEIGHTS_NAME), read_marks(path)
    if marks is not None:
        return Packaged(own, (marks.vis, marks.ir)) if marks.weights == own else None
    return Packaged(own, None) if sha256_file(path) == own else None


def trace(target: str, *, name: str, folder: Path = DOWNLOADS) -> Origin:
    """Find out what something was made from.

    Args:
        target: A fused PNG, a weights file, a bundle's folder, the number of a version, an alias,
            or `models:/NAME@ALIAS`.
        name: Name of the registered model, where the target does not say.
        folder: Where bundles are kept on this machine.

    Raises:
        ModelError: If the model's bundle is damaged.
        RegistryError: If the registry has no such model or cannot be reached.
    """
    address = _ADDRESS.fullmatch(target)
    if address is not None:
        name, target = address["name"], address["which"]
    with registry_errors():
        registry = Registry(open_client(), name)
        path = Path(target)
        marks = read_marks(path) if path.is_file() else None
        numbers = _numbers(registry, target, marks.weights if marks else None)
        found = _told(registry, _known(registry, numbers, folder), folder)
    return replace(found, sources=(marks.vis, marks.ir) if marks else None)


def trace_all(*, name: str, folder: Path = DOWNLOADS) -> list[Origin]:
    """Return what every registered version was made from, the oldest first.

    One whose files are gone is among them, without facts, parameters and pairs.

    Raises:
        RegistryError: If the registry cannot be reached.
    """
    with registry_errors():
        registry = Registry(open_client(), name)
        versions = [version for version in registry.versions() if BUNDLE_TAG in version.tags]
        origins = []
        for version in reversed(versions):
            origin = _known(registry, [int(version.version)], folder)
            with suppress(ModelError):
                origin = _told(registry, origin, folder)
            origins.append(origin)
    return origins


def ancestors(bundles: Iterable[str], origins: Iterable[Origin]) -> set[str]:
    """Return the bundles that training of some went on from, and these from, back to the first.

    Args:
        bundles: Hashes of bundles.
        origins: Every registered version.
    """
    starts = {origin.bundle: origin.start for origin in origins}
    found: set[str] = set()
    for bundle in bundles:
        start = starts.get(bundle)
        while start is not None and start not in found:
            found.add(start)
            start = starts.get(start)
    return found


def _numbers(registry: Registry, target: str, weights: str | None) -> list[int]:
    """Return the versions that a target is about, the first one first."""
    path = Path(target)
    if weights is None and target.isdecimal():
        return [registry.number(int(target))]
    aliases = registry.aliases()
    if weights is None and target in aliases:
        return [aliases[target]]
    if path.is_dir() and (path / WEIGHTS_NAME).is_file():
        version = registry.find(bundle_hash(path))
        found = [] if version is None else [version]
        weights = sha256_file(path / WEIGHTS_NAME)
    elif path.is_file():
        weights = weights or sha256_file(path)
        found = registry.find_weights(weights)
    else:
        if target == CHAMPION:
            raise RegistryError(
                f"{registry.name}: nobody leads yet; train a model with `make repro`"
            )
        raise RegistryError(
            f"{target}: expected a fused PNG, a weights file, a bundle's folder, the number of a "
            f"version or an alias; {registry.name} has {', '.join(sorted(aliases)) or 'none'}"
        )
    if not found:
        raise RegistryError(
            f"{target}: no version of {registry.name} has the weights {weights[:12]}; it was made "
            "elsewhere, or its model was never registered"
        )
    return found


def _known(registry: Registry, numbers: list[int], folder: Path) -> Origin:
    """Return what the registry itself says of a version, whose files may be gone."""
    version = registry.version(numbers[0])
    digest = _tag(version, BUNDLE_TAG)
    return Origin(
        name=registry.name,
        version=numbers[0],
        twins=tuple(numbers[1:]),
        aliases=tuple(a for a, number in sorted(registry.aliases().items()) if number in numbers),
        weights=_tag(version, WEIGHTS_TAG),
        bundle=digest,
        run_id=version.run_id or None,
        retraining=version.tags.get(RETRAINING_TAG),
        parent=None,
        facts={},
        params={},
        folder=parts_folder(registry.name, digest, folder),
    )


def _told(registry: Registry, known: Origin, folder: Path) -> Origin:
    """Return the same with what the version's files say."""
    parts = fetch_parts(known.name, known.version, known.bundle, folder)
    facts = read_json(parts / LINEAGE)
    start = facts.get("start")
    return replace(
        known,
        parent=registry.find(start["bundle"]) if start else None,
        facts=facts,
        params=read_json(parts / PARAMS),
        folder=parts,
    )


def _tag(version: "ModelVersion", key: str) -> str:
    found: str | None = version.tags.get(key)
    if found is None:
        raise RegistryError(
            f"{version.name} version {version.version} has no tag {key}, so it is no bundle of "
            "this project; name a version that `dvc repro` registered"
        )
    return found
