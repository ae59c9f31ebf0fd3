from dataclasses import replace

import pytest
from PIL import Image

from ssvif.data.manifest import LABELS_FOLDER, MANIFEST_FILE, PAIRS_FOLDER, read_manifest
from ssvif.evaluation.pairs import PairSource
from ssvif.files import sha256_file
from ssvif.gate.decision import Champion, Check, Decision, read_decision
from ssvif.gate.run import Gated, Job, Rival, run_gate
from ssvif.gate.summary import markdown, opened
from ssvif.gate.write import write_gate
from ssvif.params import EvaluateParams, GateParams, Params
from tests.pages import check_asks_for_nothing


@pytest.fixture(scope="module")
def gated(rendered, make_weights):
    manifest = read_manifest(rendered / MANIFEST_FILE)
    source = PairSource(manifest, rendered / PAIRS_FOLDER, rendered / LABELS_FOLDER, refused={})
    champion = make_weights("champion")
    about = Champion(name="ssvif", version=3, bundle="b" * 64, weights=sha256_file(champion))
    params = Params(
        gate=GateParams(min_pairs=4), evaluate=EvaluateParams(resamples=100, probe=False)
    )
    return run_gate(
        Job(
            source=source,
            golden=None,
            challenger=make_weights("challenger", bias=0.5),
            rival=Rival(about, champion, {}),
            floors=[],
            params=params,
        )
    )


def test_write_gate__writes_every_file(gated, tmp_path):
    write_gate(gated, tmp_path / "gate")
    assert {path.name for path in (tmp_path / "gate").iterdir()} == {
        "decision.json",
        "index.html",
        "picture.png",
        "summary.md",
    }
    assert read_decision(tmp_path / "gate/decision.json") == gated.decision
    assert min(Image.open(tmp_path / "gate/picture.png").size) > 300


def test_write_gate__twice_gives_the_same_bytes(gated, tmp_path):
    for name in ("a", "b"):
        write_gate(gated, tmp_path / name)
    for path in (tmp_path / "a").iterdir():
        assert path.read_bytes() == (tmp_path / "b" / path.name).read_bytes()


def test_write_gate__the_page_needs_nothing_else(gated, tmp_path):
    write_gate(gated, tmp_path)
    page = (tmp_path / "index.html").read_text()
    check_asks_for_nothing(page)
    assert opened(gated.decision.sentence) in page.replace("&#39;", "'")
    assert all(check.name in page for check in gated.decision.checks)


def test_write_gate__the_page_shows_the_largest_gains_and_losses(gated, tmp_path):
    write_gate(gated, tmp_path)
    page = (tmp_path / "index.html").read_text()
    gains = gated.paired.gains["Qabf"]
    for extreme in (gains.max(), gains.min()):
        assert f"Qabf {extreme:+.2g}" in page


def test_write_gate__without_a_comparison(gated, tmp_path):
    first = gated.decision.model_copy(
        update={"outcome": "first", "champion": None, "checks": gated.decision.checks[-4:]}
    )
    write_gate(Gated(first), tmp_path)
    assert 'id="pictures"' not in (tmp_path / "index.html").read_text()


def test_write_gate__nothing_looked_at(gated, tmp_path):
    off = Decision(
        outcome="not_gated",
        mode="off",
        sentence="not gated: gate.mode is off",
        champion=None,
        challenger=gated.decision.challenger,
    )
    write_gate(Gated(off), tmp_path)
    assert (tmp_path / "picture.png").is_file()


def test_write_gate__hostile_names_stay_text(gated, tmp_path):
    odd = Check(name="slice/set:<b>", kind="slice", passed=False, sentence="<script>x</script>")
    decision = gated.decision.model_copy(update={"checks": (odd,), "sentence": "<i>keep</i>"})
    write_gate(replace(gated, decision=decision), tmp_path)
    page = (tmp_path / "index.html").read_text()
    assert "<script>x" not in page
    assert "<i>keep" not in page


def test_markdown__says_the_sentence_and_each_check(gated):
    text = markdown(gated.decision)
    assert text.startswith(f"# {opened(gated.decision.sentence)}\n")
    assert "mode enforce, champion ssvif version 3, 12 held-out pairs of 6 blocks." in text
    assert text.count("\n| metric/") == 9
    failed = gated.decision.checks[1].model_copy(update={"passed": False})
    assert "**failed**" in markdown(gated.decision.model_copy(update={"checks": (failed,)}))
