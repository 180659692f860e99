"""What `python -m local azureml` tells people: how curl and azure-ai-ml reach the workspace.

All of it below the first line is a shell script, to be copied whole or in parts.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from textwrap import dedent

from local import tls
from local.addresses import ACCOUNT, RESOURCE_GROUP, SUBSCRIPTION, WORKSPACE, Addresses, port_of
from local.identity.endpoint import API_VERSION, PATH, header_secret
from local.roles.identities import USER
from local.tokens import AZURE_ML, MANAGEMENT, STORAGE


def introduction(where: Addresses, state: Path, scoring_uris: Mapping[str, str]) -> str:
    """The text for the workspace on `state`, with its first endpoint as the example."""
    parts = [
        f"# Azure ML is up at {where.azureml}; its jobs are shown at {where.studio}. In another shell:",
        _settings(where, state),
    ]
    parts += [_curl(uri) for uri in list(scoring_uris.values())[:1]]
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
        token() {{
          curl -sf -H "X-IDENTITY-HEADER: $IDENTITY_HEADER" \\
            "$IDENTITY_ENDPOINT?api-version={API_VERSION}&client_id=$AZURE_CLIENT_ID&resource=$1" |
            python3 -c 'import json, sys; print(json.load(sys.stdin)["access_token"])'
        }}
        """
    )


def _curl(scoring_uri: str) -> str:
    return dedent(
        f"""\
        # curl: upload a file, score it, look at the job.
        FILE=${{FILE:-path/to/a/file}}
        NAME=$(basename "$FILE")
        curl -sf -T "$FILE" "$STORAGE/landing/hello/$NAME" -H "Authorization: Bearer $(token {STORAGE})" \\
          -H 'x-ms-version: 2023-11-03' -H 'x-ms-blob-type: BlockBlob'
        JOB=$(curl -sf -X POST '{scoring_uri}' -H "Authorization: Bearer $(token {AZURE_ML})" \\
          -H 'Content-Type: application/json' -d '{{"properties": {{"inputData": {{"data":
            {{"jobInputType": "UriFile", "uri": "azureml://datastores/landing/paths/hello/'"$NAME"'"}}}}}}}}' |
          python3 -c 'import json, sys; print(json.load(sys.stdin)["name"])')
        curl -sf "{scoring_uri}/$JOB" -H "Authorization: Bearer $(token {AZURE_ML})"
        curl -sf "$AZURE_ML/subscriptions/{SUBSCRIPTION}/resourceGroups/{RESOURCE_GROUP}/providers\\
        /Microsoft.MachineLearningServices/workspaces/{WORKSPACE}/batchEndpoints?api-version=2024-10-01" \\
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
