"""params.yaml as frozen, strict dataclasses: the only place that reads it.

A key that is not known, a value of another type or outside its range is refused by name.
Every section names the DVC stages that depend on it (`dvc.yaml`).
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

import yaml
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    field_validator,
)

from ssvif.errors import ParamsError
from ssvif.explain import explain, read_yaml, yaml_reason

PARAMS_FILE = Path("params.yaml")
MAX_PIXELS = 50_000_000  # of an image, unless ingest.max_pixels says otherwise
PERCENTILES = (0.1, 99.9)  # of raw infrared, unless ingest.percentiles says otherwise

Share = Annotated[float, Field(ge=0.0, le=1.0)]
Positive = Annotated[float, Field(gt=0.0)]
NonNegative = Annotated[float, Field(ge=0.0)]
Count = Annotated[int, Field(ge=1)]
Scenes = Annotated[int, Field(ge=2)]  # of a batch: every other one shows the machine view
Percentile = Annotated[float, Field(ge=0.0, le=100.0)]


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, strict=True, extra="forbid", allow_inf_nan=False)


class SampleParams(_Section):
    """The synthetic scenes that stand in where no captures are."""

    pairs: Count = 96
    height: Annotated[int, Field(ge=64)] = 240
    width: Annotated[int, Field(ge=64)] = 320


class IngestParams(_Section):
    """What a pair must be to be trained on, and how pairs are split."""

    max_pixels: Count = MAX_PIXELS
    # The metrics take nothing below 41 pixels.
    min_size: Annotated[int, Field(ge=48)] = 128
    resize_mismatch: bool = False
    constant_below: NonNegative = 0.01
    saturated_above: Share = 0.9
    duplicate_below: NonNegative = 0.004
    max_shift: Annotated[int, Field(ge=0)] = 8
    percentiles: tuple[Percentile, Percentile] = PERCENTILES
    night_below: Share = 0.22
    block_size: Count = 10
    val_share: Share = 0.1
    test_share: Annotated[Share, Field(validate_default=True)] = 0.2
    exclude: tuple[str, ...] = ()

    @field_validator("percentiles")
    @classmethod
    def _check_order(cls, percentiles: tuple[float, float]) -> tuple[float, float]:
        if not percentiles[0] < percentiles[1]:
            raise ValueError("expected the percentile of black below that of white")
        return percentiles

    @field_validator("test_share")
    @classmethod
    def _check_rest(cls, test_share: float, info: ValidationInfo) -> float:
        val_share = info.data.get("val_share", 0.0)
        if not val_share + test_share < 1.0:
            raise ValueError(
                f"expected less than 1 together with val_share {val_share:g}: the rest trains"
            )
        return test_share


class NetworkParams(_Section):
    """The fusion network and the two segmentation branches."""

    channels: Annotated[int, Field(ge=4, le=256)] = 16
    blocks: Count = 2
    residual: Share = 0.25
    backbone: str = "tf_efficientnet_lite0"
    pretrained: Literal[False, "package", "timm"] = "package"
    embedding: Annotated[int, Field(ge=8)] = 64
    prototypes: Annotated[int, Field(ge=2, le=256)] = 32  # segments are images of bytes


class FusionLossParams(_Section):
    """Aim and weights of the fusion loss, in both training stages."""

    contrast: Annotated[float, Field(ge=1.0, le=2.0)] = 1.4
    sharpness: Annotated[float, Field(ge=1.0, le=2.0)] = 1.25
    veiling: Share = 0.5
    intensity_weight: NonNegative = 1.0
    gradient_weight: NonNegative = 10.0
    ssim_weight: NonNegative = 0.5


class StageOneParams(_Section):
    """Training of the fusion network alone."""

    start: Literal["champion", "scratch"] = "champion"
    steps: Count = 250
    batch: Scenes = 8
    crop: Annotated[int, Field(ge=32, le=1024, multiple_of=32)] = 128
    learning_rate: Positive = 2.0e-3


class WarmUpParams(_Section):
    """Training of the two branches on a frozen fusion network, at the end of stage one."""

    steps: Count = 130
    learning_rate: Positive = 1.0e-3
    trunk_learning_rate: NonNegative = 1.0e-4


class ConsistencyParams(_Section):
    """Cross-segmentation consistency: Sinkhorn assignments of one view, predicted from another."""

    teacher: Literal["feature", "pixel"] = "feature"
    channel_noise: Share = 0.15
    source_dropout: Annotated[float, Field(ge=0.0, le=0.5)] = 0.25

    temperature: Positive = 0.1
    # Below this, whole rows of the assignment round to zero.
    epsilon: Annotated[float, Field(ge=0.03)] = 0.05
    sinkhorn_iterations: Annotated[int, Field(ge=0)] = 3
    queue_batches: Annotated[int, Field(ge=0)] = 4
    freeze_prototypes_steps: Annotated[int, Field(ge=0)] = 50
    teacher_decay: Share = 0.99
    min_overlap: Annotated[float, Field(gt=0.0, lt=1.0)] = 0.4


class DynamicWeightParams(_Section):
    """How strongly consistency may pull at the fusion network: see docs/method.md."""

    rho: NonNegative = 1.0
    weight_max: NonNegative = 0.5
    ramp_share: Share = 0.2
    floor_share: Annotated[float, Field(gt=0.0, le=1.0)] = 0.5
    decay: Annotated[float, Field(ge=0.0, lt=1.0)] = 0.9


class StageTwoParams(_Section):
    """Joint training of the fusion network and both branches."""

    replay: Share = 0.5
    steps: Count = 120
    batch: Scenes = 8
    crop: Annotated[int, Field(ge=32, le=1024, multiple_of=32)] = 128
    learning_rate: Positive = 5.0e-4
    mixing_learning_rate: Positive = 0.3
    tone_learning_rate: Positive = 2.0e-2
    head_learning_rate: Positive = 1.0e-4
    trunk_learning_rate: NonNegative = 0.0


class TrainingParams(_Section):
    """What both training stages share."""

    clip_norm: Positive = 5.0
    weight_decay: NonNegative = 1.0e-4
    max_reduction: Annotated[int, Field(ge=1, le=8)] = 2
    checkpoint_every: Count = 100
    validate_every: Count = 100
    health_every: Count = 50
    processes: Count = 1
    precision: Literal["float32", "bfloat16"] = "float32"


class EvaluateParams(_Section):
    """What is scored, and what is drawn."""

    split: Literal["val", "test"] = "test"
    max_pairs: Annotated[int, Field(ge=0)] = 0
    grid_pairs: Count = 6
    probe: bool = True
    stress: bool = False
    confidence: Annotated[float, Field(gt=0.0, lt=1.0)] = 0.95
    resamples: Annotated[int, Field(ge=100)] = 2000


class ProbesParams(_Section):
    """The fixed segmenter that measures what an image is worth downstream."""

    backbone: str = "tf_efficientnet_lite0"
    pretrained: Literal[False, "package", "timm"] = "package"
    height: Annotated[int, Field(ge=64)] = 120
    width: Annotated[int, Field(ge=64)] = 160
    crop_height: Annotated[int, Field(ge=32, multiple_of=32)] = 64
    crop_width: Annotated[int, Field(ge=32, multiple_of=32)] = 96
    steps: Count = 20
    batch: Count = 8
    learning_rate: Positive = 2.0e-3
    trunk_learning_rate: Positive = 1.0e-3
    repetitions: Count = 2
    folds: Annotated[int, Field(ge=2)] = 2


class StressParams(_Section):
    """How much is spent on `evaluate.stress`."""

    max_pairs: Count = 12
    severities: Annotated[int, Field(ge=1, le=5)] = 3


class FloorParams(_Section):
    """Absolute floors: the least a first champion must reach, as means over the split."""

    entropy: NonNegative = 3.0
    qabf: Share = 0.3
    ssim: Share = 0.2
    effective_prototypes_share: Share = 0.25


class GateParams(_Section):
    """What a challenger must show, beside the champion on the same pairs, to take its place."""

    mode: Literal["off", "dry_run", "enforce"] = "enforce"
    primary: str = "Qabf"
    superiority: NonNegative = 0.0
    tie: Literal["keep", "newer"] = "keep"
    margin: NonNegative = 0.08
    slice_margin: NonNegative = 0.1
    probe_margin: NonNegative = 0.05
    min_pairs: Count = 12
    latency_ratio: Annotated[float, Field(ge=1.0)] = 1.25
    max_megabytes: Positive = 2.0


class DriftParams(_Section):
    """When new captures differ so much from what the champion learnt that it matters."""

    stability_index: Positive = 0.25
    level: Annotated[float, Field(gt=0.0, lt=1.0)] = 0.05
    min_pairs: Count = 12
    permutations: Annotated[int, Field(ge=100)] = 1000


class RetrainingParams(_Section):
    """Where captures arrive, when they are taken in, and when they make a retraining due."""

    drop: Annotated[str, Field(min_length=1)] = "data/drop"
    quiet_seconds: NonNegative = 30.0
    min_new_pairs: Count = 50
    debounce_seconds: NonNegative = 120.0
    limit_hours: Positive = 12.0
    keep_days: Positive = 7.0


class RegisterParams(_Section):
    """The name in the model registry, and what the first champion must reach."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]+$")] = "ssvif"
    first_leads: bool = True
    floors: FloorParams = FloorParams()


