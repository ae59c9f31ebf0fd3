"""What users call models and folders on the command line."""

import re
from pathlib import Path

from ssvif.errors import EvaluationError
from ssvif.fuse.places import PRETRAINED, WEIGHTS_NAME

REGISTRY_SCHEME = "models:/"

# Any name: one that cannot be is refused by name, not taken for a part of the path.
_NAMED = re.compile(r"(?P<name>[^=/\\]+)=(?P<value>.+)")


def split_name(text: str) -> tuple[str | None, str]:
    """Return the name and the value of `NAME=VALUE`, or no name where there is none."""
    found = _NAMED.fullmatch(text)
    return (found["name"], found["value"]) if found else (None, text)


def named_folder(text: str) -> tuple[str, Path]:
    """Read `NAME=FOLDER`, or `FOLDER`, which is then called by its own name.

    Raises:
        EvaluationError: If there is no such folder.
    """
    name, value = split_name(text)
    found = name or Path(value).resolve().name, Path(value)
    if not found[1].is_dir():
        raise EvaluationError(
            f"{found[0]}: {value} is no folder; give the one with its fused images"
        )
    return found


def named_model(text: str) -> tuple[str, Path]:
    """Read `[NAME=]MODEL`: a weights file, a bundle's folder, models:/NAME@ALIAS or pretrained.

    Returns:
        What it is called, and its weights file; a registered model is downloaded.

    Raises:
        RegistryError: If the registry does not know the model or cannot be reached.
    """
    name, value = split_name(text)
    path = model_path(value)
    if value.startswith(REGISTRY_SCHEME):
        own = re.sub(r"[@/]", "-", value.removeprefix(REGISTRY_SCHEME))
        return name or own, path / WEIGHTS_NAME
    if path.is_dir():
        return name or path.resolve().name, path / WEIGHTS_NAME
    return name or path.stem, path


def model_path(value: str) -> Path:
    """Return where a model is: as it is named, fetched from the registry, or in the package.

    Raises:
        RegistryError: If the registry does not know the model or cannot be reached.
    """
    if value == PRETRAINED.name:
        return PRETRAINED
    if value.startswith(REGISTRY_SCHEME):
        from ssvif.registry.resolve import resolve_model

        return resolve_model(value)
    return Path(value)


def is_model(text: str) -> bool:
    """Tell a model from a folder of fused images.

    Raises:
        EvaluationError: If there is nothing at the place that is named.
    """
    _, value = split_name(text)
    if value.startswith(REGISTRY_SCHEME) or value == PRETRAINED.name:
        return True
    path = Path(value)
    if not path.exists():
        raise EvaluationError(
            f"{value}: expected mean, max, a weights file, a bundle's folder, models:/NAME@ALIAS, "
            "pretrained or NAME=FOLDER of fused images; there is no such file"
        )
    return path.is_file() or (path / WEIGHTS_NAME).is_file()
