"""The settings that are in force, told and changed while the fronts run."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from aiohttp import web

from local.storage.settings import Settings, save


@dataclass(slots=True)
class Chosen:
    """The settings in force. `GET /_settings` tells them, `PUT` changes and keeps them."""

    state: Path
    settings: Settings

    def install(self, app: web.Application) -> None:
        app.router.add_route("*", "/_settings", self._control)

    async def _control(self, request: web.Request) -> web.Response:
        if request.method not in ("GET", "PUT"):
            raise web.HTTPMethodNotAllowed(request.method, ["GET", "PUT"])
        if request.method == "PUT":
            try:
                self.settings = self.settings.changed(json.loads(await request.text()))
            except ValueError as error:
                return web.json_response({"error": str(error)}, status=400)
            save(self.state, self.settings)
        return web.json_response(self.settings.described())
