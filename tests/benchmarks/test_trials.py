"""The files of trials in the repository: each names parameters that exist."""

from pathlib import Path

import pytest
import yaml

import benchmarks
from benchmarks.trials import code_hash, trials_of
from ssvif.errors import ParamsError
from ssvif.training.dynamic_weight import ConsistencyHealth, DynamicWeight

FILES = sorted((Path(benchmarks.__file__).parent / "sweeps").glob("*.yaml"))


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_trials_of__every_file_is_understood(file: Path) -> None:
    content = yaml.safe_load(file.read_text(encoding="utf-8"))
    trials = trials_of(content)
    assert len(trials) == len(content["trials"]) * len(content["seeds"])
    assert all(isinstance(name, str) for name in content["trials"]), "off and on need quotes"


def test_trials_of__a_fixed_weight_is_reached_at_once() -> None:
    (file,) = (file for file in FILES if file.stem == "weights")
    trials = trials_of(yaml.safe_load(file.read_text(encoding="utf-8")))
    health = ConsistencyHealth(agreement=0.3, effective_prototypes=20.0, equivariance=0.5)
    for name, fixed in (("fixed .05", 0.05), ("fixed .5", 0.5), ("off", 0.0)):
        params = trials[name, 0].params.dynamic_weight
        weight = DynamicWeight(**params.model_dump(), steps=500, prototypes=32)
        for step in (0, 1):
            terms = weight.update(step, fusion_norm=0.2, consistency_norm=0.5, health=health)
        assert terms.weight == fixed
        assert terms.trust == (1.0 if fixed else 0.0)


@pytest.mark.parametrize(
    ("own", "words"),
    [
        ({"conistency.teacher": "pixel"}, "trial x: conistency.teacher: expected one of"),
        ({"consistency.taecher": "pixel"}, "taecher"),
        ({"probes.steps": 3}, "probes.steps: expected one of"),
        ({"seed": 5}, "seed: expected one of"),
        ({"stage": "two"}, "expected `one`"),
    ],
)
def test_trials_of__refuses_what_would_have_no_effect(own, words) -> None:
    content = {"base": {}, "seeds": [0], "trials": {"x": own}}
    with pytest.raises(ParamsError, match=words):
        trials_of(content)


CODE = 'def double(x):\n    """Double it."""\n    return 2 * x\n'


@pytest.mark.parametrize(
    ("other", "same"),
    [
        (f"# Why.\n{CODE}", True),
        ('"""Numbers."""\n\n' + CODE.replace("Double it", "Return twice `x`"), True),
        (CODE.replace("2 * x", "(2\n        * x)"), True),
        (CODE.replace("2 * x", "2 + x"), False),
        (CODE.replace("(x)", "(x=1)"), False),
    ],
)
def test_code_hash__is_of_what_code_does(tmp_path: Path, other: str, same: bool) -> None:
    before, after = tmp_path / "before.py", tmp_path / "after.py"
    before.write_text(CODE)
    after.write_text(other)
    assert (code_hash([before]) == code_hash([after])) is same
