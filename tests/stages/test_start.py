import json
import logging
import shutil

import pytest
import torch
import yaml

from ssvif.data.ingest import ingest
from ssvif.data.manifest import MANIFEST_FILE, read_manifest
from ssvif.data.synthetic import write_sample
from ssvif.errors import ModelError
from ssvif.files import sha256_file
from ssvif.models.network import build_model
from ssvif.models.weights import save_model
from ssvif.params import parse_params
from ssvif.registry.bundle import write_bundle
from ssvif.registry.pin import ChampionLock, Pin, pinned_folder, write_lock
from ssvif.stages import stage_one, stage_two, training
from ssvif.stages.start import find_start
from ssvif.tracking import facts
from ssvif.tracking.record import read_record
from ssvif.training import stages


@pytest.fixture(scope="module")
def sections(tiny_network):
    return {
        "network": tiny_network.model_dump(),
        "ingest": {"block_size": 4},
        "stage_two": {"steps": 4, "batch": 4, "crop": 64},
        "training": {"checkpoint_every": 1, "validate_every": 2, "health_every": 2},
    }


@pytest.fixture(scope="module")
def ingested(tmp_path_factory, sections):
    """A project with pairs and no model."""
    folder = tmp_path_factory.mktemp("ingested")
    write_sample(folder / "data/sample/synthetic", pairs=24, height=128, width=128, seed=0)
    ingest(parse_params(sections).ingest, root=folder)
    return folder


@pytest.fixture
def project(ingested, tmp_path, sections, monkeypatch):
    shutil.copytree(ingested, tmp_path, dirs_exist_ok=True)
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(sections))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def pin(project, sections):
    """Pin a champion that learnt from the first half of the training pairs."""
    network = parse_params(sections).network
    torch.manual_seed(1)
    save_model(project / "w.safetensors", build_model(network), network=network)
    pairs = read_manifest(MANIFEST_FILE)
    train = pairs.index[pairs["split"] == "train"]
    pairs.drop(train[len(train) // 2 :]).to_parquet(project / "before.parquet")
    digest = write_bundle(
        project / "bundle",
        weights=project / "w.safetensors",
        params={},
        metrics={},
        lineage={},
        manifest=project / "before.parquet",
        card="",
    )
    pin = Pin(
        name="fuser", version=3, bundle=digest, weights=sha256_file(project / "w.safetensors")
    )
    pinned_folder(pin).parent.mkdir(parents=True)
    (project / "bundle").rename(pinned_folder(pin))
    write_lock(ChampionLock(start=pin))
    return pin


def change(project, sections, **changes):
    (project / "params.yaml").write_text(yaml.safe_dump({**sections, **changes}))
    return parse_params({**sections, **changes})


@pytest.mark.usefixtures("project")
def test_find_start__nothing_pinned(sections):
    assert find_start(parse_params(sections)) is None


@pytest.mark.usefixtures("pin")
def test_find_start__from_scratch_on_request(project, sections):
    assert find_start(change(project, sections, stage_one={"start": "scratch"})) is None


@pytest.mark.usefixtures("pin")
def test_find_start__another_network_is_refused(project, sections):
    params = change(project, sections, network={**sections["network"], "prototypes": 8})
    with pytest.raises(ModelError, match=r"fuser version 3: .* set stage_one.start: scratch"):
        find_start(params)


def test_find_start__knows_what_the_champion_learnt_from(pin, sections):
    start = find_start(parse_params(sections))
    manifest = read_manifest(MANIFEST_FILE)
    train = list(manifest.loc[manifest["split"] == "train", "id"])
    assert start.pin == pin
    assert start.known_ids() == set(train[: len(train) // 2])


def test_stage_one__takes_the_champion_as_it_is(pin, caplog):
    caplog.set_level(logging.INFO, "ssvif")
    stage_one.main()
    assert sha256_file(stage_one.WEIGHTS) == pin.weights
    record = read_record(stage_one.RECORD)
    assert record.rows == []
    assert record.facts.tags[facts.START_TAG] == pin.bundle
    assert "goes on from fuser version 3" in caplog.text
    assert not (training.CHECKPOINTS).exists()


def test_stage_one__half_a_bundle_is_refused_before_anything_is_written(pin):
    (pinned_folder(pin) / "params.json").unlink()
    with pytest.raises(ModelError, match="not a whole model bundle"):
        stage_one.main()
    assert not stage_one.WEIGHTS.exists()


@pytest.mark.slow
@pytest.mark.usefixtures("pin")
def test_stage_two__replays_what_the_champion_knows(project, sections, caplog):
    caplog.set_level(logging.INFO, "ssvif")
    stage_one.main()
    stage_two.main()
    train = int((read_manifest(MANIFEST_FILE)["split"] == "train").sum())
    assert f"knows {train // 2}, and {train - train // 2} are new" in caplog.text
    mixed = stage_two.WEIGHTS.read_bytes()
    change(project, sections, stage_two={**sections["stage_two"], "replay": 0.0})
    stage_two.main()
    assert stage_two.WEIGHTS.read_bytes() != mixed


@pytest.fixture
def interrupt_at(monkeypatch):
    """Interrupt training at the steps of a list, once there are any."""
    draw, steps = stages.draw_views, []

    def drawn(pairs, *, step, replay=None, **options):
        if replay is not None and step in steps:
            raise KeyboardInterrupt
        return draw(pairs, step=step, replay=replay, **options)

    monkeypatch.setattr(stages, "draw_views", drawn)
    return steps


@pytest.mark.slow
@pytest.mark.usefixtures("pin")
def test_stage_two__interrupted_under_replay_it_resumes_to_the_same_weights(interrupt_at):
    outputs = (stage_two.WEIGHTS, stage_two.RECORD / "metrics.csv")
    stage_one.main()
    stage_two.main()
    undisturbed = [path.read_bytes() for path in outputs]
    interrupt_at.append(2)
    with pytest.raises(KeyboardInterrupt):
        stage_two.main()
    interrupt_at.clear()
    stage_two.main()
    assert [path.read_bytes() for path in outputs] == undisturbed


def test_open_checkpoints__another_start_has_checkpoints_of_its_own(project, pin, sections):
    params = parse_params(sections)
    folders = [training.open_checkpoints("stage_two", params).folder]
    write_lock(ChampionLock(start=pin.model_copy(update={"bundle": "0" * 64})))
    folders.append(training.open_checkpoints("stage_two", params).folder)
    write_lock(ChampionLock())
    folders.append(training.open_checkpoints("stage_two", params).folder)
    write_lock(ChampionLock(champion=pin))
    assert training.open_checkpoints("stage_two", params).folder == folders[-1]
    assert len(set(folders)) == 3
    assert json.loads((project / "data/champion.lock.json").read_text())["start"] is None
