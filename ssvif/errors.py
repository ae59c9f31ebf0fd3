"""Everything this project refuses, by name.

A message is one line that says what was expected, what came, and what to do.
"""


class SsvifError(Exception):
    """Base of every error this project raises on purpose."""


class ParamsError(SsvifError):
    """params.yaml has a key or a value that is not understood."""


class ShapeError(SsvifError):
    """A tensor or an array has a shape the function cannot take."""


class ImageError(SsvifError):
    """An image file cannot be read, or must not be."""


class ImageTypeError(ImageError):
    """A file is no image, or one of a type that is not read."""


class PixelLimitError(ImageError):
    """An image file announces more pixels than are decoded."""


class ColourInfraredError(ImageError):
    """An infrared image is in colour, so it is not one, or a rendering of one."""


class VideoError(SsvifError):
    """A video or a camera cannot be read, or a video not be written."""


class InterruptError(SsvifError):
    """A user ended what cannot go on from there; the message says what can be done."""


class CapturesError(SsvifError):
    """A folder of captures has no layout this project reads, or no pairs."""


class PairError(SsvifError):
    """A visible/infrared pair is not fit for training.

    Args:
        code: Short reason code, such as `size_mismatch`; stable, for programs.
        message: The reason as a sentence, for people.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class ManifestError(SsvifError):
    """The manifest is missing or does not follow its schema."""


class LabelError(SsvifError):
    """Labels cannot be read, or hold classes that their set does not have."""


class TrainingError(SsvifError):
    """Training cannot start or cannot go on."""


class CheckpointError(SsvifError):
    """A checkpoint cannot be read or belongs to another configuration."""


class ModelError(SsvifError):
    """Weights or a bundle cannot be read or do not fit the network."""


class EvaluationError(SsvifError):
    """What shall be scored or compared cannot be."""


class ServerError(SsvifError):
    """`ssvif serve` cannot start as it is told."""


class ServiceError(SsvifError):
    """A service refused, or cannot be reached.

    Args:
        message: The reason as a sentence.
        transient: Whether the same command may do later on.
    """

    def __init__(self, message: str, *, transient: bool = False) -> None:
        super().__init__(message)
        self.transient = transient


class RegistryError(ServiceError):
    """The model registry refused, does not know a model, or cannot be reached."""


class ChampionMovedError(RegistryError):
    """Another version leads than the one that a decision was made against.

    Args:
        message: The reason as a sentence.
        champion: The version that leads now, or None.
    """

    def __init__(self, message: str, *, champion: int | None) -> None:
        super().__init__(message)
        self.champion = champion


class TrackingError(ServiceError):
    """The tracking store cannot be used; only commands about the store itself raise this."""


class GateError(SsvifError):
    """Champion and challenger cannot be compared, or a decision cannot be used."""


class DriftError(SsvifError):
    """New captures cannot be compared with what the champion was trained on."""


class RetrainingError(SsvifError):
    """A retraining cannot start or go on, or a delivery cannot be taken in."""


class StorageError(SsvifError):
    """A file could not be written, for want of space or permission."""


class SsvifWarning(UserWarning):
    """Base of the warnings a user should act on."""