class TrackingParams(_Section):
    """Where runs are recorded; `MLFLOW_TRACKING_URI` says on which server."""

    experiment: Annotated[str, Field(min_length=1)] = "ssvif"


class Params(_Section):
    """All of params.yaml."""

    seed: Annotated[int, Field(ge=0)] = 0
    sample: SampleParams = SampleParams()
    ingest: IngestParams = IngestParams()
    network: NetworkParams = NetworkParams()
    fusion_loss: FusionLossParams = FusionLossParams()
    training: TrainingParams = TrainingParams()
    stage_one: StageOneParams = StageOneParams()
    warm_up: WarmUpParams = WarmUpParams()
    consistency: ConsistencyParams = ConsistencyParams()
    dynamic_weight: DynamicWeightParams = DynamicWeightParams()
    stage_two: StageTwoParams = StageTwoParams()
    evaluate: EvaluateParams = EvaluateParams()
    probes: ProbesParams = ProbesParams()
    stress: StressParams = StressParams()
    register_: Annotated[RegisterParams, Field(alias="register")] = RegisterParams()
    gate: GateParams = GateParams()
    drift: DriftParams = DriftParams()
    retraining: RetrainingParams = RetrainingParams()
    tracking: TrackingParams = TrackingParams()


def load_params(path: Path = PARAMS_FILE) -> Params:
    """Read and check a parameter file.

    Args:
        path: A YAML file; a section or a key that it lacks has its default.

    Returns:
        The parameters, frozen.

    Raises:
        ParamsError: If the file is missing or not YAML, or a key or a value is not understood.
    """
    try:
        content = read_yaml(path)
    except FileNotFoundError:
        raise ParamsError(f"{path}: no such file; run this where params.yaml is") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ParamsError(f"{path}: not readable as YAML ({yaml_reason(error)})") from error
    return parse_params(content if content is not None else {}, source=str(path))


def parse_params(content: object, *, source: str = "params") -> Params:
    """Check parameters given as plain mappings.

    Raises:
        ParamsError: Naming each key or value that is not understood.
    """
    if not isinstance(content, Mapping):
        raise ParamsError(f"{source}: expected sections of keys, found {type(content).__name__}")
    try:
        return Params.model_validate(_tuples(content))
    except ValidationError as error:
        raise ParamsError(f"{source}: {explain(error, Params)}") from None


def _tuples(content: object) -> object:
    """YAML has lists only; the strict model takes tuples."""
    if isinstance(content, Mapping):
        return {key: _tuples(value) for key, value in content.items()}
    return tuple(content) if isinstance(content, list) else content
