"""Values in and out of functions: the converters of azure.functions, and the one for plain text and bytes.

Source: azure-functions, azure/functions/meta.py; the worker library azure-functions-runtime, bindings/generic.py.
"""

from __future__ import annotations

from typing import Any

from azure.functions.meta import Datum, get_binding_registry

GENERIC = "generic"
"""Serves parameters that are annotated with str or bytes, and bindings that azure.functions has no converter for."""


class _Generic:
    """Passes text and bytes through."""

    @staticmethod
    def check_input_type_annotation(pytype: Any) -> bool:
        return issubclass(pytype, (str, bytes))

    @staticmethod
    def check_output_type_annotation(pytype: Any) -> bool:
        return issubclass(pytype, (str, bytes, bytearray))

    @staticmethod
    def decode(data: Datum | None, *, trigger_metadata: object) -> Any:  # noqa: ARG004  # as the other converters have
        return None if data is None else data.value

    @staticmethod
    def encode(value: Any, *, expected_type: object) -> Datum:  # noqa: ARG004  # as the other converters have
        if isinstance(value, str):
            return Datum(value, "string")
        if isinstance(value, (bytes, bytearray)):
            return Datum(bytes(value), "bytes")
        raise NotImplementedError


def converter_of(binding: str) -> Any:
    """The converter for a type of binding."""
    found = get_binding_registry().get(binding)  # type: ignore[no-untyped-call]  # the SDK left it untyped
    return _Generic if found is None else found


def has_implicit_output(binding: str) -> bool:
    """Whether a function with this binding may return a value without a `$return` binding."""
    found = converter_of(binding)
    if found is _Generic:
        return binding != "durableClient"
    return bool(getattr(found, "has_implicit_output", lambda: False)())


def encode(binding: str, converter: str, value: Any, pytype: Any) -> Datum | None:
    """A value on its way out. Raises TypeError for one that the binding cannot carry."""
    try:
        encoded: Datum | None = converter_of(converter).encode(value, expected_type=pytype)
    except NotImplementedError as error:
        raise TypeError(
            f'unable to encode outgoing TypedData: unsupported type "{binding}" for Python type '
            f'"{type(value).__name__}"'
        ) from error
    return encoded
