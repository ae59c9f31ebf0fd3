"""The steps of a retraining beside its DVC stages: `pipelines/retrain.py` calls them in turn."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from ssvif.errors import ChampionMovedError
from ssvif.fuse.places import CHAMPION
from ssvif.gate.decision import DECISION, Decision, read_decision, write_decision
from ssvif.params import PARAMS_FILE, Params, load_params
from ssvif.registry.bundle import bundle_hash
from ssvif.registry.pin import LOCK, Pin, read_lock
from ssvif.registry.pinning import pin_champion, sync_champion
from ssvif.registry.promotion import apply_decision
from ssvif.retraining.due import withdraw_announcement
from ssvif.retraining.git import run_git
from ssvif.retraining.identity import Inputs, fingerprint, golden_hash, head_commit, list_files
from ssvif.retraining.overrides import FIRST_LEADS, checked_params
from ssvif.retraining.record import Outcome, recorded_sentence
from ssvif.retraining.state import read_state
from ssvif.retraining.workspace import Workspace
from ssvif.retraining.worktree import recorded_ids

BUNDLE = Path("models/bundle")
_REFUSED = Path("reports/gate/refused.json")


@dataclass(frozen=True)
class Plan:
    """What a retraining would do.

    Args:
        inputs: What it is made from.
        params: All its parameters.
        files: Files of captures and of the golden set.
        recorded: How a retraining of the same inputs ended, or None where there was none.
    """

    inputs: Inputs
    params: Params
    files: int
    recorded: str | None


def plan(project: Path, overrides: Mapping[str, Any], *, again: bool = False) -> Plan:
    """Check everything that can be checked before the work, and name the retraining.

    Args:
        project: The project's folder; the current one.
        overrides: Parameters to change, by dotted key.
        again: Whether to retrain even if the same inputs were retrained on before.

    Raises:
        ParamsError: If a parameter is not understood.
        RegistryError: If the registry cannot be reached.
        RetrainingError: If the project is no git repository, or has no commit.
    """
    commit = head_commit(project)
    # Who leads is for the gate to say, of the first model as well.
    overrides = {**overrides, FIRST_LEADS: False}
    params = checked_params(project, overrides, commit)
    version = sync_champion(
        name=params.register_.name,
        experiment=params.tracking.experiment,
        champion_folder=project / CHAMPION,
    )
    files = list_files(project)
    inputs = Inputs(
        commit=commit,
        captures=fingerprint(files),
        champion=None if version is None else bundle_hash(project / CHAMPION),
        overrides=overrides,
        golden=golden_hash(project),
    )
    done = set(recorded_ids(project))
    while again and inputs.id in done:
        inputs = replace(inputs, attempt=inputs.attempt + 1)
    # One that was killed between its record and its end is still to be ended.
    is_done = inputs.id in done and read_state(project, inputs.id) is None
    recorded = recorded_sentence(project, inputs.id) if is_done else None
    return Plan(inputs, params, len(files), recorded)


def pin(workspace: Workspace) -> str:
    """Pin the champion in a workspace, unless an earlier process did.

    Args:
        workspace: The retraining.

    Returns:
        What is pinned, for people.

    Raises:
        ChampionMovedError: If another version leads than when the retraining was planned; it is
            due again at once.
        RegistryError: If the registry cannot be reached.
    """
    state = workspace.state
    if not state.pinned:
        found = _pin(workspace, ("start", "champion"))
        if (found.bundle if found else None) != state.champion:
            withdraw_announcement(workspace.project)
            raise ChampionMovedError(
                "another version was promoted while the retraining began; run it again",
                champion=found.version if found else None,
            )
        workspace.note(pinned=True)
    return _describe_pins(workspace)


def pin_anew(workspace: Workspace) -> str:
    """Pin the version that leads now as the one to compare with; training's start stays.

    Args:
        workspace: The retraining.

    Returns:
        What is pinned, for people.

    Raises:
        RegistryError: If the registry cannot be reached.
    """
    _pin(workspace, ("champion",))
    return _describe_pins(workspace)


def read_outcome(workspace: Workspace) -> Decision:
    """Return what the gate decided in a workspace, and write down which bundle it was about.

    Raises:
        GateError: If there is no decision.
        ModelError: If the bundle is not whole.
    """
    workspace.note(challenger=bundle_hash(workspace.folder / BUNDLE))
    return read_decision(workspace.folder / DECISION)


def refuse(workspace: Workspace, *, by: str, reason: str) -> Path:
    """Write down that a person keeps the champion, against the gate's word.

    Args:
        workspace: The retraining.
        by: Who.
        reason: Why.

    Returns:
        The decision as the person changed it.

    Raises:
        GateError: If there is no decision.
    """
    decided = read_decision(workspace.folder / DECISION)
    sentence = f"{by} keeps the champion: {reason}"
    notes = (*decided.notes, f"the gate had decided: {decided.sentence}")
    changed = {"outcome": "keep", "sentence": sentence, "notes": notes}
    path = workspace.folder / _REFUSED
    write_decision(decided.model_copy(update=changed), path)
    return path


def decide(workspace: Workspace, *, decision: Path = DECISION, by: str = "gate") -> Outcome:
    """Do in the registry what was decided.

    Args:
        workspace: The retraining.
        decision: The decision, relative to the workspace or absolute.
        by: Whose decision it is.

    Returns:
        How the retraining ended.

    Raises:
        ChampionMovedError: If another version leads than the one that it was compared with.
        GateError: If there is no decision.
        RegistryError: If the registry cannot be reached, or does not have the challenger.
    """
    params = load_params(workspace.folder / PARAMS_FILE)
    bundle, path = workspace.folder / BUNDLE, workspace.folder / decision
    promotion = apply_decision(
        path,
        bundle=bundle,
        name=params.register_.name,
        experiment=params.tracking.experiment,
        champion_folder=workspace.project / CHAMPION,
        by=by,
        retraining=workspace.id,
        commit=run_git(workspace.folder, "rev-parse", "HEAD"),
    )
    return Outcome(
        sentence=promotion.sentence,
        bundle=bundle_hash(bundle),
        version=promotion.version,
        changed=promotion.changed,
    )


def _pin(workspace: Workspace, roles: Sequence[Literal["start", "champion"]]) -> Pin | None:
    params = load_params(workspace.folder / PARAMS_FILE)
    return pin_champion(
        name=params.register_.name,
        experiment=params.tracking.experiment,
        champion_folder=workspace.project / CHAMPION,
        root=workspace.folder,
        roles=roles,
    )


def _describe_pins(workspace: Workspace) -> str:
    lock = read_lock(workspace.folder / LOCK)
    said = "nobody leads, so it is trained from scratch"
    if lock.champion is not None:
        said = f"compared with {lock.champion.name} version {lock.champion.version}"
    workspace.commit_inputs(f"Retraining {workspace.id}: {said}")
    return said
