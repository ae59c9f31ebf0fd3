from dataclasses import replace

import pytest
import torch

from ssvif.errors import GateError, ModelError
from ssvif.files import sha256_file
from ssvif.gate.decision import Champion, Check
from ssvif.gate.golden import freeze_golden, open_golden
from ssvif.gate.models import GatedModel
from ssvif.gate.run import Job, Rival, not_gated, run_gate
from ssvif.params import EvaluateParams, GateParams, IngestParams, Params

FLOOR = Check(name="floor/qabf", kind="floor", value=0.5, limit=0.3, passed=True, sentence="ok")
# Of the logit: one camera must be brighter by a fifth to win. In these scenes the visible image
# has more edges, so putting it first is better on Qabf, and worse on SCD.
VISIBLE_FIRST, INFRARED_FIRST = 3.0, -3.0


def rival_of(weights, pairs=None):
    about = Champion(name="ssvif", version=3, bundle="b" * 64, weights=sha256_file(weights))
    return Rival(about, weights, pairs or {})


@pytest.fixture
def job(source, make_weights):
    """Two models that differ by chance's width: the challenger is the pixel maximum's kin."""
    return Job(
        source=source,
        golden=None,
        challenger=make_weights("challenger", bias=0.001),
        rival=rival_of(make_weights("champion")),
        floors=[FLOOR],
        params=Params(
            gate=GateParams(min_pairs=4, margin=0.03, slice_margin=0.06),
            evaluate=EvaluateParams(resamples=100, probe=False),
        ),
    )


def checks_of(gated):
    return {check.name: check for check in gated.decision.checks}


def test_run_gate__a_tie_keeps_the_champion(job):
    decision = run_gate(job).decision
    assert decision.outcome == "keep"
    assert decision.sentence.startswith("keep version 3: the challenger")
    assert {check.name for check in decision.failed} == {"superiority/Qabf"}
    assert decision.samples["all"].pairs == 12
    assert decision.samples["all"].blocks == 6
    assert decision.numbers["all/Qabf/champion"] == pytest.approx(
        decision.numbers["all/Qabf/challenger"], rel=0.01
    )


def test_run_gate__a_tie_goes_to_the_newer_where_that_is_the_rule(job):
    gate = job.params.gate.model_copy(update={"tie": "newer"})
    job = replace(job, params=job.params.model_copy(update={"gate": gate}))
    assert run_gate(job).decision.outcome == "promote"


def test_run_gate__a_better_challenger_is_promoted(job, make_weights):
    gate = GateParams(min_pairs=4, margin=5.0, slice_margin=5.0)
    params = job.params.model_copy(update={"gate": gate})
    better = make_weights("visible", bias=VISIBLE_FIRST)
    decision = run_gate(replace(job, challenger=better, params=params)).decision
    assert decision.outcome == "promote"
    assert decision.numbers["all/Qabf/gain"] > 0.0


def test_run_gate__a_gain_on_the_primary_does_not_buy_losses(job, make_weights):
    better = make_weights("visible", bias=VISIBLE_FIRST)
    decision = run_gate(replace(job, challenger=better)).decision
    assert decision.outcome == "keep"
    assert "the challenger gains 0.02" in decision.sentence
    assert ") but loses " in decision.sentence
    assert "metric/SCD" in {check.name for check in decision.failed}


def test_run_gate__a_worse_challenger_is_refused(job, make_weights):
    worse = make_weights("infrared", bias=INFRARED_FIRST)
    decision = run_gate(replace(job, challenger=worse)).decision
    assert decision.outcome == "keep"
    assert "superiority/Qabf" in {check.name for check in decision.failed}
    assert decision.numbers["all/Qabf/gain"] < 0.0


def test_run_gate__twice_decides_the_same_to_the_byte(job):
    assert run_gate(job).decision == run_gate(job).decision


def test_run_gate__same_networks_are_not_timed(job):
    gated = run_gate(job)
    assert checks_of(gated)["latency"].value is None
    assert not [name for name in gated.decision.numbers if name.startswith("latency")]


def test_run_gate__other_networks_are_timed(job, make_weights, tiny_network, monkeypatch):
    monkeypatch.setattr("ssvif.gate.latency.HEIGHT", 48)
    wide = make_weights("wide", network=tiny_network.model_copy(update={"channels": 8}))
    gated = run_gate(replace(job, challenger=wide))
    assert checks_of(gated)["latency"].value > 0.0
    assert gated.decision.numbers["latency/champion/0"] > 0.0


def test_run_gate__the_same_model_is_kept_without_scoring(job):
    decision = run_gate(replace(job, challenger=job.rival.weights)).decision
    assert decision.outcome == "keep"
    assert decision.sentence == "keep version 3: the challenger is the same model"
    assert not decision.samples


