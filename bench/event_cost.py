"""What one storage event costs the host: the app's on_blob_event, against a function that does nothing.

Processor time of two real host processes that get the same events through the Event Grid webhook, in turns. The events
are of one folder that stays quiet for two minutes, so that its watch sleeps throughout.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from statistics import median

from bench.blob_events import HEADERS, HOOK, blob_created
from bench.figures import Row
from bench.hosts import Host, running
from testbed.examples import ROOT, SETTINGS, replaced

NOTHING = """
import azure.durable_functions as df
import azure.functions as func

app = df.DFApp()

@app.event_grid_trigger(arg_name="event")
@app.durable_client_input(client_name="client")
async def on_blob_event(event: func.EventGridEvent, client) -> None:
    pass
"""


def measure(*, quick: bool = False) -> list[Row]:
    """Milliseconds of processor time for each event."""
    count, repeats = (200, 2) if quick else (1500, 7)
    own: list[float] = []
    nothing: list[float] = []
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        landfall = stack.enter_context(running(ROOT, Host, _settings(Path(folder))))
        empty = stack.enter_context(running(_app(Path(folder)), Host))
        for turn in range(-1, repeats):
            for host, found in ((landfall, own), (empty, nothing))[:: 1 if turn % 2 else -1]:
                spent = _milliseconds(host, count, turn) / count
                if turn >= 0:  # the turn before the first has the app read its routes
                    found.append(spent)
        assert landfall.http.get("/admin/durable/counts").json()["orchestrations"], "the events have started no watch"
    return [
        Row(
            name="processor time of an event",
            value=median(own),
            unit="ms",
            ratio=median(one / other for one, other in zip(own, nothing, strict=True)),
            against="a function that does nothing",
            n=count * repeats,
        )
    ]


def _milliseconds(host: Host, count: int, turn: int) -> float:
    events = [blob_created(f"digits/tuesday/{turn}-{number}.png") for number in range(count)]
    before = host.processor()
    host.all_at_once([partial(host.http.post, HOOK, json=[event], headers=HEADERS) for event in events])
    return 1000 * (host.processor() - before)


def _settings(folder: Path) -> Mapping[str, str]:
    """For the app without an Azure: triggers that would look for one are off."""
    routes = folder / "routes.yaml"
    routes.write_text(replaced(("quiet: 5s", "quiet: 2m")), "utf-8")
    off = {f"AzureWebJobs.{name}.Disabled": "true" for name in ("on_blob_message", "sweep")}
    return {
        **SETTINGS,
        **off,
        "LANDFALL_ROUTES": str(routes),
        "LANDFALL_EVENTS_QUEUE": "landing-events",
        "LANDFALL_STATE_URL": "https://state.blob.core.windows.net/landfall",
    }


def _app(folder: Path) -> Path:
    app = folder / "nothing"
    app.mkdir()
    (app / "function_app.py").write_text(NOTHING, "utf-8")
    (app / "host.json").write_text((ROOT / "host.json").read_text("utf-8"), "utf-8")
    return app
