"""Who listens where. Chosen once for a state directory and kept, so that a restarted stack has the same URLs."""

from __future__ import annotations

import json
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from local import ports
from local.clock import SteadyClock
from local.naming import OWN

ACCOUNT = OWN.landing_account
"""The account that data lands in. The other accounts of the storage front are the ones below."""
STATE_ACCOUNT = OWN.state_account
WORKSPACE_ACCOUNT = OWN.workspace_account
LAKEHOUSE_ACCOUNT = OWN.lakehouse_account
ACCOUNTS = (ACCOUNT, STATE_ACCOUNT, WORKSPACE_ACCOUNT, LAKEHOUSE_ACCOUNT)
CONTAINERS = {
    ACCOUNT: "landing",
    STATE_ACCOUNT: "landfall",
    WORKSPACE_ACCOUNT: "azureml-blobstore-local",
    LAKEHOUSE_ACCOUNT: "lakehouse",
}
"""What exists in the accounts from the start."""
# Azurite's published development key. It protects nothing and is the same on every machine.
ACCOUNT_KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="

TENANT = "11111111-1111-4111-8111-111111111111"
SUBSCRIPTION, RESOURCE_GROUP, WORKSPACE = OWN.subscription_id, OWN.resource_group, OWN.workspace_name
STORAGE_TOPIC = (
    f"/subscriptions/{SUBSCRIPTION}/resourceGroups/{RESOURCE_GROUP}"
    f"/providers/Microsoft.Storage/storageAccounts/{ACCOUNT}"
)
"""The system topic of the landing account, as events name it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Addresses:
    """The URLs (no trailing slash) of all parts, and the clock that they share."""

    azurite_blob: str
    azurite_queue: str
    storage: str
    queues: str
    eventgrid: str
    eventgrid_topics: str
    identity: str
    azureml: str
    studio: str
    host: str
    epoch: float
    rate: float

    @property
    def clock(self) -> SteadyClock:
        return SteadyClock(self.epoch, self.rate)

    def account_url(self, account: str = ACCOUNT) -> str:
        """The blob endpoint of one storage account, behind the front."""
        return f"{self.storage}/{account}"

    def queue_url(self, account: str = ACCOUNT) -> str:
        """The queue endpoint of one storage account, behind the front."""
        return f"{self.queues}/{account}"

    def connection_string(self, account: str = ACCOUNT) -> str:
        """Direct to Azurite: no token is checked and no event is raised."""
        return (
            f"DefaultEndpointsProtocol=http;AccountName={account};AccountKey={ACCOUNT_KEY};"
            f"BlobEndpoint={self.azurite_blob}/{account};QueueEndpoint={self.azurite_queue}/{account};"
        )


SECURE = ("storage", "queues", "eventgrid_topics", "azureml")
"""What clients insist on reaching over HTTPS."""


def port_of(url: str) -> int:
    """The port that a URL of `Addresses` names."""
    return int(url.rsplit(":", 1)[1])


def settle(state: Path, *, rate: float | None = None, fixed: dict[str, int] | None = None) -> Addresses:
    """Read `state/addresses.json`, or choose free ports and write it.

    A remembered port that somebody else has taken meanwhile is replaced. `rate` changes the clock's speed without a
    jump in time; `fixed` are single ports by field name.
    """
    path = state / "addresses.json"
    known: dict[str, str | float] = json.loads(path.read_text("utf-8")) if path.exists() else {}
    fields = [field for field in Addresses.__dataclass_fields__ if field not in ("epoch", "rate")]
    wanted = {field: port_of(str(known[field])) for field in fields if field in known} | (fixed or {})
    settled = {field: port for field, port in wanted.items() if ports.is_free(port)}
    missing = [field for field in fields if field not in settled]
    settled.update(zip(missing, ports.free(len(missing)), strict=True))
    chosen: dict[str, str | float] = {
        field: f"{'https' if field in SECURE else 'http'}://{ports.HOST}:{settled[field]}" for field in fields
    }
    chosen.update(_clock(known, rate))
    addresses = Addresses(**chosen)  # type: ignore[arg-type]  # the loop above fills every field with its type
    state.mkdir(parents=True, exist_ok=True)
    # Whoever is killed while writing leaves the old file, not half a new one.
    partial = path.with_suffix(".new")
    partial.write_text(json.dumps(asdict(addresses), indent=1), "utf-8")
    partial.replace(path)
    return addresses


def load(state: Path) -> Addresses:
    """What `settle` wrote. A missing file means that nothing was started on this state directory."""
    return Addresses(**json.loads((state / "addresses.json").read_text("utf-8")))


def _clock(known: dict[str, str | float], rate: float | None) -> dict[str, float]:
    if "epoch" not in known:
        return {"epoch": time.time(), "rate": rate or 1.0}
    clock = SteadyClock(float(known["epoch"]), float(known["rate"]))
    if rate is None or rate == clock.rate:
        return {"epoch": clock.epoch, "rate": clock.rate}
    # Solve epoch' + (real - epoch') * rate' = now for epoch', so that no instant is skipped or repeated.
    real, now = time.time(), clock.now().timestamp()
    return {"epoch": real if rate == 1.0 else (now - real * rate) / (1.0 - rate), "rate": rate}