def test_run_gate__too_few_pairs_say_what_would_do(job):
    params = job.params.model_copy(update={"gate": GateParams(min_pairs=13)})
    decision = run_gate(replace(job, params=params)).decision
    assert decision.outcome == "keep"
    assert decision.sentence == (
        "keep version 3: 12 pairs of 6 blocks of neighbouring frames are too few to decide on; "
        "13 pairs of 6 blocks would do (ingest.block_size neighbours make a block)"
    )


def test_run_gate__nothing_held_out_keeps(job, source):
    known = dict.fromkeys(source.manifest["id"], "train")
    decision = run_gate(replace(job, rival=rival_of(job.rival.weights, known))).decision
    assert decision.outcome == "keep"
    assert "0 pairs" in decision.sentence


def test_run_gate__first_without_a_champion(job):
    gated = run_gate(replace(job, rival=None))
    assert gated.decision.outcome == "first"
    assert gated.decision.champion is None
    assert {check.kind for check in gated.decision.checks} == {"floor", "size", "sanity"}


@pytest.mark.parametrize("with_rival", [True, False])
def test_run_gate__a_missed_floor_keeps(job, with_rival):
    missed = FLOOR.model_copy(update={"passed": False, "sentence": "has qabf 0.1"})
    job = replace(job, floors=[missed], rival=job.rival if with_rival else None)
    decision = run_gate(job).decision
    assert decision.outcome == "keep"
    assert "has qabf 0.1" in decision.sentence


def test_run_gate__no_numbers_on_stress_are_not_scored(job, make_weights):
    broken = make_weights("broken", bias=float("nan"))
    gated = run_gate(replace(job, challenger=broken))
    assert gated.decision.outcome == "keep"
    assert "values that are not numbers for pair 1" in gated.decision.sentence
    assert gated.paired is None


def test_run_gate__no_numbers_on_one_pair_name_it(job, monkeypatch):
    honest = GatedModel.raw

    def raw(self, scene):
        output = honest(self, scene)
        bad = self.name == "challenger" and scene.name == "005"
        return torch.full_like(output, torch.nan) if bad else output

    monkeypatch.setattr("ssvif.gate.run.check_sanity", lambda *_, **__: [])
    monkeypatch.setattr(GatedModel, "raw", raw)
    decision = run_gate(job).decision
    assert decision.outcome == "keep"
    assert "fuses roads/005 to values that are not numbers" in decision.sentence


def test_run_gate__a_champion_without_numbers_is_an_error(job, make_weights):
    broken = rival_of(make_weights("broken", bias=float("nan")))
    with pytest.raises(ModelError, match="champion: fuses"):
        run_gate(replace(job, rival=broken))


@pytest.fixture
def golden(source, tmp_path):
    places = {"folder": tmp_path / "golden", "file": tmp_path / "golden.json"}
    frozen = freeze_golden(source, **places)
    return frozen, open_golden(frozen, places["folder"])


def test_run_gate__golden_pairs_are_a_group(job, golden):
    decision = run_gate(replace(job, golden=golden)).decision
    assert decision.golden == golden[0].hash
    assert decision.samples["golden"].pairs == 12
    assert not decision.notes


@pytest.mark.parametrize("with_rival", [True, False])
def test_run_gate__a_golden_pair_that_trains_is_refused(job, source, golden, with_rival):
    moved = replace(source, manifest=source.manifest.assign(split="train"))
    rival = job.rival if with_rival else None
    with pytest.raises(GateError, match="12 of 12 golden pairs"):
        run_gate(replace(job, golden=golden, source=moved, rival=rival))


def test_run_gate__a_golden_pair_that_is_excluded_is_refused(job, source, golden):
    gone = golden[1].manifest["id"].iloc[0]
    kept = source.manifest[source.manifest["id"] != gone]
    params = job.params.model_copy(update={"ingest": IngestParams(exclude=(gone,))})
    job = replace(job, golden=golden, source=replace(source, manifest=kept), params=params)
    with pytest.raises(GateError, match=r"named in ingest\.exclude .1 of 12"):
        run_gate(job)


def test_run_gate__unknown_primary_is_refused_before_the_work(job):
    params = job.params.model_copy(update={"gate": GateParams(primary="SSMI")})
    with pytest.raises(GateError, match=r"gate\.primary"):
        run_gate(replace(job, params=params, challenger=job.challenger.with_name("absent")))


def test_not_gated__looks_at_nothing(job):
    off = job.params.model_copy(update={"gate": GateParams(mode="off")})
    decision = not_gated(replace(job, params=off)).decision
    assert decision.outcome == "not_gated"
    assert decision.mode == "off"
    assert not decision.checks
