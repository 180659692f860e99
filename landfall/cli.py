"""What all commands have in common: which app is asked, how a run is named, and how trouble ends."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Annotated, Any

import typer

from landfall.connection import KEY, URL, App, Told
from landfall.showing import tell

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


def app_of(context: typer.Context) -> App:
    find: Callable[[], App] = context.obj
    return find()


def run_named(context: typer.Context, run: str) -> dict[str, Any]:
    """The run with that id, or the only one whose id begins so."""
    app = app_of(context)
    if len(run.rpartition("-")[2]) == 20:
        found: dict[str, Any] = app.get(f"runs/{segment(run)}")
        return found
    begin = [one["run_id"] for one in islice(items(app.pages("runs", limit="1000")), 1000)]
    matches = [run_id for run_id in begin if run_id.startswith(run)]
    if len(matches) != 1:
        some = f"{', '.join(matches[:3])}{', …' if len(matches) > 3 else ''}"  # the newest come first
        told = (
            f"begins the ids of {len(matches)} runs; name one: {some}"
            if matches
            else "is no run, nor the beginning of one of the last 1000"
        )
        raise Told(f"{run!r} {told}.")
    return dict(app.get(f"runs/{matches[0]}"))


def segment(text: str) -> str:
    """One segment of a path, and nothing else."""
    if not text or not all(letter.isascii() and (letter.isalnum() or letter in "-_") for letter in text):
        raise Told(f"{text!r} is no name of a run or route.")
    return text


def items(pages: Iterator[Any]) -> Iterator[dict[str, Any]]:
    return (one for page in pages for one in page)


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
