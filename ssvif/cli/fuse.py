"""`ssvif fuse`: fuses files, folders, patterns, lists, or a delivery as it is."""

import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ssvif.cli.options import DeviceOption, EngineOption, PrecisionOption
from ssvif.fuse.choices import Colour
from ssvif.fuse.views import FUSED, View

if TYPE_CHECKING:
    from ssvif.fuse.files import Fused, Tell
    from ssvif.fuse.segmenter import Segmenter
    from ssvif.fuse.video.fuse import FusedVideo

EXIT_SOME_FAILED = 3
STDIN = STDOUT = Path("-")
_USUAL_RATE = 25.0


def fuse(
    out: Annotated[
        Path,
        typer.Option(
            "--out",
            "-o",
            help="PNG to write, or a folder; of videos and folders an .mp4, an .mkv, or - for raw "
            "frames.",
        ),
    ],
    vis: Annotated[
        str | None,
        typer.Argument(
            help="Visible image, a folder of them, a pattern such as 'a/*_vi.png'; or a video, "
            "/dev/videoN, rtsp://...: see docs/fusing.md."
        ),
    ] = None,
    ir: Annotated[str | None, typer.Argument(help="Infrared, in the same way.")] = None,
    captures: Annotated[
        Path | None,
        typer.Option(help="A delivery in any layout, instead of VIS and IR; see docs/captures.md."),
    ] = None,
    listed: Annotated[
        Path | None,
        typer.Option(
            "--list",
            help="A list of pairs instead of VIS and IR, one a line: VIS, IR and perhaps a name, "
            "by tabs; - reads it from standard input.",
        ),
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(
            help="Weights file, bundle folder, models:/NAME@ALIAS, or pretrained, which comes with "
            "the package; else the champion, and pretrained where there is none."
        ),
    ] = None,
    view: Annotated[
        View,
        typer.Option(
            help="fused, for people; machine, for a segmenter: three channels of free colour."
        ),
    ] = FUSED,
    ir_range: Annotated[
        tuple[float, float] | None,
        typer.Option(help="Raw infrared values of black and white, for more than 8 bits."),
    ] = None,
    engine: EngineOption = None,
    device: DeviceOption = "cpu",
    precision: PrecisionOption = "float32",
    colour: Annotated[
        Colour,
        typer.Option(
            help="visible: the visible image's colours; grey; heat: with what is warm laid over."
        ),
    ] = "visible",
    align: Annotated[
        Path | None,
        typer.Option(help="JSON of a homography from infrared to visible pixels; docs/fusing.md."),
    ] = None,
    segment: Annotated[
        bool,
        typer.Option(
            "--segment",
            help="Write the pixel-level segmentation beside each image, as NAME.segments.png; "
            "needs a model that training made, not the package's.",
        ),
    ] = False,
    ray: Annotated[
        str | None,
        typer.Option(
            metavar="ADDRESS",
            help="Fuse images on the machines of a Ray cluster: auto, HOST:PORT of its head, or "
            "local for a process a core of this machine; docs/fusing.md, needs ssvif\\[ray].",
        ),
    ] = None,
    max_frames: Annotated[
        int | None, typer.Option(min=1, help="The most frames of a video that are fused.")
    ] = None,
    rate: Annotated[
        float | None,
        typer.Option(
            min=0.01, max=1000.0, help="Frames a second of a video made of images, else 25."
        ),
    ] = None,
) -> None:
    """Fuse registered pairs of any size; the fused image keeps the visible one's colour.

    What is fused already, of the same files, model and view, is passed over.

    Exit codes: 0 all fused, 2 refused, or the disk is full, 3 some pairs failed and are named.
    """
    from ssvif.cli.names import model_path
    from ssvif.errors import CapturesError
    from ssvif.fuse.alignment import read_alignment
    from ssvif.fuse.cluster import fuse_on_cluster
    from ssvif.fuse.files import delivery_pairs, fuse_files
    from ssvif.fuse.pair import Manner
    from ssvif.fuse.pairing import pair_files, pair_list
    from ssvif.fuse.places import PRETRAINED, model_in_use
    from ssvif.fuse.recipe import Recipe
    from ssvif.fuse.video.sources import WRITTEN, find_videos, require_pyav

    if [vis is not None, captures is not None, listed is not None].count(True) != 1 or (
        (vis is None) != (ir is None)
    ):
        raise CapturesError(
            "expected VIS and IR, --captures FOLDER or --list FILE; see `ssvif fuse --help`"
        )
    if view != FUSED and colour != "visible":
        raise CapturesError(f"--colour {colour}: for --view fused; {view} has colours of its own")
    videos = find_videos(vis, ir)
    single = vis is not None and Path(vis).is_file()
    filmed = out == STDOUT or out.suffix.lower() in WRITTEN
    sequence = filmed and videos is None and not single
    if sequence:
        require_pyav()
    if single and videos is None and out == STDOUT:
        raise CapturesError("-o - is for videos; of two images name a PNG, or a folder")
    if max_frames is not None and videos is None and not sequence:
        raise CapturesError("--max-frames is for videos; give two of them as VIS and IR")
    if rate is not None and not sequence:
        raise CapturesError(
            "--rate is for a video made of images; give folders, a pattern, a list or a delivery, "
            "and an output that ends in .mp4 or .mkv, or -"
        )
    if segment and (videos or sequence):
        raise CapturesError("--segment is for images; write the video's frames to a folder first")
    if ray is not None and (videos or sequence):
        raise CapturesError("--ray is for images; a video is fused by one machine")
    place = model_in_use() if model is None else model_path(model)
    manner = Manner(
        ir_range=ir_range,
        colour=colour,
        alignment=read_alignment(align) if align else None,
        segmenter=_segmenter(place) if segment else None,
    )
    recipe = Recipe(None if place == PRETRAINED else place, view, engine, device, precision)
    with _progress() as tell, _interrupts(out, film=bool(videos or sequence)):
        done: Fused | FusedVideo
        if videos:
            from ssvif.fuse.video.fuse import fuse_videos

            done = fuse_videos(
                recipe.load(), *videos, out, manner=manner, max_frames=max_frames, tell=tell
            )
        else:
            # A video's frames are no files; where they would lie is looked at all the same.
            frames = Path(f"{out}.frames") if sequence else out
            if captures is not None:
                pairs, manner = delivery_pairs(captures, frames, manner=manner)
            elif vis is not None and ir is not None:
                pairs = pair_files(Path(vis), Path(ir), frames)
            else:
                pairs = pair_list(_lines(listed), frames)
            if sequence:
                from ssvif.fuse.video.sequence import fuse_sequence

                done = fuse_sequence(
                    recipe.load(),
                    pairs,
                    out,
                    rate=rate or _USUAL_RATE,
                    manner=manner,
                    max_frames=max_frames,
                    tell=tell,
                )
            elif ray is not None:
                done = fuse_on_cluster(ray, recipe, pairs, manner=manner, tell=tell)
            else:
                done = fuse_files(recipe.load(), pairs, manner=manner, tell=tell)
    name = "the package's model" if place == PRETRAINED else place
    typer.echo(f"{done.sentence} with {name}: {out}", err=out == STDOUT)
    for path, reason in done.failed.items():
        told = reason.removeprefix(f"{path}: ")  # what cannot be read names itself
        typer.echo(f"failed: {path}: {told}", err=True)
    if done.failed:
        raise typer.Exit(EXIT_SOME_FAILED)


