"""The commands that look: at runs, landings, routes, results."""

from __future__ import annotations

from itertools import islice
from pathlib import Path
from typing import Annotated, Any

import typer

from landfall import results as publications
from landfall.cli import AsJson, Limit, RunId, app_of, cli, items, run_named
from landfall.connection import Told
from landfall.showing import as_json, say, table, tell
from landfall.waiting import Watch


@cli.command()
def runs(
    context: typer.Context,
    route: Annotated[str | None, typer.Option("--route")] = None,
    status: Annotated[str | None, typer.Option("--status")] = None,
    landing: Annotated[str | None, typer.Option("--landing", help="Its path, with or without the container.")] = None,
    since: Annotated[str | None, typer.Option("--since", help="ISO 8601.")] = None,
    limit: Limit = 50,
    json: AsJson = False,
) -> None:
    """Runs, newest first.

    Example: landfall runs --status failed --since 2026-03-01
    """
    asked = {"route": route, "status": status, "landing": landing, "since": since, "limit": str(min(limit, 1000))}
    found = list(islice(items(app_of(context).pages("runs", **asked)), limit))
    if json:
        return as_json(found)
    names = ("run_id", "status", "landing", "claimed", "job")
    return table(names, ((one["run_id"], one["status"], one.get("landing"), _claimed(one), _job(one)) for one in found))


@cli.command()
def show(context: typer.Context, run: RunId, json: AsJson = False) -> None:
    """One run: where it stands, its job, its results, its error.

    Example: landfall show digits-0123456789abcdef0123
    """
    found = run_named(context, run)
    if json:
        return as_json(found)
    publication, error = found["publication"] or {}, found["error"] or {}
    facts = {
        "run": found["run_id"],
        "status": found["status"],
        "route": found["route"],
        "landing": found["landing"],
        "files": found["snapshot"]["files"],
        "attempt": found["attempt"],
        "job": _job(found),
        "studio": found["studio_url"],
        "results": publication.get("url"),
        **{name: moment for name, moment in found["timings"].items() if moment},
        "repeated by": found.get("repeated_by"),
        "reason": error.get("reason"),
        "error": error.get("message"),
        "do": error.get("do"),
    }
    return table(("", ""), ((name, value) for name, value in facts.items() if value is not None))


@cli.command()
def logs(context: typer.Context, run: RunId, json: AsJson = False) -> None:
    """What the script of a run's job has logged; what went wrong comes first.

    Example: landfall logs digits-0123456789abcdef0123
    """
    found = app_of(context).get(f"runs/{run_named(context, run)['run_id']}/logs")
    if json:
        return as_json(found)
    if not found["logs"]:
        tell(f"Job {found['job']} has no logs, or none yet. {found['studio_url'] or ''}")
    for log in found["logs"]:
        tell(f"== {log['name']}")
        say(log["text"])
    return None


@cli.command()
def landings(
    context: typer.Context,
    route: Annotated[str | None, typer.Option("--route")] = None,
    state: Annotated[str | None, typer.Option("--state-of", metavar="STATE", help="waiting, paused, failed, …")] = None,
    limit: Limit = 200,
    json: AsJson = False,
) -> None:
    """Landings, the last that something happened to first.

    Example: landfall landings --state-of waiting
    """
    pages = app_of(context).pages("landings", route=route, state=state, limit=str(min(limit, 200)))
    found = list(islice((one for page in pages for one in page["landings"]), limit))
    if json:
        return as_json(found)
    rows = ((one["landing"], one["route"], one["state"], (one["run"] or {}).get("run_id")) for one in found)
    return table(("landing", "route", "state", "run"), rows)


@cli.command()
def explain(context: typer.Context, path: str, json: AsJson = False) -> None:
    """Why a file is scored, or is not.

    Example: landfall explain landing/digits/monday/0.png
    """
    found = app_of(context).get("explain", path=path)
    return as_json(found) if json else say(found["text"])


