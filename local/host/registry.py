"""The functions of an app, as the Python worker understands them: which parameters are bound, and to what.

Source: Azure/azure-functions-python-worker, azure_functions_worker/functions.py (Registry.add_indexed_function). The
reasons for refusing a function are the worker's, so that what starts here starts in Azure.
"""

from __future__ import annotations

import inspect
import typing
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from azure.functions._thirdparty import typing_inspect
from azure.functions.decorators.core import BindingDirection
from azure.functions.decorators.function_app import Function as Declared
from azure.functions.meta import get_binding_registry

from local.host.durable.functions import Kind

DURABLE = {
    "orchestrationTrigger": (Kind.ORCHESTRATOR, "orchestration"),
    "activityTrigger": (Kind.ACTIVITY, "activity"),
    "entityTrigger": (Kind.ENTITY, "entity_name"),
}
"""Durable triggers, and the attribute that may give the durable name."""

TRIGGERS = frozenset({"httpTrigger", "eventGridTrigger", "timerTrigger", "queueTrigger", *DURABLE})
BINDINGS = TRIGGERS | {"http", "durableClient"}


class FunctionLoadError(Exception):
    """A function could not be loaded; the message is the one that the Python worker gives."""

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(f"cannot load the {name} function: {reason}")


class UnsupportedBinding(Exception):
    """A function uses a binding that this host does not have."""

    def __init__(self, name: str, binding: str, parameter: str) -> None:
        super().__init__(
            f"The function '{name}' uses the binding '{binding}' (parameter '{parameter}'), which this host does not "
            f"support. It supports {', '.join(sorted(BINDINGS))}."
        )


@dataclass(frozen=True, slots=True)
class Parameter:
    """A bound parameter: the binding type whose converter serves it, and its annotation."""

    binding: str
    pytype: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Function:
    """A function that can be invoked."""

    name: str
    call: Callable[..., Any]
    is_async: bool
    wants_context: bool
    trigger: Any
    trigger_parameter: str
    inputs: Mapping[str, Parameter]
    outputs: Mapping[str, Parameter]
    returns: Parameter | None
    bindings: tuple[Mapping[str, Any], ...]
    enabled: bool = True

    @property
    def kind(self) -> str:
        """The type of its trigger."""
        return str(self.trigger.type)

    @property
    def durable_name(self) -> str:
        """The name under which orchestrators call it, or clients start it."""
        given = getattr(self.trigger, DURABLE[self.kind][1], None) if self.kind in DURABLE else None
        return str(given or self.name)


class Registry:
    """All functions of an app. Names are compared without case, as the host does."""

    def __init__(self, functions: Iterable[Function]) -> None:
        self._functions: dict[str, Function] = {}
        for function in functions:
            other = self._functions.setdefault(function.name.lower(), function)
            if other is not function:
                raise FunctionLoadError(function.name, f"its name differs only in case from {other.name}")
        self._durable = {
            (DURABLE[f.kind][0], f.durable_name.lower()): f for f in self if f.kind in DURABLE and f.enabled
        }

    def __iter__(self) -> Iterator[Function]:
        return iter(self._functions.values())

    def get(self, name: str) -> Function | None:
        return self._functions.get(name.lower())

    def triggered_by(self, kind: str) -> list[Function]:
        """Enabled functions with this type of trigger."""
        return [f for f in self if f.kind == kind and f.enabled]

    def durable(self, kind: Kind, name: str) -> Function | None:
        return self._durable.get((kind, name.lower()))

    def durable_names(self, kind: Kind) -> list[str]:
        return [f.durable_name for (of, _), f in self._durable.items() if of is kind]


def converter_of(binding: str) -> Any:
    """The converter that azure.functions has for a type of binding."""
    return get_binding_registry().get(binding)  # type: ignore[no-untyped-call]  # the SDK left it untyped


def is_generic(annotation: object) -> bool:
    """Whether the worker takes an annotation for a generic: typing.List[str] is one, list[str] is not."""
    return bool(typing_inspect.is_generic_type(annotation))  # type: ignore[no-untyped-call]  # as above


def accept(declared: Declared, *, enabled: bool = True) -> Function:
    """The function as it can be invoked. Raises FunctionLoadError, UnsupportedBinding."""
    name, call, trigger = declared.get_function_name() or "", declared.get_user_function(), declared.get_trigger()
    for binding in declared.get_bindings():
        if binding.type not in BINDINGS:
            raise UnsupportedBinding(name, str(binding.type), binding.name)
    bound = {binding.name: binding for binding in declared.get_bindings()}
    annotations = typing.get_type_hints(call)
    parameters = dict(inspect.signature(call).parameters)
    wants_context = _takes_context(name, parameters, bound, annotations)
    returned = bound.pop("$return", None)
    _same_names(name, set(parameters), set(bound))
    inputs: dict[str, Parameter] = {}
    outputs: dict[str, Parameter] = {}
    for parameter in parameters:
        accepted = _parameter(name, bound[parameter], annotations)
        (outputs if bound[parameter].direction == BindingDirection.OUT.value else inputs)[parameter] = accepted
    return Function(
        name=name, call=call, is_async=inspect.iscoroutinefunction(call), wants_context=wants_context, trigger=trigger,
        trigger_parameter=trigger.name if trigger else "", inputs=inputs, outputs=outputs,
        returns=_return(name, returned, inputs, annotations), enabled=enabled,
        bindings=tuple(_plain(binding.get_dict_repr()) for binding in declared.get_bindings()),
    )  # fmt: skip


