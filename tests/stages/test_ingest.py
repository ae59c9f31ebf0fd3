import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from PIL import Image

from ssvif.data.captures import add_captures
from ssvif.data.ingest import ingest
from ssvif.params import IngestParams
from ssvif.stages.ingest import main

REPOSITORY = Path(__file__).resolve().parents[2]
SHARED = REPOSITORY.parent / "shared" / "data"


@pytest.fixture
def project(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "params.yaml").write_text("ingest:\n  min_size: 64\n")
    return tmp_path


def _save_pairs(folder, count):
    rng = np.random.default_rng(0)
    for half, shape in (("vis", (8, 12, 3)), ("ir", (8, 12))):
        (folder / half).mkdir(parents=True)
        for number in range(count):
            small = Image.fromarray(rng.integers(0, 255, shape, dtype=np.uint8))
            small.resize((96, 64)).save(folder / half / f"{number}.png")


def test_main__reports(project, caplog):
    caplog.set_level("INFO")
    _save_pairs(project / "data/captures/rig", 3)
    main()
    table = pd.read_csv(project / "reports/ingest/summary.csv")
    assert table.loc[0, "accepted"] == 3
    assert "| rig | 3 | 3 |" in (project / "reports/ingest/summary.md").read_text()
    assert (project / "reports/ingest/contact_sheet.png").exists()
    assert "rig: 3 of 3 pairs accepted" in caplog.text


def test_main__every_output_exists_without_labels(project):
    stages = yaml.safe_load((REPOSITORY / "dvc.yaml").read_text())["stages"]
    _save_pairs(project / "data/captures/rig", 3)
    main()
    outs = [next(iter(out)) for out in stages["ingest"]["outs"]]
    assert "data/labels" in outs
    assert [out for out in outs if not (project / out).exists()] == []


def test_main__as_a_command_without_captures(project):
    done = subprocess.run(
        [sys.executable, "-m", "ssvif.stages.ingest"],
        cwd=project,
        env={"PYTHONPATH": str(REPOSITORY), "PATH": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    [line] = done.stderr.splitlines()
    assert line.startswith("error: no captures")


@pytest.mark.skipif(not SHARED.is_dir(), reason="the real pairs are not beside the repository")
def test_ingest__real_pairs_are_all_accepted(tmp_path):
    for name in ("m3fd", "tno", "roadscene/test"):
        add_captures(SHARED / name, inbox=tmp_path / "data/captures")
    for half in ("vi", "ir"):
        target = tmp_path / "data/captures/msrs" / half
        target.mkdir(parents=True)
        for path in sorted((SHARED / "msrs/test" / half).iterdir())[:20]:
            shutil.copy(path, target)
    ingested = ingest(IngestParams(), root=tmp_path)
    assert [r.sentence for r in ingested.rejections] == []
    manifest = ingested.manifest
    assert len(manifest) == 6 + 21 + 25 + 20
    assert set(manifest.loc[manifest["set"] == "roadscene", "split"]) == {"test"}
    street = manifest[manifest["set"] == "msrs"]
    assert (street["name"].str[-1].map({"N": "night", "D": "day"}) == street["light"]).mean() > 0.9
