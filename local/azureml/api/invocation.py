"""Reads the body of `POST /jobs`: what to score, where to write, what to override.

Keys and enum values are taken in any case, as the service takes PascalCase and camelCase alike; unknown members are
tolerated. Source: Azure docs, how-to-access-data-batch-endpoints-jobs; the 2020-09-01-dataplanepreview specification.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from local.azureml.api.members import Members, plain
from local.azureml.errors import InvalidRequest, Refusal, Violation
from local.azureml.workspace.jobs import InputKind, JobInput, JobOutput
from local.azureml.workspace.settings import JobSettings, LoggingLevel, PipelineSettings, parse_duration
from local.azureml.workspace.uris import DEFAULT_DATASTORE, Places, UnresolvedUri

_KEY = re.compile(r"[A-Za-z0-9_]+")
_MODEL_KINDS = {"urifile": InputKind.FILE, "urifolder": InputKind.FOLDER, "mltable": InputKind.TABLE}


@dataclass(frozen=True, slots=True, kw_only=True)
class Invocation:
    """A valid request. `name` is only shown: what it does in Azure is not documented, names there are the service's."""

    inputs: tuple[JobInput, ...]
    outputs: tuple[JobOutput, ...]
    settings: JobSettings
    name: str | None
    experiment: str | None = None
    pipeline: PipelineSettings = field(default_factory=PipelineSettings)


def properties_of(body: object) -> Members:
    """The part of a request that says what is wanted. Raises Refusal 400."""
    envelope = Members(body, "")
    if envelope.broken or not isinstance(envelope.get("properties"), dict):
        raise Refusal(400, "UserError", "The request body must be a JSON object with a 'properties' object.")
    return Members(envelope.get("properties"), "")


def parse(body: object, deployed: JobSettings, places: Places) -> Invocation:
    """What `body` asks of a model deployment with the settings `deployed`. Raises Refusal 400 with all violations."""
    reader = ModelReader(properties_of(body), places)
    settings = reader.settings(deployed)
    data, output = reader.input(), reader.output(settings)
    name = reader.members.get("name")
    if reader.violations or data is None:
        raise InvalidRequest(reader.violations)
    # Properties are configurable with pipeline component deployments only; source: Azure docs, as above.
    return Invocation(
        inputs=(data,), outputs=(output,) if output else (), settings=settings, name=str(name) if name else None
    )


class Reader:
    """Reads members and remembers every violation."""

    def __init__(self, members: Members, places: Places) -> None:
        self.members = members
        self.places = places
        self.violations: list[Violation] = []

    def refuse(self, name: str, message: str, attempted: object = None) -> None:
        self.violations.append(Violation(name, message, attempted))

    def entries(self, name: str, wire: str) -> Iterator[tuple[str, Members]]:
        """The named entries of an object of objects."""
        raw = self.members.get(name)
        if raw is None:
            return
        if not isinstance(raw, dict):
            self.refuse(wire, "This must be an object of named entries.", raw)
            return
        for key, value in raw.items():
            item = Members(value, "")
            if not _KEY.fullmatch(str(key)):
                self.refuse(f"{wire}.Keys", "Names may only have letters, digits and underscores.", key)
            elif item.broken:
                self.refuse(f"{wire}.{key}", "Each entry must be an object.", value)
            else:
                yield str(key), item

    def uri(self, item: Members, name: str, where: str) -> str:
        """A URI that leads to data."""
        uri = item.get(name)
        if not isinstance(uri, str) or not uri:
            self.refuse(f"{where}.{name.capitalize()}", "A URI is required.", uri)
            return ""
        try:
            self.places.resolve(uri)
        except UnresolvedUri as error:
            self.refuse(f"{where}.{name.capitalize()}", str(error), uri)
        return uri

    def output_uri(self, uri: object, where: str) -> str:
        """Outputs go to registered datastores only. Source: Azure docs, how-to-access-data-batch-endpoints-jobs."""
        text = uri if isinstance(uri, str) else ""
        try:
            found = self.places.on_datastore(text)
        except UnresolvedUri as error:
            self.refuse(where, str(error), uri)
            return text
        if found is None or not found[1]:
            self.refuse(where, "Use a path on a registered Blob datastore, azureml://datastores/.../paths/...", uri)
        elif found[0].kind != "AzureBlob":
            # The code is known from public projects; the sentence is not.
            raise Refusal(
                400,
                "DatastoreTypeNotSupported",
                f"Outputs must go to Blob datastores; {found[0].name} is of type {found[0].kind}.",
            )
        return text


