"""Indexes the app as the Python worker does, with the worker's own library, and says what it found as JSON.

Source: azure-functions-runtime 1.3.0, azure_functions_runtime/handle_event.py. Its protobuf messages come from the
worker process; plain objects stand in for them here.
"""

import json
import logging
import sys
from types import SimpleNamespace

from azure_functions_runtime import handle_event
from azure_functions_runtime.bindings.meta import load_binding_registry


class BindingInfo(SimpleNamespace):
    """The directions of a binding, as rpc.proto numbers them."""

    undefined, out, inout = 0, 1, 2


def message(**fields: object) -> SimpleNamespace:
    return SimpleNamespace(**fields)


class Complaints(logging.Handler):
    """Keeps what the library warns of."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.said: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.said.append(record.getMessage())


app = sys.argv[1]
sys.path.insert(0, app)
complaints = Complaints()
logging.getLogger().addHandler(complaints)
handle_event.protos = SimpleNamespace(BindingInfo=BindingInfo, RpcFunctionMetadata=message, RpcRetryOptions=message)
load_binding_registry()
handle_event.load_function_metadata(app, caller_info="test")

indexed = {
    found.name: [json.loads(raw)["type"] for raw in found.raw_bindings] for found in handle_event._metadata_result
}
print(json.dumps({"functions": indexed, "complaints": complaints.said}))  # noqa: T201 - that is how it tells
