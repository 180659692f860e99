"""The commands. Each answers on stdout; what goes wrong is one sentence on stderr, and exit code 2."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Annotated, Any

import typer

from landfall import results as publications
from landfall.connection import KEY, URL, App, Told
from landfall.showing import as_json, say, table, tell
from landfall.waiting import Watch

cli = typer.Typer(
    help="Runs and landings of a Landfall app, deployed or on the local cloud.",
    epilog=f"Which app: --app and --key, or {URL} and {KEY}, or the local cloud on --state.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    rich_markup_mode=None,
)
AsJson = Annotated[bool, typer.Option("--json", help="The API's own answer.")]
Reason = Annotated[str | None, typer.Option("--reason", help="Why, for the record.")]
Wait = Annotated[bool, typer.Option("--wait", help="Wait until the run has ended.")]
Limit = Annotated[int, typer.Option("--limit", min=1, help="So many at the most.")]
RunId = Annotated[str, typer.Argument(metavar="RUN", help="A run's id, or the only run's beginning of it.")]
RouteName = Annotated[str, typer.Argument(metavar="ROUTE")]


@cli.callback()
def connect(
    context: typer.Context,
    app: Annotated[str | None, typer.Option("--app", metavar="URL", help=f"The app's address; or {URL}.")] = None,
    key: Annotated[str | None, typer.Option("--key", help=f"A key of the app; better {KEY}.")] = None,
    state: Annotated[Path, typer.Option("--state", metavar="DIR", help="Of the local cloud.")] = Path(".local"),
) -> None:
    context.obj = lambda: App.of(app, key, state)  # once it is needed: --help needs none


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
    found = list(islice(_items(_app(context).pages("runs", **asked)), limit))
    if json:
        return as_json(found)
    names = ("run_id", "status", "landing", "claimed", "job")
    return table(names, ((one["run_id"], one["status"], one.get("landing"), _claimed(one), _job(one)) for one in found))


@cli.command()
def show(context: typer.Context, run: RunId, json: AsJson = False) -> None:
    """One run: where it stands, its job, its results, its error.

    Example: landfall show digits-0123456789abcdef0123
    """
    found = _run(context, run)
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
    pages = _app(context).pages("landings", route=route, state=state, limit=str(min(limit, 200)))
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
    found = _app(context).get("explain", path=path)
    return as_json(found) if json else say(found["text"])


@cli.command()
def wait(
    context: typer.Context,
    run: Annotated[list[str] | None, typer.Argument(metavar="[RUN]...", help="Only for these.")] = None,
    timeout: Annotated[float | None, typer.Option("--timeout", metavar="S", help="Give up (exit 1).")] = None,
) -> None:
    """Wait until no run is under way and no landing waits. Exit 2 if a run was not published, or a route is broken.

    Example: landfall wait --timeout 600
    """
    named = [_run(context, one)["run_id"] for one in run or ()]
    raise typer.Exit(Watch(_app(context), named).until_done(timeout))


@cli.command()
def cancel(context: typer.Context, run: RunId, reason: Reason = None, wait: Wait = False, json: AsJson = False) -> None:
    """End a run, with or without a job.

    Example: landfall cancel digits-0123456789abcdef0123 --reason "wrong files"
    """
    _act(context, run, "cancel", reason, wait=wait, json=json)


@cli.command()
def replay(context: typer.Context, run: RunId, reason: Reason = None, wait: Wait = False, json: AsJson = False) -> None:
    """Score the content of a run that failed, was canceled or superseded once more.

    Example: landfall replay digits-0123456789abcdef0123 --wait
    """
    _act(context, run, "replay", reason, wait=wait, json=json)


@cli.command()
def rescore(
    context: typer.Context, run: RunId, reason: Reason = None, wait: Wait = False, json: AsJson = False
) -> None:
    """Score the content of a published run once more.

    Example: landfall rescore digits-0123456789abcdef0123 --reason "model 7"
    """
    _act(context, run, "rescore", reason, wait=wait, json=json)


@cli.command()
def routes(context: typer.Context, json: AsJson = False) -> None:
    """The routes, and what is wrong with those that cannot be used.

    Example: landfall routes
    """
    found = _app(context).get("routes")
    if json:
        return as_json(found)
    for problem in found["problems"]:
        tell(f"Problem: {problem}")
    rows = ((one["route"], _state(one), one["landing"], one["endpoint"]) for one in found["routes"])
    return table(("route", "state", "landing", "endpoint"), rows)


@cli.command()
def pause(context: typer.Context, route: RouteName, reason: Reason = None, json: AsJson = False) -> None:
    """Begin no runs of a route until it is resumed; nothing is lost.

    Example: landfall pause digits --reason "the endpoint is being rebuilt"
    """
    found = _app(context).post(f"routes/{_segment(route)}/pause", {"reason": reason})
    return as_json(found) if json else say(f"{found['route']} is paused since {found['paused']['at']}.")


@cli.command()
def resume(context: typer.Context, route: RouteName, reason: Reason = None, json: AsJson = False) -> None:
    """Have a paused route go on, and look at what has come meanwhile.

    Example: landfall resume digits
    """
    found = _app(context).post(f"routes/{_segment(route)}/resume", {"reason": reason})
    return as_json(found) if json else say(f"{found['route']} goes on; {found['begun']} landings are looked at.")


@cli.command()
def refresh(
    context: typer.Context,
    route: Annotated[str | None, typer.Argument(metavar="[ROUTE]")] = None,
    landing: Annotated[str | None, typer.Argument(metavar="[LANDING]")] = None,
    reason: Reason = None,
    json: AsJson = False,
) -> None:
    """Look now: at one landing of a route, or at all that no run is known of.

    Example: landfall refresh digits digits/monday
    """
    found = _app(context).post("landings/refresh", {"route": route, "landing": landing, "reason": reason})
    if json:
        return as_json(found)
    return table(("landing", "route"), ((one["landing"], one["route"]) for one in found["landings"]))


@cli.command()
def backfill(
    context: typer.Context,
    route: RouteName,
    prefix: Annotated[str | None, typer.Option("--prefix", help="The beginning of the landings' paths.")] = None,
    since: Annotated[str | None, typer.Option("--from", help="Newest file written then or later; ISO 8601.")] = None,
    until: Annotated[str | None, typer.Option("--to", help="Newest file written before.")] = None,
    reason: Reason = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be scored.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    json: AsJson = False,
) -> None:
    """Score landings that were there before their route was. Says what that would be, and asks, first.

    Example: landfall backfill digits --prefix digits/2025- --dry-run
    """
    app, asked = _app(context), {"route": route, "prefix": prefix, "from": since, "to": until, "reason": reason}
    plan = app.post("backfill", {**asked, "dry_run": True})
    if dry_run:
        return as_json(plan) if json else _planned(plan)
    if not json:
        _planned(plan)
    if not yes:
        if not sys.stdin.isatty():
            raise Told("Nobody can be asked here; say --yes, or --dry-run.")
        if plan["landings"] == 0 or not typer.confirm("Score them?"):
            return None
    begun, left = 0, plan["landings"]
    while left:
        done = app.post("backfill", {**asked, "limit": 500})
        begun, left = begun + done["landings"], done["left"] if done["landings"] else 0
    return as_json({**plan, "dry_run": False, "landings": begun}) if json else say(f"{begun} runs were begun.")


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
    found = _app(context).post("doctor", {"route": route, "submit": submit or None})
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
) -> None:
    """Print the results of a run, or download them; with your own identity (az login), not the app's.

    Example: landfall results digits-0123456789abcdef0123 --to results
    """
    found = _run(context, run)
    with publications.container_of(_app(context), found) as client:
        path = found["publication"]["path"]
        manifest = publications.manifest_of(client, path)
        if to is None:
            for name, text in publications.printed(client, path, manifest):
                if len(manifest["outputs"]) > 1:
                    tell(f"{name}:")
                say(text.rstrip("\n"))
            return
        for target, size in publications.download(client, path, manifest, to):
            say(f"{target}  {size:,} bytes")


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


def _act(context: typer.Context, run: str, act: str, reason: str | None, *, wait: bool, json: bool) -> None:
    app = _app(context)
    found = app.post(f"runs/{_run(context, run)['run_id']}/{act}", {"reason": reason})
    if json:
        as_json(found)
    else:
        say(f"{found['run_id']} {found['status']}")
    if wait:
        code = Watch(app, [found["run_id"]]).until_done(None)
        raise typer.Exit(0 if act == "cancel" else code)


def _planned(plan: dict[str, Any]) -> None:
    skipped = ", ".join(f"{number} {why}" for why, number in plan["skipped"].items())
    table(("landing", "files", "bytes"), ((one["landing"], one["files"], one["bytes"]) for one in plan["list"]))
    counted = f"{plan['landings']} landings, {plan['files']} files, {plan['bytes']:,} bytes, {plan['jobs']} jobs"
    tell(f"{counted}; left out: {skipped}")


def _run(context: typer.Context, run: str) -> dict[str, Any]:
    """The run with that id, or the only one whose id begins so."""
    app = _app(context)
    if len(run.rpartition("-")[2]) == 20:
        found: dict[str, Any] = app.get(f"runs/{_segment(run)}")
        return found
    begin = [one["run_id"] for one in islice(_items(app.pages("runs", limit="1000")), 1000)]
    matches = [run_id for run_id in begin if run_id.startswith(run)]
    if len(matches) != 1:
        told = (
            f"begins the ids of {len(matches)} runs"
            if matches
            else "is no run, nor the beginning of one of the last 1000"
        )
        raise Told(f"{run!r} {told}.")
    return dict(app.get(f"runs/{matches[0]}"))


def _segment(text: str) -> str:
    """One segment of a path, and nothing else."""
    if not text or not all(letter.isascii() and (letter.isalnum() or letter in "-_") for letter in text):
        raise Told(f"{text!r} is no name of a run or route.")
    return text


def _items(pages: Iterator[Any]) -> Iterator[dict[str, Any]]:
    return (one for page in pages for one in page)


def _claimed(run: dict[str, Any]) -> str | None:
    return (run.get("timings") or {}).get("claimed")


def _job(run: dict[str, Any]) -> str | None:
    return (run.get("job") or {}).get("name")


def _state(route: dict[str, Any]) -> str:
    return "paused" if route["paused"] else "watched" if route["watched"] else "on request"


def _app(context: typer.Context) -> App:
    find: Callable[[], App] = context.obj
    return find()


def main(arguments: Sequence[str]) -> int:
    """The exit code."""
    try:
        cli(list(arguments), prog_name="landfall")
    except Told as told:
        tell(told)
        return 2
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 0
    return 0