class ModelReader(Reader):
    """Reads what is asked of a model deployment."""

    def input(self) -> JobInput | None:
        found = [*self._data_inputs(), *self._legacy_inputs()]
        if len(found) == 1:
            return found[0]
        if not self.violations:
            self.refuse("InputData", f"A model deployment needs exactly 1 data input; the request has {len(found)}.")
        return None

    def _data_inputs(self) -> Iterator[JobInput]:
        for index, (key, item) in enumerate(self.entries("inputData", "InputData")):
            where = f"InputData.Values[{index}]"
            kind = plain(item.get("jobInputType"))
            if kind not in _MODEL_KINDS:
                words = "Literal inputs need a pipeline component deployment" if kind == "literal" else "Not supported"
                self.refuse(f"{where}.JobInputType", f"{words}; use uri_file or uri_folder.", item.get("jobInputType"))
                continue
            uri = self.uri(item, "uri", where)
            description = item.get("description")
            yield JobInput(
                key=key, kind=_MODEL_KINDS[kind], uri=uri, description=str(description) if description else None
            )

    def _legacy_inputs(self) -> Iterator[JobInput]:
        legacy = self.members.inner("dataset")
        kind = plain(legacy.get("dataInputType"))
        if self.members.get("dataset") is None:
            return
        if kind == "dataurl":
            yield JobInput(key="dataset", kind=InputKind.DATA_URL, uri=self.uri(legacy, "path", "Dataset"))
        elif kind in ("datasetversion", "datasetid"):
            named = legacy.get("datasetId") or f"{legacy.get('datasetName')}:{legacy.get('datasetVersion')}"
            yield JobInput(key="dataset", kind=InputKind.DATASET, uri=str(named))
        else:
            self.refuse("Dataset.DataInputType", "Use DataUrl, DatasetVersion or DatasetId.", kind)

    def output(self, settings: JobSettings) -> JobOutput | None:
        entries = list(self.entries("outputData", "OutputData"))
        if len(entries) > 1:
            self.refuse("OutputData", f"A model deployment needs exactly 1 output; the request has {len(entries)}.")
        for index, (key, item) in enumerate(entries):
            where = f"OutputData.Values[{index}]"
            if plain(item.get("jobOutputType")) != "urifile":
                asked = re.sub(r"(?<!^)(?=[A-Z])", "_", str(item.get("jobOutputType"))).lower()
                self.refuse(f"{where}.JobOutputType", "Job output type must be 'uri_file'.", asked)
                continue
            return JobOutput(key=key, uri=self.output_uri(item.get("uri"), f"{where}.Uri"))
        return self._legacy_output(settings)

    def _legacy_output(self, settings: JobSettings) -> JobOutput | None:
        legacy = self.members.inner("outputDataset")
        if self.members.get("outputDataset") is None:
            return None
        store = str(legacy.get("datastoreId") or DEFAULT_DATASTORE.name).removeprefix("azureml:")
        root = store if store.startswith("/") else f"azureml://datastores/{store}"
        folder = str(legacy.get("path") or "").strip("/")
        uri = f"{root}/paths/{folder}/{settings.output_file_name}"
        return JobOutput(key="score", uri=self.output_uri(uri, "OutputDataset"))

    def settings(self, deployed: JobSettings) -> JobSettings:
        members, retries = self.members, self.members.inner("retrySettings")
        compute = members.inner("compute")
        changed = replace(
            deployed,
            instance_count=self._whole(compute, "instanceCount", deployed.instance_count, least=1),
            mini_batch_size=self._whole(members, "miniBatchSize", deployed.mini_batch_size, least=1),
            error_threshold=self._whole(members, "errorThreshold", deployed.error_threshold, least=-1),
            max_retries=self._whole(retries, "maxRetries", deployed.max_retries, least=1),
            max_concurrency_per_instance=self._whole(
                members, "maxConcurrencyPerInstance", deployed.max_concurrency_per_instance, least=1
            ),
        )
        return self._texts(changed, retries)

    def _texts(self, settings: JobSettings, retries: Members) -> JobSettings:
        if (timeout := retries.get("timeout")) is not None:
            try:
                settings = replace(settings, timeout=parse_duration(str(timeout)))
            except ValueError as error:
                self.refuse("RetrySettings.Timeout", str(error), timeout)
        if (level := self.members.get("loggingLevel")) is not None:
            if plain(level) in list(LoggingLevel):
                settings = replace(settings, logging_level=LoggingLevel(plain(level)))
            else:
                self.refuse("LoggingLevel", "Use Info, Warning or Debug.", level)
        if (file := self.members.get("outputFileName")) is not None:
            if isinstance(file, str) and file and "/" not in file and file not in (".", ".."):
                settings = replace(settings, output_file_name=file)
            else:
                self.refuse("OutputFileName", "This must be a file name without a folder.", file)
        return settings

    def _whole(self, members: Members, name: str, default: int, *, least: int) -> int:
        value = members.get(name)
        if value is None:
            return default
        if isinstance(value, bool) or not isinstance(value, int) or value < least:
            shown = f"{members.where}{name}"
            self.refuse(shown[0].upper() + shown[1:], f"This must be a whole number of at least {least}.", value)
            return default
        return value
