"""`python -m pipelines.fuse_batch FOLDER`: fuses a whole delivery with the champion."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from prefect import flow, get_run_logger, task
from prefect.artifacts import create_markdown_artifact

from pipelines.server import server_at_hand
from ssvif import console
from ssvif.params import load_params
from ssvif.retraining.remote import local_drop
from ssvif.retraining.summary import fused_markdown

if TYPE_CHECKING:
    from ssvif.fuse.files import Fused


@task(name="fuse", task_run_name="fuse {folder} into {out}")
def fuse(folder: Path, out: Path, ray: str | None) -> "Fused":
    """Fuse all pairs of a delivery that are not fused yet."""
    # Here, lest the process that serves all flows carries torch.
    from ssvif.retraining.batch import fuse_delivery

    return fuse_delivery(folder, out, ray=ray)


@flow(name="fuse-batch", flow_run_name="fuse {delivery}", validate_parameters=False)
def fuse_batch(delivery: str, out: str = "", ray: str = "") -> None:
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
    get_run_logger().info(done.sentence)
    create_markdown_artifact(fused_markdown(done), key="fused", description=done.sentence)


def main(
    delivery: Annotated[str, typer.Argument(help="Name of a delivery, or a folder of captures.")],
    out: Annotated[str, typer.Option("--out", "-o", help="Folder for the fused images.")] = "",
    ray: Annotated[
        str, typer.Option(metavar="ADDRESS", help="Of a Ray cluster; see `ssvif fuse --help`.")
    ] = "",
) -> None:
    """Fuse a whole delivery with the champion."""
    with server_at_hand():
        fuse_batch(delivery, out, ray)


if __name__ == "__main__":
    console.run(lambda: typer.run(main))
