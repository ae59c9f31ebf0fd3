"""The DVC stage `ingest`: captures to pairs, manifest and a look at both."""

import logging
from pathlib import Path

from ssvif import console
from ssvif.data.contact_sheet import draw_contact_sheet
from ssvif.data.ingest import QUARANTINE_FOLDER, Ingested, ingest
from ssvif.data.manifest import MANIFEST_FILE, PAIRS_FOLDER
from ssvif.data.summary import markdown, sentences, summarise
from ssvif.files import write_changed
from ssvif.params import load_params
from ssvif.tracking.run import track_stage

REPORTS = Path("reports/ingest")
RECORD = Path("runs/ingest")

_LOG = logging.getLogger(__name__)


def main() -> None:
    """Ingest what is in `data/captures/`, or else in `data/sample/`."""
    params = load_params()
    # The manifest names the pipeline in MLflow, so the run is made when it is written.
    with track_stage("ingest", params=params, record=RECORD, live=False) as run:
        ingested = ingest(params.ingest)
        _report(ingested)
        counts = {"pairs": len(ingested.manifest), "quarantined": len(ingested.rejections)}
        run.log(0, {f"ingest/{name}": count for name, count in counts.items()})


def _report(ingested: Ingested) -> None:
    table = summarise(ingested)
    for sentence in sentences(table):
        _LOG.info("%s", sentence)
    write_changed(REPORTS / "summary.csv", table.to_csv(index=False).encode())
    write_changed(REPORTS / "summary.md", markdown(table).encode())
    draw_contact_sheet(
        ingested.manifest,
        ingested.rejections,
        pairs=PAIRS_FOLDER,
        path=REPORTS / "contact_sheet.png",
    )
    _LOG.info(
        "%d pairs in %s; reasons of what was refused in %s",
        len(ingested.manifest),
        MANIFEST_FILE,
        QUARANTINE_FOLDER / "quarantine.jsonl",
    )


if __name__ == "__main__":
    console.run(main)
