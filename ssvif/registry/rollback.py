"""Back to the champion that led before."""

from pathlib import Path

from ssvif.errors import RegistryError
from ssvif.registry.change import change_champion, opened_registry, settle
from ssvif.registry.describe import ROLLED_BACK_TAG, leads_by_hand
from ssvif.registry.promotion import Promotion, by_hand, why_it_leads
from ssvif.registry.versions import PREVIOUS, Registry


def rollback(
    *,
    name: str,
    experiment: str,
    champion_folder: Path,
    by: str,
    reason: str,
    to: int | None = None,
) -> Promotion:
    """Let the version lead again that led before.

    Args:
        name: Name of the registered model.
        experiment: The MLflow experiment that keeps the event.
        champion_folder: Where the champion's bundle is kept for those who fuse.
        by: Who wants it.
        reason: Why.
        to: The version; by default the previous champion, unless that was rolled back itself.

    Raises:
        RegistryError: If the reason is missing, there is nothing to go back to, or the registry
            cannot be reached.
    """
    if not by.strip() or not reason.strip():
        raise RegistryError("a rollback needs a name and a reason: --by and --reason")
    with opened_registry(name, experiment) as (registry, store):
        champion = settle(registry, store, champion_folder=champion_folder)
        if champion is None:
            raise RegistryError(f"{name}: nobody leads, so there is nothing to go back from")
        target = _previous(registry, champion) if to is None else registry.number(to)
        if target == champion:
            return Promotion.nothing(target, champion, why_it_leads(store, name, target))
        event = by_hand("rollback", registry, target, champion, by=by, reason=reason)
        change_champion(registry, store, event, champion_folder=champion_folder)
    return Promotion.of(event)


def _previous(registry: Registry, champion: int) -> int:
    """Return the version that a rollback goes to."""
    if leads_by_hand(registry.version(champion).tags):
        raise RegistryError(
            f"{registry.name}: version {champion} leads, for the alias was moved by hand; name one "
            "with --to"
        )
    previous = registry.aliases().get(PREVIOUS)
    if previous is None:
        raise RegistryError(
            f"{registry.name}: no version led before version {champion}; name one with --to"
        )
    told = registry.version(previous).tags.get(ROLLED_BACK_TAG)
    if told is not None:
        raise RegistryError(
            f"{registry.name} version {previous} was rolled back itself ({told}); name the version "
            "with --to, `ssvif history` lists them"
        )
    return previous
