"""The status page, as HTML: each part by itself, so that a refresh replaces what has changed and nothing else."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlencode

from shared.core.card import State
from shared.core.explanation import waits_for
from shared.core.identity import REPEATABLE
from shared.core.markup import Markup, element, joined
from shared.core.overall import Concern, Place, Standings, concerns, counted, seconds_of, timeline, usual_seconds
from shared.core.pause import told_of
from shared.core.route import Route
from shared.core.run import Run, Status

BARS = 20
"""Runs that a chart shows."""
BAR, HEIGHT = 6, 28
"""Pixels: the width of a bar with its gap, and the height of the longest one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """How the page was asked for. `code`: the key that was part of its URL, which its links carry on. `nonce`: what the
    browser recognises the page's own script and style by."""

    nonce: str
    style: str
    script: str
    code: str | None = None

    def link(self, **params: str) -> str:
        given = {**params, **({"code": self.code} if self.code else {})}
        return f"status?{urlencode(given)}" if given else "status"


def overall(found: Standings, look: Look) -> str:
    """The page of everything."""
    return _document(
        look,
        "Landfall",
        _part("attention", "Needs attention", _attention(list(concerns(found)), look)),
        _part("routes", "Routes", _routes(found)),
        _part("waiting", "Waiting", _waiting(found)),
        _part("under-way", "Under way", _under_way(found, look)),
        _part("runs", "Last runs", _runs(found.runs, found.now, look)),
    )


def one_run(run: Run, now: datetime, look: Look) -> str:
    """The page of one run."""
    facts = [
        ("Route", run.route),
        ("Landing", f"{run.spec.landing.container.name}/{run.landing}"),
        ("Status", _status(run)),
        ("Took", _spell(seconds_of(run, now))),
        ("Job", _outside(run.job.studio_url, run.job.name) if run.job is not None else "none"),
        ("Results", _results(run)),
    ]
    listed = joined(*(joined(element("dt", name), element("dd", value)) for name, value in facts))
    steps = [
        element("li", _time(step.at), " ", element("strong", step.what), f": {step.detail}" if step.detail else None)
        for step in timeline(run)
    ]
    return _document(
        look,
        f"Run {run.run_id}",
        element("p", element("a", "All runs and landings", href=look.link())),
        _part("run", run.run_id, joined(element("dl", listed), _error(run), _acts_on(run))),
        _part("timeline", "What happened", element("ol", *steps, class_="timeline")),
    )


def not_found(look: Look) -> str:
    told = element("p", "There is no run with this id. ", element("a", "All runs and landings", href=look.link()))
    return _document(look, "No such run", told)


def _document(look: Look, title: str, *parts: Markup) -> str:
    head = joined(
        element("meta", charset="utf-8"),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("title", title),
        element("link", rel="icon", href="data:,"),
        element("style", Markup(look.style), nonce=look.nonce),
    )
    key = joined(
        element("label", "Admin key ", element("input", id="key", type="password", autocomplete="off")),
        element("button", "Show what can be done", id="unlock", type="button"),
    )
    dialog = element(
        "dialog",
        element("h2", "", id="ask-what"),
        element("label", "Why? ", element("input", id="ask-why", maxlength=500, autocomplete="off")),
        element(
            "p",
            element("button", "Do it", id="ask-yes", type="button"),
            " ",
            element("button", "Leave it", id="ask-no", type="button"),
        ),
        id="ask",
        aria_labelledby="ask-what",
    )
    body = joined(
        element("header", element("h1", title), element("p", "", id="told", role="status")),
        element("main", *parts),
        element("footer", element("p", key, id="keys")),
        dialog,
        element("script", Markup(look.script), nonce=look.nonce),
    )
    page = element("html", element("head", head), element("body", body), lang="en")
    return f"<!doctype html>\n{page}\n"


def _part(name: str, heading: str, content: Markup) -> Markup:
    return element(
        "section", element("h2", heading, id=f"{name}-heading"), content, id=name, aria_labelledby=f"{name}-heading"
    )


def _attention(found: Sequence[Concern], look: Look) -> Markup:
    if not found:
        return element("p", "Nothing needs attention.", class_="good")
    return element("ul", *(element("li", _concern(one, look)) for one in found), class_="concerns")


def _concern(one: Concern, look: Look) -> Markup:
    what = one.what if one.run_id is None else element("a", one.what, href=look.link(run=one.run_id))
    return joined(element("strong", what), element("p", one.why), element("p", one.do, class_="do") if one.do else None)


def _routes(found: Standings) -> Markup:
    if not found.routes:
        return element("p", "There is no route that can be used.")
    rows = [_route(one, found) for one in found.routes]
    return _table(("Route", "State", "Landing", "Last runs", ""), rows)


def _route(route: Route, found: Standings) -> Sequence[str | Markup]:
    pause = found.pauses.get(route.name)
    state = "paused" if pause is not None else "watched" if route.is_watched else "on request"
    act = "resume" if pause is not None else "pause"
    return (
        element("strong", route.name),
        joined(
            element("span", state, class_=state.replace(" ", "-")),
            element("p", told_of(route.name, pause)) if pause is not None else None,
        ),
        element("code", f"{route.landing.name}/{route.folder}"),
        _chart([run for run in found.runs if run.route == route.name], route.name, found.now),
        _button(act, f"routes/{route.name}/{act}", f"{act.capitalize()} route {route.name}"),
    )


