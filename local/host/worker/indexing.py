"""Which parameters a function may have, as the Python worker decides it when it indexes an app.

The reasons for refusing a function are the worker's, so that what starts here starts in Azure.
Source: the worker library azure-functions-runtime 1.3.0, azure_functions_runtime/functions.py (Registry). The tests
hold this module against that library.
"""

from __future__ import annotations

import inspect
import typing
from collections.abc import Mapping
from typing import Any

from azure.functions._thirdparty import typing_inspect
from azure.functions.decorators.function_app import Function as Declared

from local.host.worker.calling import Callee, Parameter
from local.host.worker.converters import GENERIC, converter_of, has_implicit_output
from local.host.worker.registry import DURABLE, WRITTEN, Function, FunctionLoadError
from local.host.worker.retrying import policy_of

OUT = 1
"""The direction of an output binding; 0 is in."""
SUPPORTED = frozenset(
    {
        ("httpTrigger", 0),
        ("http", OUT),
        ("eventGridTrigger", 0),
        ("timerTrigger", 0),
        ("queueTrigger", 0),
        ("blobTrigger", 0),
        ("warmupTrigger", 0),
        ("queue", OUT),
        ("blob", 0),
        ("blob", OUT),
        ("durableClient", 0),
        *((kind, 0) for kind in DURABLE),
    }
)
_WHERE = "the function definition (function.json or function decorators)"


class UnsupportedBinding(Exception):
    """A function uses a binding that this host does not have."""

    def __init__(self, name: str, binding: str, parameter: str) -> None:
        known = ", ".join(sorted(_spoken(*pair) for pair in SUPPORTED))
        super().__init__(
            f"The function '{name}' uses the binding '{binding}' (parameter '{parameter}'), which this host does not "
            f"support. Call that service with its own client inside the function, or move the function to an app that "
            f"is not run here. This host supports {known}."
        )


class BadWarmUp(Exception):
    """A warm-up trigger that Azure would not call."""


def accept(declared: Declared, *, enabled: bool = True) -> Callee:
    """The function as it can be invoked. Raises FunctionLoadError, UnsupportedBinding, BadRetry, BadWarmUp."""
    name, call, trigger = declared.get_function_name() or "", declared.get_user_function(), declared.get_trigger()
    bindings = declared.get_bindings()
    bound = {binding.name: binding for binding in bindings}
    annotations = typing.get_type_hints(call)
    parameters = dict(inspect.signature(call).parameters)
    wants_context = _takes_context(name, parameters, bound, annotations)
    returned = bound.pop("$return", None)
    _same_names(name, set(parameters), set(bound))
    accepted = {p: _parameter(name, bound[p], annotations) for p in parameters}
    returns = _return(name, returned, accepted, annotations)
    _supported(name, bindings)
    kind = str(trigger.type) if trigger else ""
    _warm_up(name, kind)
    inputs = {p: found for p, found in accepted.items() if not _outward(bound[p])}
    outputs = {p: found for p, found in accepted.items() if _outward(bound[p])}
    leading_out = outputs | ({"$return": returns} if returns else {})
    function = Function(
        name=name,
        entry_point=getattr(call, "__name__", name),
        trigger=_plain(trigger) if trigger else {"type": ""},
        bindings=tuple(_plain(binding) for binding in bindings),
        written={p: _plain(found.declared) for p, found in leading_out.items() if found.binding in WRITTEN},
        read={p: _plain(found.declared) for p, found in inputs.items() if found.binding == "blob"},
        retry=policy_of(name, kind, declared.get_settings_dict("retry_policy")),
        enabled=enabled,
    )
    return Callee(
        function=function,
        call=call,
        is_async=inspect.iscoroutinefunction(call),
        wants_context=wants_context,
        trigger_parameter=trigger.name if trigger else "",
        inputs=inputs,
        outputs=outputs,
        returns=returns,
    )


def _supported(name: str, bindings: list[Any]) -> None:
    for binding in bindings:
        if (str(binding.type), int(binding.direction)) not in SUPPORTED:
            raise UnsupportedBinding(name, _spoken(str(binding.type), int(binding.direction)), str(binding.name))


def _spoken(binding: str, direction: int) -> str:
    if binding in ("blob", "queue"):
        return f"{binding} ({'output' if direction == OUT else 'input'})"
    return binding


def _warm_up(name: str, kind: str) -> None:
    """Source: Azure docs, functions-bindings-warmup."""
    if kind == "warmupTrigger" and name.lower() != "warmup":
        raise BadWarmUp(f"The function '{name}' has a warm-up trigger; Azure calls it only if it is named 'warmup'.")


def _outward(binding: Any) -> bool:
    return int(binding.direction) == OUT


