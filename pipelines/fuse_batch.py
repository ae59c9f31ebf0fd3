"""`python -m pipelines.fuse_batch FOLDER`: fuses a whole delivery with the champion."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from prefect import flow, get_run_logger, task
from prefect.artifacts import create_markdown_artifact
from prefect.states import Failed

from pipelines.server import server_at_hand
from ssvif import console
from ssvif.cli.fuse import EXIT_SOME_FAILED
from ssvif.params import load_params
from ssvif.retraining.remote import local_drop
from ssvif.retraining.summary import fused_markdown

if TYPE_CHECKING:
    from prefect import State

    from ssvif.fuse.files import Fused


class PairsFailedError(Exception):
    """Some pairs of a delivery could not be fused; the others are."""


@task(name="fuse", task_run_name="fuse {folder} into {out}")
def fuse(folder: Path, out: Path, ray: str | None) -> "Fused":
    """Fuse all pairs of a delivery that are not fused yet."""
    # Here, lest the process that serves all flows carries torch.
    from ssvif.retraining.batch import fuse_delivery

    return fuse_delivery(folder, out, ray=ray)


@flow(name="fuse-batch", flow_run_name="fuse {delivery}", validate_parameters=False)
def fuse_batch(delivery: str, out: str = "", ray: str = "") -> "State[Any] | None":
    """Fuse a whole delivery with the champion; what is fused already is passed over.

    Args:
        delivery: Its name in the drop folder (of a bucket's, the copy), or any folder of captures.
        out: A folder for the fused images; by default `fused/` and the delivery's name.
        ray: Address of a Ray cluster whose machines fuse: `auto`, `HOST:PORT` of its head, or
            `local`; by default this process does.
    """
    named = local_drop(load_params().retraining.drop) / delivery
    folder = named if named.is_dir() else Path(delivery)
    done = fuse(folder, Path(out) if out else Path("fused") / folder.name, ray or None)
    log = get_run_logger()
    log.info(done.sentence)
    for path, reason in done.failed.items():
        log.error("failed: %s: %s", path, reason)
    create_markdown_artifact(fused_markdown(done), key="fused", description=done.sentence)
    if done.failed:
        return Failed(message=done.sentence, data=PairsFailedError(done.sentence))
    return None


def main(
    delivery: Annotated[str, typer.Argument(help="Name of a delivery, or a folder of captures.")],
    out: Annotated[str, typer.Option("--out", "-o", help="Folder for the fused images.")] = "",
    ray: Annotated[
        str, typer.Option(metavar="ADDRESS", help="Of a Ray cluster; see `ssvif fuse --help`.")
    ] = "",
) -> None:
    """Fuse a whole delivery with the champion.

    Exit codes: 0 all fused, 2 refused, or the disk is full, 3 some pairs failed and are named.
    """
    try:
        with server_at_hand():
            fuse_batch(delivery, out, ray)
    except PairsFailedError as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(EXIT_SOME_FAILED) from None


if __name__ == "__main__":
    console.run(lambda: typer.run(main))