def _chart(runs: Sequence[Run], route: str, now: datetime) -> str | Markup:
    ended = [run for run in runs if run.has_ended][:BARS][::-1]
    if not ended:
        return "none"
    longest = max(1.0, *(seconds_of(run, now) for run in ended))
    bars = [
        element(
            "rect",
            x=place * BAR,
            y=HEIGHT - height,
            width=BAR - 2,
            height=height,
            class_="good" if run.status is Status.PUBLISHED else "bad",
        )
        for place, run in enumerate(ended)
        for height in [max(2, round(HEIGHT * seconds_of(run, now) / longest))]
    ]
    usual = usual_seconds(runs, route, now)
    told = f"Durations of the last {len(ended)} runs of {route}, up to {_spell(longest)}"
    chart = element("svg", *bars, width=len(ended) * BAR, height=HEIGHT, role="img", aria_label=told)
    return joined(chart, f" usually {_spell(usual)}" if usual is not None else None)


def _waiting(found: Standings) -> Markup:
    places = [place for place in found.places if place.state in (State.WAITING, State.PAUSED)]
    if not places:
        return element("p", "No landing waits.")
    rows = [(place.path, place.card.route, _seen(place), _wait(place, found.routes)) for place in places]
    return _table(("Landing", "Route", "Seen", "Waits for"), rows)


def _seen(place: Place) -> str:
    look = place.card.look
    return "nothing yet" if look is None else counted(look.files, place.card.bytes)


def _wait(place: Place, routes: Iterable[Route]) -> str | Markup:
    route = next((one for one in routes if one.name == place.card.route), None)
    if place.state is State.PAUSED:
        return "its route to be resumed"
    if route is None:
        return "its route, which is gone"
    told = waits_for(route.ready, place.card)
    what = f"the marker {told['marker']}" if told["marker"] else "quiet"
    until = told["quiet_at"] or told["until"]
    return joined(what, ", until ", _time(datetime.fromisoformat(until))) if until else what


def _under_way(found: Standings, look: Look) -> Markup:
    if not found.under_way:
        return element("p", "No run is under way.")
    rows = [
        (
            element("a", run.landing, href=look.link(run=run.run_id)),
            run.route,
            f"{run.snapshot.files}",
            f"{run.status}{f' ({run.job.status})' if run.job is not None else ''}",
            _progress(run, usual_seconds(found.runs, run.route, found.now), found.now),
            _acts_on(run),
        )
        for run in found.under_way
    ]
    return _table(("Landing", "Route", "Files", "Status", "Time", ""), rows)


def _progress(run: Run, usual: float | None, now: datetime) -> Markup:
    taken = seconds_of(run, now)
    if usual is None:
        return joined(_spell(taken))
    share = min(100, round(100 * taken / max(usual, 1.0)))
    told = f"{_spell(taken)} of usually {_spell(usual)}"
    return joined(element("progress", value=share, max=100, aria_label=told), " ", told)


def _runs(runs: Sequence[Run], now: datetime, look: Look) -> Markup:
    if not runs:
        return element("p", "There has been no run yet.")
    rows = [
        (
            _time(run.timings.claimed),
            element("a", run.landing, href=look.link(run=run.run_id)),
            run.route,
            _status(run),
            _spell(seconds_of(run, now)),
        )
        for run in runs
    ]
    return _table(("Claimed", "Landing", "Route", "Status", "Took"), rows)


def _table(names: Sequence[str], rows: Iterable[Sequence[str | Markup]]) -> Markup:
    head = element("tr", *(element("th", name, scope="col") for name in names))
    body = [
        element("tr", *(element("td", cell, data_name=name) for name, cell in zip(names, row, strict=True)))
        for row in rows
    ]
    return element("table", element("thead", head), element("tbody", *body))


def _status(run: Run) -> Markup:
    bad = run.status in (Status.FAILED, Status.CANCELED)
    kind = "good" if run.status is Status.PUBLISHED else "bad" if bad else "plain"
    return element("span", str(run.status), f" (shadow of {run.shadow_of})" if run.shadow_of else None, class_=kind)


def _error(run: Run) -> Markup | None:
    if run.error is None:
        return None
    error = run.error
    return element(
        "div",
        element("p", element("strong", error.reason), ": ", error.message),
        element("p", error.advice, class_="do"),
        class_="error",
    )


def _results(run: Run) -> str | Markup:
    if run.publication is None:
        return "none"
    at = run.publication.url
    return joined(
        _outside(at, at),
        f", {counted(run.publication.outputs, run.publication.bytes)}, ",
        _outside(f"{at}/_run.json", "manifest"),
    )


def _acts_on(run: Run) -> Markup:
    """What can be done about it."""
    if run.shadow_of is not None:
        return joined()
    acts = [act for act, ends in REPEATABLE.items() if run.status in ends] if run.has_ended else ["cancel"]
    named = [_button(str(act), f"runs/{run.run_id}/{act}", f"{str(act).capitalize()} run {run.run_id}") for act in acts]
    return joined(*named)


def _button(act: str, path: str, what: str) -> Markup:
    """Shown to those who have the admin key."""
    return element(
        "button", act.capitalize(), type="button", class_="act", hidden=True, data_path=path, data_what=what, id=path
    )


def _outside(url: str | None, text: str) -> str | Markup:
    # The local cloud's pages for people are plain HTTP: no browser trusts its certificate.
    if url is None or not url.startswith(("https://", "http://127.0.0.1:")):
        return text
    return element("a", text, href=url, rel="noreferrer noopener", target="_blank")


def _time(moment: datetime | None) -> Markup:
    if moment is None:
        return joined("")
    return element("time", f"{moment:%Y-%m-%d %H:%M:%S}", datetime=moment.isoformat())


def _spell(seconds: float) -> str:
    """A duration, in the two largest units."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"
