"""What a pipeline component asks for: its inputs and outputs, its steps in order, and the command line of each. Pure.

Source: Azure docs, reference-yaml-component-pipeline, reference-yaml-component-command and
reference-yaml-core-syntax (expressions, `$[[ ]]` around what is only there with its optional inputs).
"""

from __future__ import annotations

import math
import re
import reprlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

LITERALS = {"string": str, "integer": int, "number": float, "boolean": bool}
"""The types of literal inputs, by the names that components have for them."""

_OF_PARENT = re.compile(r"\s*\$\{\{\s*parent\.(?:(inputs|outputs)\.(\w+)|jobs\.(\w+)\.outputs\.(\w+))\s*\}\}\s*")
_NAME = re.compile(r"\w[\w-]{0,254}", re.ASCII)
_OWN = re.compile(r"\$\{\{\s*(inputs|outputs)\.(\w+)(?:\.path)?\s*\}\}")
_OPTIONAL = re.compile(r"\$\[\[(.*?)\]\]", re.DOTALL)


class InvalidPipeline(Exception):
    """A component cannot be run as it is specified."""


@dataclass(frozen=True, slots=True)
class Port:
    """A declared input or output. `choices`: what a literal may be; `least` and `most`: of a number."""

    name: str
    type: str
    default: Any = None
    optional: bool = False
    choices: tuple[str, ...] = ()
    least: float | None = None
    most: float | None = None

    @property
    def is_literal(self) -> bool:
        return self.type in LITERALS

    def parse(self, value: object) -> str | int | float | bool:
        """A literal in this port's type; texts are read as the service reads them. Raises ValueError."""
        read = self._read(str(value))
        if self.choices and str(value) not in self.choices:
            raise ValueError(f"{str(value)[:80]!r} is none of {', '.join(self.choices)}")
        if self.type in ("integer", "number"):
            number = float(read)
            if (self.least is not None and number < self.least) or (self.most is not None and number > self.most):
                raise ValueError(f"{read} is not between {self.least} and {self.most}")
        return read

    def _read(self, text: str) -> str | int | float | bool:
        match self.type:
            case "boolean":
                if text.lower() not in ("true", "false"):
                    raise ValueError(f"{text!r} is not a boolean")
                return text.lower() == "true"
            case "integer":
                if not re.fullmatch(r"[+-]?\d{1,300}", text, re.ASCII):
                    raise ValueError(f"{text[:80]!r} is not an integer")
                return int(text)
            case "number":
                if not math.isfinite(number := float(text)) or "_" in text:
                    raise ValueError(f"{text[:80]!r} is not a number that JSON has")
                return number
        return text


@dataclass(frozen=True, slots=True)
class FromInput:
    """The value of an input of the pipeline."""

    name: str


@dataclass(frozen=True, slots=True)
class FromStep:
    """An output of an earlier step."""

    step: str
    output: str


@dataclass(frozen=True, slots=True)
class Fixed:
    """A value that the pipeline itself gives: a literal, or a URI for a data input."""

    value: str


Binding = FromInput | FromStep | Fixed


@dataclass(frozen=True, slots=True)
class Step:
    """One step: its component, where its inputs come from, and which outputs of the pipeline its own are."""

    name: str
    component: str
    inputs: Mapping[str, Binding]
    outputs: Mapping[str, str]
    environment: Mapping[str, str]

    @property
    def needs(self) -> frozenset[str]:
        return frozenset(source.step for source in self.inputs.values() if isinstance(source, FromStep))


@dataclass(frozen=True, slots=True)
class Pipeline:
    inputs: Mapping[str, Port]
    outputs: Mapping[str, Port]
    steps: Mapping[str, Step]


@dataclass(frozen=True, slots=True)
class Command:
    """A command component. `environment`: an id, or what is written in place."""

    line: str
    code: str | None
    environment: object
    inputs: Mapping[str, Port]
    outputs: Mapping[str, Port]

    @property
    def environment_in_words(self) -> str | None:
        """What is named, in whichever form, or what one that is written in place is made of."""
        given = self.environment
        if not isinstance(given, Mapping):
            return str(given) if given else None
        return str(given["name"]) if given.get("name") else f"the image {given.get('image') or 'of a build'}"

    def render(self, inputs: Mapping[str, object], outputs: Mapping[str, str]) -> str:
        """The command line with values in the place of expressions. Raises InvalidPipeline.

        What stands in `$[[ ]]` is left out together with an input that has no value.
        """
        values: dict[str, Mapping[str, object]] = {"inputs": inputs, "outputs": outputs}

        def optional(match: re.Match[str]) -> str:
            asked = [(where, name) for where, name in _OWN.findall(match[1])]
            return match[1] if all(name in values[where] for where, name in asked) else ""

        def value(match: re.Match[str]) -> str:
            where, name = match[1], match[2]
            if name not in values[where]:
                raise InvalidPipeline(f"The command uses {match[0]}, which has no value.")
            # As it is: in Azure, too, quoting is up to the command.
            return str(values[where][name])

        return _OWN.sub(value, _OPTIONAL.sub(optional, self.line))