@cli.command()
def wait(
    context: typer.Context,
    run: Annotated[list[str] | None, typer.Argument(metavar="[RUN]...", help="Only for these.")] = None,
    timeout: Annotated[float | None, typer.Option("--timeout", metavar="S", help="Give up (exit 1).")] = None,
    json: AsJson = False,
) -> None:
    """Wait until no run is under way and no landing waits. Exit 2 if a run was not published, or a route is broken.

    Example: landfall wait --timeout 600
    """
    named = [run_named(context, one)["run_id"] for one in run or ()]
    watch = Watch(app_of(context), named, quiet=json)
    code = watch.until_done(timeout)
    if json:
        as_json(list(watch.ended.values()))
    raise typer.Exit(code)


@cli.command()
def routes(context: typer.Context, json: AsJson = False) -> None:
    """The routes, and what is wrong with those that cannot be used.

    Example: landfall routes
    """
    found = app_of(context).get("routes")
    if json:
        return as_json(found)
    for problem in found["problems"]:
        tell(f"Problem: {problem}")
    rows = ((one["route"], _state(one), one["landing"], one["endpoint"]) for one in found["routes"])
    return table(("route", "state", "landing", "endpoint"), rows)


@cli.command()
def doctor(
    context: typer.Context,
    route: Annotated[str | None, typer.Argument(metavar="[ROUTE]")] = None,
    submit: Annotated[bool, typer.Option("--submit", help="Also send a probe job; needs a route.")] = False,
    json: AsJson = False,
) -> None:
    """Try everything that the routes need. Needs the admin key; exit 2 if a check failed.

    Example: landfall doctor digits --submit
    """
    if submit and route is None:
        raise Told("A probe job is one of a route: landfall doctor ROUTE --submit.")
    found = app_of(context).post("doctor", {"route": route, "submit": submit or None})
    if json:
        as_json(found)
    else:
        rows = ((one["verdict"], one["name"], one.get("route"), one.get("message")) for one in found["checks"])
        table(("verdict", "check", "route", ""), rows)
    if any(one["verdict"] == "failed" for one in found["checks"]):
        raise typer.Exit(2)


@cli.command()
def results(
    context: typer.Context,
    run: RunId,
    to: Annotated[Path | None, typer.Option("--to", metavar="DIR", help="Download them there.")] = None,
    json: Annotated[bool, typer.Option("--json", help="The run's manifest.")] = False,
) -> None:
    """Print the results of a run, or download them; with your own identity (az login), not the app's.

    Example: landfall results digits-0123456789abcdef0123 --to results
    """
    found = run_named(context, run)
    with publications.container_of(app_of(context), found) as client:
        path = found["publication"]["path"]
        manifest = publications.manifest_of(client, path)
        if to is not None:
            for target, size in publications.download(client, path, manifest, to):
                (tell if json else say)(f"{target}  {size:,} bytes")
        if json:
            return as_json(manifest)
        if to is None:
            for name, text in publications.printed(client, path, manifest):
                if len(manifest["outputs"]) > 1:
                    tell(f"{name}:")
                say(text.rstrip("\n"))
        return None


@cli.command()
def check(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A routes.yaml.")],
    json: AsJson = False,
) -> None:
    """Say everything that is wrong with a routes file, and where. Asks no app; exit 2 if something is wrong.

    Example: landfall check routes.yaml
    """
    from landfall import checking  # needs the app's own rules, which no other command does

    found = checking.check(file)
    if unset := checking.unset_in(file):
        tell(f"Not set here, so not checked: {', '.join(unset)}")
    if json:
        as_json([{name: getattr(one, name) for name in one.__slots__} for one in found.findings])
    else:
        for one in found.findings:
            say(one.shown(file))
        tell(f"{found.usable} routes can be used; {len(found.findings)} things are wrong.")
    if found.findings:
        raise typer.Exit(2)


def _claimed(run: dict[str, Any]) -> str | None:
    return (run.get("timings") or {}).get("claimed")


def _job(run: dict[str, Any]) -> str | None:
    return (run.get("job") or {}).get("name")


def _state(route: dict[str, Any]) -> str:
    return "paused" if route["paused"] else "watched" if route["watched"] else "on request"
