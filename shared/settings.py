"""The app settings that Landfall reads. Settings that routes.yaml refers to as `${NAME}` belong to the routes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from shared.core.location import Container
from shared.errors import SettingsInvalid

NAMES = (
    "LANDFALL_STATE_URL",
    "LANDFALL_ROUTES",
    "LANDFALL_TOPIC_ENDPOINT",
    "LANDFALL_AZURE_ML_MANAGEMENT_URL",
    "AZURE_CLIENT_ID",
    "LANDFALL_EVENTS_QUEUE",
    "LandingEvents__queueServiceUri",
)
IS_QUEUE_LEFT_OUT = "AzureWebJobs.on_blob_message.Disabled"
"""Set where no queue is used: the host then does not start the function. Source: Azure docs, disable-function."""


IDENTITIES = ("IDENTITY_ENDPOINT", "MSI_ENDPOINT")
"""Set where there is a managed identity. Source: Azure docs, app-service/overview-managed-identity."""


def is_developers_machine(env: Mapping[str, str]) -> bool:
    """Whether `func start` runs the app where there is no managed identity. It sets that variable; source:
    Azure/azure-functions-core-tools, StartHostAction.cs."""
    return env.get("AZURE_FUNCTIONS_ENVIRONMENT") == "Development" and not any(env.get(name) for name in IDENTITIES)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """`state`: container of the ledger. `routes`: path of the routes file, relative to the app. `client_id`: of a
    user-assigned identity, None for the system-assigned one. `queue_url`: of the queue that the host reads events from,
    None if there is none. URLs have no trailing slash."""

    state: Container
    routes: str
    topic_endpoint: str | None
    management_url: str
    client_id: str | None
    queue_url: str | None

    @classmethod
    def from_env(cls, env: Mapping[str, str]) -> Settings:
        """Raises SettingsInvalid with everything that is missing or malformed."""
        problems = []
        state = env.get("LANDFALL_STATE_URL", "").rstrip("/")
        account_url, _, container = state.rpartition("/")
        if not account_url.startswith("https://") or not container:
            problems.append(
                f"LANDFALL_STATE_URL is {state!r}; set it to the URL of the container for Landfall's own records, "
                "e.g. https://myaccount.blob.core.windows.net/landfall"
            )
        topic = env.get("LANDFALL_TOPIC_ENDPOINT", "").strip()
        management = env.get("LANDFALL_AZURE_ML_MANAGEMENT_URL", "").rstrip("/") or "https://management.azure.com"
        for name, url in (("LANDFALL_TOPIC_ENDPOINT", topic), ("LANDFALL_AZURE_ML_MANAGEMENT_URL", management)):
            if url and not url.startswith("https://"):
                problems.append(f"{name} is {url!r}; it must start with https://, or be left out")
        if problems:
            raise SettingsInvalid(problems)
        return cls(
            state=Container(account_url, container),
            routes=env.get("LANDFALL_ROUTES", "").strip() or "routes.yaml",
            topic_endpoint=topic or None,
            management_url=management,
            client_id=env.get("AZURE_CLIENT_ID", "").strip() or None,
            queue_url=_queue_url(env),
        )


def _queue_url(env: Mapping[str, str]) -> str | None:
    service, queue = env.get("LandingEvents__queueServiceUri", "").rstrip("/"), env.get("LANDFALL_EVENTS_QUEUE", "")
    is_left_out = env.get(IS_QUEUE_LEFT_OUT, "").lower() in ("true", "1")
    # A token is sent there, so it has to be https.
    return f"{service}/{queue}" if service.startswith("https://") and queue and not is_left_out else None
