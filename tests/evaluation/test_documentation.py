"""docs/evaluation.md has the tables of the code."""

from pathlib import Path

import pytest

from ssvif.evaluation.checks import CHECKS
from ssvif.evaluation.corruptions import DEGRADATIONS

PAGE = (Path(__file__).parents[2] / "docs" / "evaluation.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.name)
def test_documentation__has_every_check(check) -> None:
    (line,) = (line for line in PAGE.splitlines() if line.startswith(f"| `{check.name}` |"))
    assert check.title in line
    assert check.bad in line


@pytest.mark.parametrize("each", DEGRADATIONS, ids=lambda each: each.name)
def test_documentation__has_every_degradation(each) -> None:
    (line,) = (line for line in PAGE.splitlines() if line.startswith(f"| `{each.name}` |"))
    levels = ", ".join(f"{level:g}" for level in each.levels)
    assert line == f"| `{each.name}` | {levels} | {each.unit} | {each.models} |"
