"""What a strict pydantic model refused, in one line: each key, what was expected, what came."""

import difflib
from typing import Any

from pydantic import BaseModel, ValidationError


def explain(error: ValidationError, model: type[BaseModel]) -> str:
    """Return in one line what a strict model refused: each key, what was expected, what came.

    Args:
        error: What pydantic raised.
        model: The model that raised it.
    """
    return "; ".join(_explain(dict(problem), model) for problem in error.errors())


def _explain(problem: dict[str, Any], model: type[BaseModel]) -> str:
    location = tuple(str(part) for part in problem["loc"])
    key = ".".join(location)
    if problem["type"] == "extra_forbidden":
        known = _known_keys(location[:-1], model)
        close = difflib.get_close_matches(location[-1], known, n=1)
        hint = f"did you mean {close[0]}?" if close else f"known: {', '.join(known)}"
        return f"unknown key {key}; {hint}"
    came = "nothing" if problem["input"] is None else repr(problem["input"])
    if problem["type"] == "model_type":
        return f"{key}: expected keys, found {came}".removeprefix(": ")
    hint = " (YAML reads 1e-4 as text: write 1.0e-4)" if _is_number(problem["input"]) else ""
    words = problem["msg"].removeprefix("Value error, ")
    return f"{key}: {words[0].lower()}{words[1:]}, found {came}{hint}"


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
    section = model
    for part in location:
        fields = {field.alias or name: field for name, field in section.model_fields.items()}
        section = fields[part].annotation  # type: ignore[assignment]
    return sorted(field.alias or name for name, field in section.model_fields.items())