def _takes_context(
    name: str, parameters: dict[str, inspect.Parameter], bound: Mapping[str, Any], annotations: Mapping[str, Any]
) -> bool:
    """`context` is the one parameter that needs no binding; it is taken out of `parameters`."""
    if "context" not in parameters or "context" in bound:
        return False
    del parameters["context"]
    annotation = annotations.get("context")
    if "context" in annotations and not (isinstance(annotation, type) and annotation.__name__ == "Context"):
        raise FunctionLoadError(
            name, f'the "context" parameter is expected to be of type azure.functions.Context, got "{annotation!r}"'
        )
    return True


def _same_names(name: str, parameters: set[str], bound: set[str]) -> None:
    if parameters - bound:
        raise FunctionLoadError(
            name, f"the following parameters are declared in Python but not in {_WHERE}:  {parameters - bound!r}"
        )
    if bound - parameters:
        raise FunctionLoadError(
            name,
            "Extra parameters in binding definition — the following parameters are declared as bindings but are not "
            f"present in Python: {bound - parameters!r}",
        )


def _parameter(name: str, binding: Any, annotations: Mapping[str, Any]) -> Parameter:
    """Checks the annotation of a bound parameter. Without one, anything goes."""
    if binding.name not in annotations:
        return Parameter(binding, str(binding.type), None)
    annotation = annotations[binding.name]
    is_out, pytype = _unwrap_out(name, binding.name, annotation)
    if not isinstance(pytype, type) and not _is_generic(pytype):
        raise FunctionLoadError(name, f"binding {binding.name} has invalid non-type annotation {annotation!r}")
    _same_direction(name, binding, is_out=is_out)
    plain = pytype in (str, bytes) and not has_implicit_output(binding.type)
    converter = GENERIC if plain else str(binding.type)
    if not _fits(converter, pytype, outward=is_out):
        # So the worker says it, dataType and all.
        raise FunctionLoadError(
            name,
            f'binding type "{binding.name!r}" and dataType "{binding.type}" in the binding decorator do not match the '
            f"corresponding function parameter's Python type annotation {getattr(pytype, '__name__', pytype)}",
        )
    return Parameter(binding, converter, pytype)


def _same_direction(name: str, binding: Any, *, is_out: bool) -> None:
    if _outward(binding) and not is_out:
        raise FunctionLoadError(
            name,
            f'binding {binding.name} is declared to have the "out" direction, but its annotation in Python is not a '
            "subclass of azure.functions.Out",
        )
    if is_out and not _outward(binding):
        raise FunctionLoadError(
            name,
            f'binding {binding.name} is declared to have the "in" direction in the binding decorator, but its '
            "annotation is azure.functions.Out in Python",
        )


def _unwrap_out(name: str, parameter: str, annotation: Any) -> tuple[bool, Any]:
    origin = typing.get_origin(annotation) or annotation
    if getattr(origin, "__name__", None) != "Out":
        return False, annotation
    arguments = typing.get_args(annotation)
    if len(arguments) != 1:
        raise FunctionLoadError(name, f"binding {parameter} has invalid Out annotation {annotation!r}")
    return True, arguments[0]


def _fits(converter: str, pytype: Any, *, outward: bool) -> bool:
    found = converter_of(converter)
    try:
        check = found.check_output_type_annotation if outward else found.check_input_type_annotation
        return bool(check(pytype))
    except TypeError:
        return False  # a generic where the converter can only look at classes


def _is_generic(annotation: object) -> bool:
    """Whether the worker takes an annotation for a generic: typing.List[str] is one, list[str] is not."""
    return bool(typing_inspect.is_generic_type(annotation))  # type: ignore[no-untyped-call]  # the SDK left it untyped


def _return(
    name: str, binding: Any, accepted: Mapping[str, Parameter], annotations: Mapping[str, Any]
) -> Parameter | None:
    """The `$return` binding, or the implicit one that durable triggers bring."""
    if binding is None:
        implicit = next((p.declared for p in accepted.values() if has_implicit_output(p.binding)), None)
        return Parameter(implicit, str(implicit.type), annotations.get("return")) if implicit else None
    converter = str(binding.type)
    if "return" not in annotations:
        return Parameter(binding, converter, None)
    annotation = annotations["return"]
    if getattr(typing.get_origin(annotation) or annotation, "__name__", None) == "Out":
        raise FunctionLoadError(name, "return annotation should not be azure.functions.Out")
    if not isinstance(annotation, type):
        raise FunctionLoadError(name, f"has invalid non-type return annotation {annotation!r}")
    if not _fits(converter, annotation, outward=True):
        raise FunctionLoadError(
            name, f'Python return annotation "{annotation.__name__}" does not match binding type "{converter}"'
        )
    return Parameter(binding, converter, annotation)


def _plain(binding: Any) -> dict[str, Any]:
    """A binding as it would stand in function.json. Generic decorators have no attributes for what is left out, so this
    is the way to ask them all."""
    return {key: _spelled(value) for key, value in binding.get_dict_repr().items() if value is not None}


def _spelled(value: Any) -> Any:
    if isinstance(value, (list, tuple)):
        return [_spelled(item) for item in value]
    return str(value) if hasattr(value, "name") and hasattr(value, "value") else value
