"""What the gate decided, and every number that it went by: `reports/gate/decision.json`."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from ssvif.errors import GateError
from ssvif.explain import read_json_as
from ssvif.files import write_json

DECISION_NAME = "decision.json"
DECISION = Path("reports/gate") / DECISION_NAME

# promote: the challenger shall lead. keep: the champion shall; without one, nobody. first: nobody
# is pinned to compare with, and the challenger is fit to lead. not_gated: the gate is off.
Outcome = Literal["promote", "keep", "first", "not_gated"]
Mode = Literal["off", "dry_run", "enforce"]
Kind = Literal[
    "sample",  # are there enough pairs and blocks to decide on
    "superiority",  # is the primary metric better
    "metric",  # is another metric no worse, over all held-out pairs
    "slice",  # is a metric no worse, within some of these pairs
    "probe",  # is a probe no worse
    "floor",  # is an absolute floor reached
    "size",  # is the fusion network small enough
    "latency",  # is it quick enough beside the champion
    "sanity",  # are the outputs fit to be looked at, whatever goes in
]

Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, strict=True, extra="forbid", allow_inf_nan=False)


class Champion(_Record):
    """The model that the challenger was compared with.

    Args:
        name: Name of the registered model.
        version: Its version.
        bundle: Hash of its bundle.
        weights: SHA-256 of its weights file.
    """

    name: str
    version: Annotated[int, Field(ge=1)]
    bundle: str
    weights: Sha256


class Challenger(_Record):
    """The model that was judged.

    Args:
        weights: SHA-256 of its weights file.
        megabytes: The file's size, in 10^6 bytes; branches and all.
    """

    weights: Sha256
    megabytes: Annotated[float, Field(ge=0.0)]


class Check(_Record):
    """One thing that was looked at.

    Args:
        name: Unique and stable, such as `metric/SSIM` or `slice/night/SSIM`.
        kind: What it is about.
        group: The pairs: `all`, `golden`, `known`, `new`, `day`, `night`, `set:NAME`; for probes
            the task; else empty.
        metric: Acronym of a metric, or what else was measured; may be empty.
        value: What was found; for `superiority`, `metric`, `slice` and `probe` the challenger's
            gain, positive where it is better, in the metric's own unit; None where unknown.
        low: Lower bound of the value's interval, None where there is none.
        high: Upper bound of it.
        limit: What the value (or its bound, see docs/gate.md) was held against.
        passed: The verdict; None where it was not judged.
        sentence: The same for people.
    """

    name: str
    kind: Kind
    group: str = ""
    metric: str = ""
    value: float | None = None
    low: float | None = None
    high: float | None = None
    limit: float | None = None
    passed: bool | None
    sentence: str


class Sample(_Record):
    """How much was compared: pairs, and the blocks of neighbouring frames they come from."""

    pairs: Annotated[int, Field(ge=0)]
    blocks: Annotated[int, Field(ge=0)]


class Decision(_Record):
    """The gate's decision.

    Args:
        outcome: What it says; promotion obeys it in the mode `enforce` only.
        mode: The mode of the gate.
        sentence: The decision and its reasons, for people.
        champion: What was compared with, or None.
        challenger: What was judged.
        golden: Hash of the frozen golden set, or None where there is none.
        samples: Sizes of what was scored, by group (see `Check.group`).
        checks: All that was looked at, in order.
        numbers: Every further number, by keys such as `all/Qabf/champion`.
        notes: What a reader must know to trust it, such as what stood in for a golden set.
    """

    outcome: Outcome
    mode: Mode
    sentence: str
    champion: Champion | None
    challenger: Challenger
    golden: Sha256 | None = None
    samples: dict[str, Sample] = {}
    checks: tuple[Check, ...] = ()
    numbers: dict[str, float | None] = {}
    notes: tuple[str, ...] = ()

    @property
    def promotes(self) -> bool:
        """Whether the challenger shall lead: it won, or is fit and there is no champion."""
        return self.mode == "enforce" and self.outcome in ("promote", "first")

    @property
    def failed(self) -> tuple[Check, ...]:
        """The checks that speak against the challenger."""
        return tuple(check for check in self.checks if check.passed is False)


def write_decision(decision: Decision, path: Path = DECISION) -> None:
    """Write a decision; equal decisions give equal bytes.

    Raises:
        StorageError: If the file cannot be written.
    """
    write_json(path, decision.model_dump(mode="json"))


def read_decision(path: Path = DECISION) -> Decision:
    """Read a decision.

    Raises:
        GateError: If the file is missing or not understood.
    """
    remedy = "run `dvc repro gate` again"
    decision = read_json_as(path, Decision, refusal=GateError, remedy=remedy)
    if decision is None:
        raise GateError(f"{path}: no decision yet; run `dvc repro gate`")
    return decision