def parse_pipeline(specification: Mapping[str, Any]) -> Pipeline:
    """Raises InvalidPipeline."""
    if specification.get("type") != "pipeline":
        raise InvalidPipeline(f"The component is of type {specification.get('type')!r}, not pipeline.")
    # How azure-ai-ml asks for a deployment of a job: it makes a component that has nothing else.
    if job := specification.get("sourceJobId"):
        raise InvalidPipeline(
            f"A component cannot be made of the job {job!r} here, so job_definition is not supported: "
            "use component with a pipeline component."
        )
    if not specification.get("jobs"):
        raise InvalidPipeline("The pipeline component has no jobs.")
    jobs = _mapping(specification["jobs"], "jobs")
    steps = {_named(name, "step"): _step(str(name), _mapping(job, f"the step {name}")) for name, job in jobs.items()}
    pipeline = Pipeline(_ports(specification.get("inputs")), _ports(specification.get("outputs")), steps)
    for step in steps.values():
        for source in step.inputs.values():
            if isinstance(source, FromInput) and source.name not in pipeline.inputs:
                raise InvalidPipeline(f"The step {step.name} takes parent.inputs.{source.name}, which does not exist.")
        for output in step.outputs.values():
            if output not in pipeline.outputs:
                raise InvalidPipeline(f"The step {step.name} gives parent.outputs.{output}, which does not exist.")
    list(in_order(pipeline))
    return pipeline


def in_order(pipeline: Pipeline) -> Iterator[Step]:
    """The steps, each after those whose outputs it takes. Raises InvalidPipeline when that cannot be."""
    done: set[str] = set()
    waiting = dict(pipeline.steps)
    while waiting:
        ready = [step for step in waiting.values() if step.needs <= done]
        if not ready:
            raise InvalidPipeline(f"The steps {', '.join(waiting)} wait for each other or for steps that do not exist.")
        for step in ready:
            yield waiting.pop(step.name)
            done.add(step.name)


def parse_command(specification: Mapping[str, Any]) -> Command:
    """Raises InvalidPipeline."""
    if specification.get("type", "command") != "command" or not specification.get("command"):
        raise InvalidPipeline(
            f"The component {specification.get('name')!r} is not a command component; only those run here."
        )
    return Command(
        str(specification["command"]),
        specification.get("code") or None,
        specification.get("environment"),
        _ports(specification.get("inputs")),
        _ports(specification.get("outputs")),
    )


def _ports(raw: object) -> dict[str, Port]:
    ports = {}
    for name, given in _mapping(raw, "inputs and outputs").items():
        port = _mapping(given, f"the input or output {name}")
        ports[str(name)] = Port(
            _named(name, "input or output"),
            str(port.get("type", "uri_folder")).lower(),
            port.get("default"),
            str(port.get("optional", False)).lower() == "true",
            _choices(port.get("enum")),
            _bound(port.get("min")),
            _bound(port.get("max")),
        )
    return ports


def _choices(given: object) -> tuple[str, ...]:
    if not isinstance(given, list | None):
        raise InvalidPipeline(f"enum must be a list, not {reprlib.repr(given)}.")
    return tuple(map(str, given or ()))


def _bound(given: object) -> float | None:
    try:
        bound = None if given is None else float(str(given))
    except ValueError:
        bound = math.nan
    if bound is not None and math.isnan(bound):
        raise InvalidPipeline(f"min and max must be numbers, not {reprlib.repr(given)}.")
    return bound


def _mapping(raw: object, what: str) -> Mapping[str, Any]:
    if raw is None:
        return {}
    if not isinstance(raw, dict):
        raise InvalidPipeline(f"{what} must be a mapping, not {reprlib.repr(raw)}.")
    return raw


def _named(name: object, what: str) -> str:
    """Names are parts of paths here."""
    if not _NAME.fullmatch(str(name)):
        raise InvalidPipeline(
            f"{str(name)[:80]!r} is no name of a {what}: use letters, digits, underscores and hyphens."
        )
    return str(name)


def _step(name: str, job: Mapping[str, Any]) -> Step:
    if job.get("type", "command") != "command":
        raise InvalidPipeline(f"The step {name} is of type {job.get('type')!r}; only command steps run here.")
    inputs = {
        key: _binding(name, key, _mapping(value, f"the input {key} of the step {name}"))
        for key, value in _mapping(job.get("inputs"), f"the inputs of the step {name}").items()
    }
    outputs = {}
    for key, value in _mapping(job.get("outputs"), f"the outputs of the step {name}").items():
        match = _OF_PARENT.fullmatch(str(_mapping(value, f"the output {key} of the step {name}").get("value") or ""))
        if match and match[1] == "outputs":
            outputs[key] = match[2]
    given = _mapping(job.get("environment_variables"), f"the environment variables of the step {name}")
    variables = {str(key): str(value) for key, value in given.items()}
    return Step(name, str(job.get("componentId")), inputs, outputs, variables)


def _binding(step: str, key: str, value: Mapping[str, Any]) -> Binding:
    text = value.get("value") if value.get("value") is not None else value.get("uri")
    match = _OF_PARENT.fullmatch(str(text))
    if match is None:
        if "${{" in str(text):
            raise InvalidPipeline(f"The input {key} of the step {step} is {text!r}; write one whole expression.")
        return Fixed(str(text))
    if match[1] == "inputs":
        return FromInput(match[2])
    if match[3]:
        return FromStep(match[3], match[4])
    raise InvalidPipeline(f"The input {key} of the step {step} refers to {text!r}, which is an output.")
