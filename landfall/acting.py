"""The commands that act: on runs, routes and landings. Each can be given again without harm."""

from __future__ import annotations

import sys
from typing import Annotated, Any

import typer

from landfall.cli import AsJson, Reason, RouteName, RunId, Wait, app_of, cli, run_named, segment
from landfall.connection import Told
from landfall.showing import as_json, say, table, tell
from landfall.waiting import Watch


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
def pause(context: typer.Context, route: RouteName, reason: Reason = None, json: AsJson = False) -> None:
    """Begin no runs of a route until it is resumed; nothing is lost.

    Example: landfall pause digits --reason "the endpoint is being rebuilt"
    """
    found = app_of(context).post(f"routes/{segment(route)}/pause", {"reason": reason})
    return as_json(found) if json else say(f"{found['route']} is paused since {found['paused']['at']}.")


@cli.command()
def resume(context: typer.Context, route: RouteName, reason: Reason = None, json: AsJson = False) -> None:
    """Have a paused route go on, and look at what has come meanwhile.

    Example: landfall resume digits
    """
    found = app_of(context).post(f"routes/{segment(route)}/resume", {"reason": reason})
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
    found = app_of(context).post("landings/refresh", {"route": route, "landing": landing, "reason": reason})
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
    app, asked = app_of(context), {"route": route, "prefix": prefix, "from": since, "to": until, "reason": reason}
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


def _act(context: typer.Context, run: str, act: str, reason: str | None, *, wait: bool, json: bool) -> None:
    app = app_of(context)
    found = app.post(f"runs/{run_named(context, run)['run_id']}/{act}", {"reason": reason})
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
