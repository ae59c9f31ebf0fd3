"""`ssvif lineage`: from an image or a model to its data, and from a pair to its models."""

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated

import typer

from ssvif import __version__

if TYPE_CHECKING:
    from ssvif.registry.forget import Sightings
    from ssvif.registry.lineage import Origin, Packaged


def lineage(
    target: Annotated[
        str | None,
        typer.Argument(
            help="A fused PNG, a weights file, a bundle's folder, the number of a version, or "
            "champion, challenger, previous; else the champion."
        ),
    ] = None,
    pairs: Annotated[bool, typer.Option("--pairs", help="List the pairs it saw.")] = False,
    pair: Annotated[
        str | None, typer.Option(help="List the versions that saw this pair: SET/NAME or its id.")
    ] = None,
    exclude: Annotated[
        str | None, typer.Option(help="Say what must go if this pair is to be forgotten.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON, for programs.")] = False,
) -> None:
    """Show what a model or a fused image was made from, or who saw a pair.

    `--exclude` changes nothing: it lists the versions whose weights depend on the pair, and how to
    make one that does not.
    """
    from ssvif.cli.places import registry_place
    from ssvif.errors import RegistryError
    from ssvif.registry.forget import find_sightings
    from ssvif.registry.lineage import find_packaged, trace, trace_all

    if sum(choice is not None for choice in (target, pair, exclude)) > 1:
        raise RegistryError("expected one of TARGET, --pair and --exclude")
    if target is not None and (packaged := find_packaged(target)):
        _say_packaged(packaged, as_json=as_json)
        return
    name = registry_place()["name"]
    wanted = pair or exclude
    if wanted is not None:
        sightings = find_sightings(wanted, trace_all(name=name))
        _say_sightings(sightings, as_json=as_json, exclude=exclude is not None)
        return
    origin = trace(target or "champion", name=name)
    if as_json:
        listed = {"rows": origin.pairs().to_dict("records")} if pairs else {}
        typer.echo(json.dumps({**origin.as_dict(), **listed}, indent=2))
        return
    _say(origin)
    if pairs:
        for split, rows in origin.pairs().groupby("split"):
            typer.echo(f"\n{split}, {len(rows)} pairs")
            for row in rows.itertuples():
                typer.echo(f"  {row.id}  {row.set}/{row.name}")


def _say(origin: "Origin") -> None:
    aliases = f" ({', '.join(origin.aliases)})" if origin.aliases else ""
    typer.echo(f"{origin.name} version {origin.version}{aliases}")
    facts = origin.facts
    dirty = " with changes that were not committed" if facts.get("git_dirty") == "true" else ""
    lines = {
        "sources": _sources(origin.sources),
        "weights": origin.weights[:12],
        "bundle": origin.bundle[:12],
        "same weights": ", ".join(f"version {number}" for number in origin.twins),
        "run": origin.run_id or "none in this store; `ssvif sync` restores runs",
        "commit": f"{facts.get('git_commit', '')[:12]}{dirty}",
        "retraining": origin.retraining and f"retrain/{origin.retraining}",
        "went on from": origin.parent and f"version {origin.parent}",
        "data": f"manifest {facts.get('manifest', '')[:12]}: {_counts(facts.get('pairs', {}))}",
        "parameters": _short(origin.params),
    }
    _say_lines(lines)


def _say_packaged(packaged: "Packaged", *, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps({"ssvif": __version__, **packaged.__dict__}, indent=2))
        return
    typer.echo(f"the model that comes with ssvif {__version__}; its MODEL_CARD.md tells of it")
    _say_lines({"sources": _sources(packaged.sources), "weights": packaged.weights[:12]})


def _sources(hashes: tuple[str, str] | None) -> str | None:
    return f"vis {hashes[0][:12]}, ir {hashes[1][:12]}" if hashes else None


def _say_lines(lines: Mapping[str, object]) -> None:
    for key, value in lines.items():
        if value:
            typer.echo(f"  {key:<13} {value}")


def _counts(pairs: dict[str, dict[str, int]]) -> str:
    sets = (
        f"{name} ({', '.join(f'{count} {split}' for split, count in sorted(splits.items()))})"
        for name, splits in sorted(pairs.items())
    )
    return "; ".join(sets)


def _short(params: "dict[str, object] | object") -> str:
    """Return what people ask for first; `--json` has the rest."""
    found = params if isinstance(params, dict) else {}
    parts = [f"seed {found['seed']}"] if "seed" in found else []
    for stage in ("stage_one", "warm_up", "stage_two"):
        section = found.get(stage)
        if isinstance(section, dict) and "steps" in section:
            parts.append(f"{stage} {section['steps']} steps")
    return ", ".join(parts)


def _say_sightings(found: "Sightings", *, as_json: bool, exclude: bool) -> None:
    if as_json:
        versions = [{**seen.__dict__, "must_go": seen.must_go} for seen in found.seen]
        content = {"pair": found.pair, "ids": found.ids, "versions": versions}
        typer.echo(json.dumps({**content, "silent": found.silent}, indent=2))
        return
    typer.echo(f"{found.pair} (id {', '.join(found.ids)})")
    for seen in found.seen:
        mark = "  must be retrained" if exclude and seen.must_go else ""
        typer.echo(f"  {seen.sentence}{mark}")
    for version in found.silent:
        typer.echo(
            f"  version {version}: does not say all it saw: it is of an earlier release, its files "
            "are gone, or it goes on from such a version or one that is not registered any more"
        )
    if exclude:
        typer.echo(
            f"to forget it: add {found.pair!r} to ingest.exclude in params.yaml, commit, and run "
            "`python -m pipelines.retrain --from-scratch` (a warm start would inherit it); once a "
            "version without it leads, delete the marked versions from the registry"
        )
