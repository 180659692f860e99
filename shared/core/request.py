"""The body that a batch endpoint is sent.

Source: `BatchJob` of the Azure ML data-plane specification (2020-09-01-dataplanepreview) and the requests that
azure-ai-ml 1.35 sends for the same settings.
"""

from __future__ import annotations

import re
from typing import Any

from shared.core.run import Order

_IN_DATASTORE = re.compile(r"(?:^|/)datastores/([^/]+/paths/.*)$")
_INPUT_TYPES = {"uri_folder": "UriFolder", "uri_file": "UriFile"}


def invoke_body(order: Order, attempt: int, *, staged: bool) -> dict[str, Any]:
    """The POST body of one attempt. Its output URI is the attempt's own, which is how its job is recognised later."""
    given, properties = order.overrides, {}
    if "instance_count" in given:
        properties["compute"] = {"instanceCount": given["instance_count"]}
    if "mini_batch_size" in given:
        properties["miniBatchSize"] = given["mini_batch_size"]
    if "error_threshold" in given:
        properties["errorThreshold"] = given["error_threshold"]
    retries = {}
    if "max_retries" in given:
        retries["maxRetries"] = given["max_retries"]
    if "timeout" in given:
        retries["timeout"] = f"PT{given['timeout']}S"
    if retries:
        properties["retrySettings"] = retries
    return {
        "properties": {
            "inputData": {
                order.input_name: {
                    "jobInputType": _INPUT_TYPES[order.input_type],
                    "uri": order.input_uri_of(staged=staged),
                }
            },
            "outputData": {order.output_name: {"jobOutputType": "UriFile", "uri": order.output_uri_of(attempt)}},
            **properties,
        }
    }


def is_output(uri: str, wanted: str) -> bool:
    """Whether two output URIs name the same datastore path. The service answers with another form than it was sent:
    `azureml://datastores/d/paths/p` comes back as `/subscriptions/…/datastores/d/paths/p`."""
    return _datastore_path(uri) == _datastore_path(wanted)


def _datastore_path(uri: str) -> str:
    found = _IN_DATASTORE.search(uri)
    return "/".join(part for part in (found[1] if found else uri).split("/") if part)
