"""Files that people write and pydantic models describe, and what was refused, in one line.

A refusal names each key, what was expected and what came.
"""

import difflib
from pathlib import Path
from typing import Any, TypeGuard, TypeVar, get_args

import yaml
from pydantic import BaseModel, ValidationError

from ssvif.errors import SsvifError

_Model = TypeVar("_Model", bound=BaseModel)


class _OnceOnly(yaml.SafeLoader):
    """Refuses a key that comes twice, of which PyYAML would take the last."""

    # Before merge keys are resolved, which write the keys that they bring into the node.
    def compose_mapping_node(self, anchor: Any) -> yaml.MappingNode:  # noqa: ANN401  # a name
        node = super().compose_mapping_node(anchor)
        lines: dict[str, int] = {}
        for key in (key for key, _ in node.value if isinstance(key, yaml.ScalarNode)):
            if key.value in lines:
                problem = f"{key.value} is at line {lines[key.value]} already; keep one of them"
                raise yaml.MarkedYAMLError(problem=problem, problem_mark=key.start_mark)
            lines[key.value] = key.start_mark.line + 1
        return node


def read_yaml(path: Path) -> object:
    """Read a YAML file that people write, whose keys are there once each.

    Raises:
        yaml.YAMLError: If it is not YAML, or a key comes twice; see `yaml_reason`.
        UnicodeDecodeError: If it is not UTF-8.
        OSError: If it cannot be read.
    """
    return yaml.load(path.read_text(encoding="utf-8"), Loader=_OnceOnly)  # noqa: S506  # a safe one


def yaml_reason(error: Exception) -> str:
    """Return what is wrong with a YAML file, and at which line, in one line.

    Args:
        error: Of PyYAML or ruamel.yaml, or of decoding.
    """
    mark, problem = getattr(error, "problem_mark", None), getattr(error, "problem", None)
    if mark is None or problem is None:
        return str(error).splitlines()[0]
    return f"line {mark.line + 1}, column {mark.column + 1}: {problem}"


def read_json_as(
    path: Path, model: type[_Model], *, refusal: type[SsvifError], remedy: str
) -> _Model | None:
    """Read a JSON file that a model describes, or return None where there is none.

    Args:
        path: The file.
        model: What it holds.
        refusal: The error that says what is wrong with it.
        remedy: What to do then, such as "`git checkout` it".

    Raises:
        SsvifError: As `refusal`, if the file is not readable or not understood.
    """
    try:
        return model.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return None
    except ValidationError as error:
        raise refusal(f"{path}: {explain(error, model)}; {remedy}") from None
    except OSError as error:
        why = f"expected a file that can be read ({error.strerror})"
        raise refusal(f"{path}: {why}; {remedy}") from error


def explain(error: ValidationError, model: type[BaseModel]) -> str:
    """Return in one line what a strict model refused: each key, what was expected, what came.

    Args:
        error: What pydantic raised.
        model: The model that raised it.
    """
    return "; ".join(_explain(dict(problem), model) for problem in error.errors())


def _explain(problem: dict[str, Any], model: type[BaseModel]) -> str:
    if problem["type"] == "json_invalid":
        return f"not readable as JSON ({problem['ctx']['error']})"
    location = tuple(str(part) for part in problem["loc"])
    key = ".".join(location)
    if problem["type"] == "extra_forbidden":
        return f"unknown key {key}{_hint(location[-1], _known_keys(location[:-1], model))}"
    came = "nothing" if problem["input"] is None else repr(problem["input"])
    if problem["type"] == "model_type":
        return f"{key}: expected keys, found {came}".removeprefix(": ")
    hint = " (YAML reads 1e-4 as text: write 1.0e-4)" if _is_number(problem["input"]) else ""
    words = problem["msg"].removeprefix("Value error, ")
    return f"{key}: {words[0].lower()}{words[1:]}, found {came}{hint}"


def _hint(key: str, known: list[str]) -> str:
    close = difflib.get_close_matches(key, known, n=1)
    if close:
        return f"; did you mean {close[0]}?"
    return f"; known: {', '.join(known)}" if known else ""


def _is_number(came: object) -> bool:
    """Whether a text would be a number, had YAML read it as one."""
    if not isinstance(came, str):
        return False
    try:
        float(came)
    except ValueError:
        return False
    return True


def _known_keys(location: tuple[str, ...], model: type[BaseModel]) -> list[str]:
    """Return the keys of a section, or none where the way there is more than sections in sections.

    Args:
        location: The keys that lead to the section.
        model: The model that they start from.
    """
    section = model
    for part in location:
        annotation = _annotations(section).get(part)
        # A section that may be absent is a model beside None.
        kinds = [kind for kind in (annotation, *get_args(annotation)) if _is_model(kind)]
        if not kinds:
            return []
        section = kinds[0]
    return sorted(_annotations(section))


def _annotations(section: type[BaseModel]) -> dict[str, Any]:
    fields = section.model_fields
    return {field.alias or name: field.annotation for name, field in fields.items()}


def _is_model(kind: object) -> TypeGuard[type[BaseModel]]:
    return isinstance(kind, type) and issubclass(kind, BaseModel)