def _takes_context(
    name: str, parameters: dict[str, inspect.Parameter], bound: Mapping[str, Any], annotations: Mapping[str, Any]
) -> bool:
    """`context` is the one parameter that needs no binding; it is taken out of `parameters`."""
    if "context" not in parameters or "context" in bound:
        return False
    del parameters["context"]
    annotation = annotations.get("context")
    if annotation is not None and getattr(annotation, "__name__", None) != "Context":
        raise FunctionLoadError(
            name, f'the "context" parameter is expected to be of type azure.functions.Context, got {annotation!r}'
        )
    return True


def _same_names(name: str, parameters: set[str], bound: set[str]) -> None:
    where = "the function definition (function.json or function decorators)"
    if parameters - bound:
        raise FunctionLoadError(
            name, f"the following parameters are declared in Python but not in {where}: {parameters - bound!r}"
        )
    if bound - parameters:
        raise FunctionLoadError(
            name, f"the following parameters are declared in {where} but not in Python: {bound - parameters!r}"
        )


def _parameter(name: str, binding: Any, annotations: Mapping[str, Any]) -> Parameter:
    """Checks the annotation of a bound parameter. Without one, anything goes."""
    annotation = annotations.get(binding.name)
    if binding.name not in annotations:
        return Parameter(binding.type, None)
    is_out, pytype = _unwrap_out(name, binding.name, annotation)
    if not isinstance(pytype, type) and not is_generic(pytype):
        raise FunctionLoadError(name, f"binding {binding.name} has invalid non-type annotation {annotation!r}")
    outward = binding.direction == BindingDirection.OUT.value
    if outward and not is_out:
        raise FunctionLoadError(
            name,
            f'binding {binding.name} is declared to have the "out" direction, but its annotation in Python is not a '
            "subclass of azure.functions.Out",
        )
    if is_out and not outward:
        raise FunctionLoadError(
            name,
            f'binding {binding.name} is declared to have the "in" direction in the function definition, but its '
            "annotation is azure.functions.Out in Python",
        )
    if not _fits(binding.type, pytype, outward=outward):
        raise FunctionLoadError(
            name,
            f'type of {binding.name} binding in the function definition "{binding.type}" does not match its Python '
            f'annotation "{getattr(pytype, "__name__", pytype)}"',
        )
    return Parameter(binding.type, pytype)


def _unwrap_out(name: str, parameter: str, annotation: Any) -> tuple[bool, Any]:
    origin = typing.get_origin(annotation) or annotation
    if getattr(origin, "__name__", None) != "Out":
        return False, annotation
    arguments = typing.get_args(annotation)
    if len(arguments) != 1:
        raise FunctionLoadError(name, f"binding {parameter} has invalid Out annotation {annotation!r}")
    return True, arguments[0]


def _fits(binding: str, pytype: Any, *, outward: bool) -> bool:
    converter = converter_of(binding)
    try:
        check = converter.check_output_type_annotation if outward else converter.check_input_type_annotation
        return bool(check(pytype))
    except TypeError:
        return False  # a generic where the converter can only look at classes


def _return(
    name: str, binding: Any, inputs: Mapping[str, Parameter], annotations: Mapping[str, Any]
) -> Parameter | None:
    """The `$return` binding, or the implicit one that durable triggers bring."""
    if binding is None:
        implicit = next((p.binding for p in inputs.values() if p.binding in DURABLE), None)
        return Parameter(implicit, None) if implicit else None
    annotation = annotations.get("return")
    if annotation is None:
        return Parameter(binding.type, None)
    if getattr(typing.get_origin(annotation) or annotation, "__name__", None) == "Out":
        raise FunctionLoadError(name, "return annotation should not be azure.functions.Out")
    if not isinstance(annotation, type) or typing.get_origin(annotation) is not None:
        raise FunctionLoadError(name, f"has invalid non-type return annotation {annotation!r}")
    if not _fits(binding.type, annotation, outward=True):
        raise FunctionLoadError(
            name, f'Python return annotation "{annotation.__name__}" does not match binding type "{binding.type}"'
        )
    return Parameter(binding.type, annotation)


def _plain(values: Mapping[str, Any]) -> dict[str, Any]:
    """A binding as it would stand in function.json."""
    return {key: _spelled(value) for key, value in values.items() if value is not None}


def _spelled(value: Any) -> Any:
    if isinstance(value, (list, tuple)):
        return [_spelled(item) for item in value]
    return str(value) if hasattr(value, "name") and hasattr(value, "value") else value
