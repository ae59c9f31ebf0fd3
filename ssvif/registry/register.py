"""Registers a bundle in MLflow's model registry: once, as `challenger`; the first good one leads.

A bundle is known by its hash, so registering it again changes nothing. A registry that is new, or
was lost, takes over the champion that is on this machine before anything else may lead.
"""

from dataclasses import dataclass
from pathlib import Path

from ssvif.files import sha256_folder
from ssvif.registry.at_hand import digest_of, keep_champion
from ssvif.registry.bundle import BUNDLE_TAG, bundle_hash, bundle_tags
from ssvif.registry.change import change_champion, first_event, settle
from ssvif.registry.floors import Verdict
from ssvif.registry.glance import glance
from ssvif.registry.resolve import registry_errors
from ssvif.registry.versions import CHALLENGER, CHAMPION, LED_TAG, Registry
from ssvif.tracking.push import push_records
from ssvif.tracking.store import Store, open_client, store_lock

FLOORS_TAG = "ssvif.floors"

# The record of the stage that wrote the weights.
TRAINING_RECORD = "stage_two"


@dataclass(frozen=True)
class Registration:
    """Where a bundle stands in the registry.

    Args:
        version: Its version of the registered model.
        created: Whether it was made just now.
        champion: Version of the champion, or None.
    """

    version: int
    created: bool
    champion: int | None


def register_bundle(
    bundle: Path,
    *,
    name: str,
    experiment: str,
    runs: Path,
    verdict: Verdict,
    champion_folder: Path,
    first_leads: bool = True,
) -> Registration:
    """Register a bundle, unless the registry has it, and keep the champion at hand.

    Args:
        bundle: A model bundle.
        name: Name of the registered model.
        experiment: The MLflow experiment that holds the runs.
        runs: Folder of run records; what the store lacks of them is pushed.
        verdict: Whether the model is fit to become the first champion.
        champion_folder: Where the champion's bundle is kept for those who fuse.
        first_leads: Whether a fit model leads at once where none ever led; else it is for the
            gate to say.

    Raises:
        ModelError: If the bundle is not whole.
        RegistryError: If the registry cannot be reached or refuses.
    """
    digest, at_hand = bundle_hash(bundle), digest_of(champion_folder)
    may_lead = (first_leads and verdict.passed) or at_hand == digest
    settled = _settled(name, digest, at_hand, may_lead=may_lead)
    if settled is not None:
        return settled
    with registry_errors(), store_lock("registry"):
        client = open_client()
        registry, store = Registry(client, name), Store(client, experiment)
        if at_hand != digest:
            settle(registry, store, champion_folder=champion_folder)
        version = registry.find(digest)
        created = version is None
        if version is None:
            push_records(runs, experiment=experiment)
            version = add_bundle(registry, store, bundle, runs=runs, verdict=verdict)
        champion = registry.challenge(version)
        if champion is not None:
            keep_champion(registry, champion, champion_folder, near=(bundle,))
        elif may_lead and not registry.has_led():
            event = first_event(registry, version, reason=verdict.sentence)
            change_champion(registry, store, event, champion_folder=champion_folder, near=(bundle,))
            champion = version
    return Registration(version=version, created=created, champion=champion)


def add_bundle(
    registry: Registry, store: Store, bundle: Path, *, runs: Path, verdict: Verdict
) -> int:
    """Store a bundle as a new version, whose run is that of its training if the store has it.

    Args:
        registry: The registered model, under its lock.
        store: The experiment that holds the runs.
        bundle: The bundle.
        runs: The folder of its run records.
        verdict: What the floors say of it, for its tags.

    Returns:
        The version.
    """
    return registry.add(
        bundle,
        experiment_id=store.experiment_id,
        run_id=store.find_record(sha256_folder(runs / TRAINING_RECORD)),
        tags={**bundle_tags(bundle), **_floor_tags(verdict)},
    )


def _settled(name: str, digest: str, at_hand: str | None, *, may_lead: bool) -> Registration | None:
    """Return where a bundle stands if a quick look shows that there is nothing to do."""
    seen = glance(name, bundle_tag=BUNDLE_TAG)
    version = seen.bundles.get(digest) if seen else None
    if seen is None or version is None or seen.aliases.get(CHALLENGER) != version:
        return None
    champion, led = seen.aliases.get(CHAMPION), LED_TAG in seen.tags
    if champion is None:
        done = led or not (may_lead or at_hand)
    else:
        done = led and at_hand is not None and seen.bundles.get(at_hand) == champion
    return Registration(version=version, created=False, champion=champion) if done else None


def _floor_tags(verdict: Verdict) -> dict[str, str]:
    values = {f"ssvif.floor.{check.name}": f"{check.value:.6g}" for check in verdict.checks}
    return {FLOORS_TAG: "passed" if verdict.passed else "missed", **values}
