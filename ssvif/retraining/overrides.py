"""Parameters that a retraining changes, such as `stage_two.steps=100`."""

from collections.abc import Iterable, Mapping
from io import StringIO
from pathlib import Path
from typing import Any

import yaml
from ruamel.yaml import YAML
from ruamel.yaml.nodes import ScalarNode
from ruamel.yaml.representer import RoundTripRepresenter

from ssvif.errors import ParamsError, RetrainingError
from ssvif.explain import yaml_reason
from ssvif.files import atomic_path
from ssvif.params import PARAMS_FILE, Params, parse_params
from ssvif.retraining.git import run_git

SCRATCH = "stage_one.start"
MODE = "gate.mode"
FIRST_LEADS = "register.first_leads"

_WIDTH = 4096  # ruamel.yaml breaks longer lines


def parse_assignments(texts: Iterable[str]) -> dict[str, Any]:
    """Read `KEY=VALUE` as people type it; values are read as in params.yaml.

    Raises:
        ParamsError: If one has no key, or its value is not YAML.
    """
    found = {}
    for text in texts:
        key, sign, value = text.partition("=")
        if not sign or not key.strip():
            raise ParamsError(f"{text!r}: expected KEY=VALUE, such as stage_two.steps=100")
        try:
            found[key.strip()] = yaml.safe_load(value)
        except yaml.YAMLError as error:
            raise ParamsError(f"{text!r}: the value is not readable as YAML") from error
    return found


def checked_params(folder: Path, overrides: Mapping[str, Any], commit: str = "HEAD") -> Params:
    """Return a project's parameters under overrides, as they are in a commit.

    Args:
        folder: The project.
        overrides: Values by dotted key.
        commit: The commit.

    Raises:
        ParamsError: If params.yaml, a key or a value is not understood.
    """
    try:
        text = run_git(folder, "show", f"{commit}:{PARAMS_FILE.as_posix()}")
    except RetrainingError:
        raise ParamsError(f"{folder / PARAMS_FILE}: not in the last commit; commit it") from None
    content = _parse(text, folder / PARAMS_FILE)
    _apply(content, overrides)
    plain = yaml.safe_load(_dump(content))
    return parse_params(plain, source="params.yaml with overrides" if overrides else "params.yaml")


def write_overrides(folder: Path, overrides: Mapping[str, Any]) -> None:
    """Write overrides into a project's params.yaml; comments stay.

    Raises:
        ParamsError: If params.yaml is not readable.
        StorageError: If it cannot be written.
    """
    if not overrides:
        return
    content = _load(folder / PARAMS_FILE)
    _apply(content, overrides)
    with atomic_path(folder / PARAMS_FILE) as temporary:
        temporary.write_text(_dump(content), encoding="utf-8")


def _apply(content: dict[str, Any], overrides: Mapping[str, Any]) -> None:
    for key, value in overrides.items():
        *sections, name = key.split(".")
        place: Any = content
        for section in sections:
            if not isinstance(place.get(section), Mapping):
                place[section] = {}
            place = place[section]
        place[name] = value


def _yaml() -> YAML:
    reader = YAML()
    reader.width = _WIDTH
    reader.preserve_quotes = True
    reader.representer.add_representer(float, _write_float)
    return reader


def _write_float(representer: RoundTripRepresenter, value: float) -> ScalarNode:
    """Write a float as PyYAML reads one: 1e-05 would be text to it."""
    text = repr(value)
    if "e" in text and "." not in text:
        text = text.replace("e", ".0e")
    node: ScalarNode = representer.represent_scalar("tag:yaml.org,2002:float", text)
    return node


def _load(path: Path) -> dict[str, Any]:
    try:
        return _parse(path.read_text(encoding="utf-8"), path)
    except FileNotFoundError:
        raise ParamsError(f"{path}: no such file; run this where params.yaml is") from None


def _parse(text: str, path: Path) -> dict[str, Any]:
    try:
        content = _yaml().load(text)
    # Its errors are YAMLErrors of its own.
    except Exception as error:
        raise ParamsError(f"{path}: not readable as YAML ({yaml_reason(error)})") from error
    if not isinstance(content, dict):
        raise ParamsError(f"{path}: expected sections of keys, found {type(content).__name__}")
    return content


def _dump(content: dict[str, Any]) -> str:
    stream = StringIO()
    _yaml().dump(content, stream)
    return stream.getvalue()
