"""What the experiment and its runs say of themselves on MLflow's pages: names, texts, tags."""

from types import MappingProxyType

from ssvif.tracking.facts import (
    ABSENT,
    COMMIT_TAG,
    DIRTY_TAG,
    MANIFEST_TAG,
    PIPELINE_NAME_TAG,
    PIPELINE_PARAMS_TAG,
    PIPELINE_TAG,
    SCRATCH,
    START_TAG,
    StageFacts,
)

NOTE_TAG = "mlflow.note.content"
INGEST = "ingest"  # the only stage that runs without a training behind it

_SHORT_HASH = 6

_EXPERIMENT = """Visible/infrared image fusion, trained without labels. Two kinds of runs:

- **a pipeline**, named by its steps and where it starts: one model from its pairs to the gate. Its
  stages are its child runs, with parameters, curves and files.
- **an event**, such as *Version 2 leads, after version 1*: what happened to the champion, why, and
  the gate's report. Found by ``tags.`ssvif.event` LIKE '%'``; `ssvif history` lists them.
"""
EXPERIMENT_TAGS = MappingProxyType({NOTE_TAG: _EXPERIMENT})

_STAGES = {
    INGEST: "Makes pairs of the captures: how many were taken, and how many refused for what.",
    "stage_one": "Trains the fusion network on the fusion losses. A pipeline that goes on from a "
    "champion takes that champion's network as it is.",
    "stage_two": "Trains fusion and segmenters so that both segmentations agree.",
    "evaluate": "Scores the model, mean and maximum on held-out pairs; `index.html` among the "
    "artifacts is the report.",
    "register": "Makes the model a version in the registry, if there is none of it yet.",
    "gate": "Compares the model with the champion on pairs that trained neither; `summary.md` "
    "among the artifacts has every check. Deciding changes nothing: the event does.",
}


def stage_note(facts: StageFacts) -> str:
    """Say what a stage does; one that is not known here says nothing."""
    return _STAGES.get(facts.stage, "")


def pipeline_name(facts: StageFacts) -> str:
    """Return what a pipeline's run is called while this stage is the last one in it."""
    short = facts.tags[PIPELINE_TAG][:_SHORT_HASH]
    if facts.stage == INGEST:
        return f"captures taken in ({short})"
    return facts.tags.get(PIPELINE_NAME_TAG, f"pipeline {short}")


def pipeline_note(facts: StageFacts) -> str:
    """Say what a pipeline starts from and, if the stage read them, which pairs it has."""
    start = facts.tags.get(START_TAG, SCRATCH)
    begin = (
        "Starts from scratch." if start == SCRATCH else f"Goes on from the bundle `{start[:12]}`."
    )
    lines = [f"{begin} The stages are the child runs; pipeline `{facts.tags[PIPELINE_TAG][:12]}`."]
    if facts.data is not None and facts.data.pairs:
        splits = ("train", "val", "test")
        rows = [
            f"| {name} | " + " | ".join(str(counts.get(split, 0)) for split in splits) + " |"
            for name, counts in facts.data.pairs.items()
        ]
        lines.append("\n".join(["| pairs of | train | val | test |", "|---|---|---|---|", *rows]))
    return "\n\n".join(lines)


def parent_tags(facts: StageFacts) -> dict[str, str]:
    """Return what a pipeline's run shows of the stage that ran last."""
    shared = (COMMIT_TAG, DIRTY_TAG, MANIFEST_TAG, PIPELINE_PARAMS_TAG)
    return {**{key: facts.tags[key] for key in shared if key in facts.tags}, **source_tags(facts)}


def source_tags(facts: StageFacts) -> dict[str, str]:
    """Return what MLflow shows as the source of a run, where the project is in git."""
    commit = facts.tags[COMMIT_TAG]
    return {} if commit == ABSENT else {"mlflow.source.git.commit": commit}
