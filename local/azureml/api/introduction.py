"""What `python -m local azureml` tells people: how curl and azure-ai-ml reach the workspace.

All of it below the first line is a shell script, to be copied whole or in parts.
"""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import httpx

from local import tls
from local.addresses import ACCOUNT, RESOURCE_GROUP, SUBSCRIPTION, WORKSPACE, Addresses, port_of
from local.identity.asking import API_VERSION, PATH, header_secret
from local.roles.identities import USER
from local.tokens import AZURE_ML, MANAGEMENT, STORAGE, Issuer

VERSION = "2024-10-01"
_WORKSPACE = (
    f"/subscriptions/{SUBSCRIPTION}/resourceGroups/{RESOURCE_GROUP}/providers"
    f"/Microsoft.MachineLearningServices/workspaces/{WORKSPACE}"
)


async def example(where: Addresses, state: Path) -> str | None:
    """The scoring URI of the first endpoint that takes a file now: whose default deployment is there, and of a model.
    None if there is none. Raises httpx.HTTPError."""
    headers = {"Authorization": f"Bearer {Issuer.of(state).issue(MANAGEMENT)}"}
    async with httpx.AsyncClient(
        base_url=f"{where.azureml}{_WORKSPACE}",
        params={"api-version": VERSION},
        headers=headers,
        verify=tls.client_context(state),
        trust_env=False,
        timeout=30.0,
    ) as http:
        listed = (await http.get("/batchEndpoints")).raise_for_status().json()["value"]
        for endpoint in listed:
            told = endpoint["properties"]
            default = (told.get("defaults") or {}).get("deploymentName")
            if default is None:
                continue
            deployment = await http.get(f"/batchEndpoints/{endpoint['name']}/deployments/{default}")
            if deployment.is_success and deployment.json()["properties"].get("deploymentConfiguration") is None:
                return str(told["scoringUri"])
    return None


def introduction(where: Addresses, state: Path, scoring_uri: str | None) -> str:
    """The text for the workspace on `state`; the example is that of an endpoint that takes a file, if there is one."""
    parts = [
        f"# Azure ML is up at {where.azureml}; its jobs are shown at {where.studio}. In another shell:",
        _settings(where, state),
    ]
    parts.append(
        "# No endpoint takes a file: none has a default deployment of a model. The log says why one is not served.\n"
        if scoring_uri is None
        else _curl(scoring_uri)
    )
    return "\n".join([*parts, _client(where)])


def _settings(where: Addresses, state: Path) -> str:
    authorities = tls.ca_bundle(state)
    return dedent(
        f"""
        export CURL_CA_BUNDLE='{authorities}' REQUESTS_CA_BUNDLE='{authorities}' SSL_CERT_FILE='{authorities}'
        export IDENTITY_ENDPOINT='{where.identity}{PATH}' IDENTITY_HEADER='{header_secret(state)}'
        # The identity that may do everything; without an id the endpoint signs in the function app.
        export AZURE_CLIENT_ID='{USER.client_id}'
        export AZURE_ML='{where.azureml}' STORAGE='{where.account_url(ACCOUNT)}'
        # What is answered; what is refused, with the reason, goes to stderr.
        ask() {{
          if answer=$(curl -sS --fail-with-body "$@"); then echo "$answer"; else echo "$answer" >&2; return 1; fi
        }}
        member() {{ python3 -c 'import json, sys; print(json.load(sys.stdin)[sys.argv[1]])' "$1"; }}
        token() {{
          answer=$(ask -H "X-IDENTITY-HEADER: $IDENTITY_HEADER" \\
            "$IDENTITY_ENDPOINT?api-version={API_VERSION}&client_id=$AZURE_CLIENT_ID&resource=$1") &&
            echo "$answer" | member access_token
        }}
        """
    )


def _curl(scoring_uri: str) -> str:
    return dedent(
        f"""\
        # curl: upload a file, score it, look at the job.
        FILE=${{FILE:-path/to/a/file}}
        NAME=$(basename "$FILE")
        score() {{
          ask -T "$FILE" "$STORAGE/landing/hello/$NAME" -H "Authorization: Bearer $(token {STORAGE})" \\
            -H 'x-ms-version: 2023-11-03' -H 'x-ms-blob-type: BlockBlob' &&
          answer=$(ask -X POST '{scoring_uri}' -H "Authorization: Bearer $(token {AZURE_ML})" \\
            -H 'Content-Type: application/json' -d '{{"properties": {{"inputData": {{"data":
              {{"jobInputType": "UriFile", "uri": "azureml://datastores/landing/paths/hello/'"$NAME"'"}}}}}}}}') &&
          JOB=$(echo "$answer" | member name) &&
          ask "{scoring_uri}/$JOB" -H "Authorization: Bearer $(token {AZURE_ML})"
        }}
        score
        ask "$AZURE_ML{_WORKSPACE}/batchEndpoints?api-version={VERSION}" \\
          -H "Authorization: Bearer $(token {MANAGEMENT})"
        """
    )


def _client(where: Addresses) -> str:
    return dedent(
        f"""\
        # azure-ai-ml, unmodified:
        python3 - <<'END'
        import os
        import socket

        from azure.ai.ml import MLClient
        from azure.identity import ManagedIdentityCredential

        # The client turns an account name into <account>.blob.localhost, which not every system resolves.
        resolve = socket.getaddrinfo
        socket.getaddrinfo = lambda host, *more, **named: resolve(
            "127.0.0.1" if str(host).endswith(".localhost") else host, *more, **named
        )
        client = MLClient(
            ManagedIdentityCredential(client_id=os.environ["AZURE_CLIENT_ID"]),
            "{SUBSCRIPTION}", "{RESOURCE_GROUP}", "{WORKSPACE}",
            cloud="Landfall",
            cloud_metadata={{
                "azure_portal": "https://ml.azure.com/",
                "resource_manager": "{where.azureml}/",
                "active_directory": "https://login.microsoftonline.com/",
                "aml_resource_id": "{AZURE_ML}/",
                "storage_endpoint": "localhost:{port_of(where.storage)}",
                "registry_discovery_endpoint": "{where.azureml}/",
            }},
        )
        for endpoint in client.batch_endpoints.list():
            print(endpoint.name, endpoint.scoring_uri)
        END
        """
    )
