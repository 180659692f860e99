"""Imports the app and says, as JSON, what that did."""

import json
import sys

audited: set[str] = set()
sys.addaudithook(lambda event, _: audited.add(event))

import function_app  # noqa: E402 - after the audit hook
from shared.services import services  # noqa: E402

functions = {
    function.get_function_name(): [
        {"type": binding.type, "name": binding.name, **binding.get_dict_repr()} for binding in function.get_bindings()
    ]
    for function in function_app.app.get_functions()
}
told = {
    "functions": functions,
    "modules": sorted(sys.modules),
    "sockets": sorted(event for event in audited if event.startswith("socket.")),
    "services": services.cache_info().misses,
}
print(json.dumps(told, default=str))  # noqa: T201 - that is how it tells