def _segmenter(place: Path) -> "Segmenter":
    # Imports torch and timm, which fusing alone does without.
    from ssvif.fuse.segmenter import Segmenter

    return Segmenter.load(place)


@contextmanager
def _progress() -> Iterator["Tell"]:
    """Show a bar where somebody watches and there is more than one pair."""
    from tqdm import tqdm

    with tqdm(unit="pair", disable=None, leave=False, delay=1.0) as bar:

        def tell(done: int, total: int) -> None:
            bar.total = total
            bar.update(done - bar.n)

        yield tell


@contextmanager
def _interrupts(out: Path, *, film: bool) -> Iterator[None]:
    """Say what an interrupt leaves of a video, which cannot go on as images can."""
    from ssvif.errors import InterruptError
    from ssvif.fuse.video.sources import WRITTEN

    try:
        yield
    except KeyboardInterrupt:
        if not film:
            raise
        if out == STDOUT or out.suffix.lower() in WRITTEN:
            raise InterruptError("run the same command again; a video begins anew") from None
        raise InterruptError(
            f"{out} keeps the frames so far; remove them, or name another folder, to begin anew"
        ) from None


def _lines(listed: Path | None) -> Iterable[str]:
    from ssvif.errors import CapturesError

    if listed is None or listed == STDIN:
        return sys.stdin
    try:
        # Only these end a line: a name may hold what Unicode calls one, too.
        return listed.read_text(encoding="utf-8").split("\n")
    except (OSError, ValueError) as error:
        raise CapturesError(f"{listed}: not readable as a list of pairs ({error})") from error
