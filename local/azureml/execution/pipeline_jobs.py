"""Carries out the job of a pipeline component deployment: each step is a process, started when its inputs are there."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from local.azureml.execution.environments import Environments
from local.azureml.execution.folders import JobFolders
from local.azureml.execution.mounted.sitecustomize import INPUTS
from local.azureml.execution.nodes import Nodes
from local.azureml.execution.pipelines import (
    Binding,
    Command,
    Fixed,
    FromInput,
    FromStep,
    InvalidPipeline,
    Pipeline,
    Port,
    Step,
    parse_command,
    parse_pipeline,
)
from local.azureml.workspace.asset_files import AssetFiles
from local.azureml.workspace.assets import find
from local.azureml.workspace.data import Storage
from local.azureml.workspace.jobs import InputKind, Job, JobFailed, Status, StepRun, error_of
from local.azureml.workspace.names import asset_path
from local.azureml.workspace.pythons import told_of_step, variables
from local.azureml.workspace.registry import Registry
from local.azureml.workspace.uris import BlobPath, Places, UnresolvedUri, default_place
from local.clock import Clock
from local.roles.identities import by_object_id

_PROGRAM = Path(__file__).with_name("step.py")
_MOUNTED = Path(__file__).with_name("mounted")
RUN_FAILED = (
    "Execution failed. User process '{command}' exited with status code {code}. "
    "Please check log file 'user_logs/std_log.txt' for error details."
)
"""Source: the sentence that users of Azure ML jobs quote."""

Record = Callable[[StepRun], None]


class PipelineJobs:
    """Every method raises JobFailed when the job cannot go on."""

    def __init__(
        self,
        *,
        registry: Registry,
        storage: Storage,
        places: Places,
        files: AssetFiles,
        environments: Environments,
        nodes: Nodes,
        clock: Clock,
    ) -> None:
        self._registry = registry
        self._storage = storage
        self._places = places
        self._files = files
        self._environments = environments
        self._nodes = nodes
        self._clock = clock

    async def run(self, job: Job, folders: JobFolders, record: Record) -> None:
        """Run all steps, as many at a time as depend on nothing and find a node; outputs stay in the job's folders."""
        assert job.component is not None
        component = self._files.asset(job.component)
        try:
            pipeline = parse_pipeline(component.properties.get("componentSpec") or {})
        except InvalidPipeline as error:
            raise JobFailed(str(error)) from error
        folders.make_anew()
        work = _Work(self, job, pipeline, folders, record)
        await work.run_all()

    async def write(self, job: Job, folders: JobFolders) -> None:
        """The outputs of the pipeline where the caller wants them, those of its steps below the steps' own names."""
        placed = {output.key: output.uri for output in job.outputs}
        for step in job.steps:
            for bound in step.outputs:
                own, _, parent = bound.partition("=")
                default = default_place(job.pipeline, job.name if parent else step.run, parent or own)
                uri = placed.get(parent) or default
                await self._upload(folders.steps / step.name / "outputs" / own, self.resolve(uri), job)

    async def _upload(self, source: Path, target: BlobPath, job: Job) -> None:
        if source.is_file():
            await self._storage.create(source, target, job.child)
        for file in sorted(path for path in source.rglob("*") if path.is_file()):
            await self._storage.create(file, target.within(file.relative_to(source).as_posix()), job.child)

    def resolve(self, uri: str) -> BlobPath:
        try:
            return self._places.resolve(uri)
        except UnresolvedUri as error:
            raise JobFailed(str(error)) from error

    async def fetch(self, uri: str, folder: Path, invoker: str) -> Path:
        """Data or a model that a URI or an asset's id names, as a local file or folder.

        The compute mounts data, and the invoker, an object id, reads it.
        """
        if (model := asset_path(uri, "models")) and find(self._registry, model):
            return await self._files.local(model)
        source = self.resolve(uri)
        found = await self._storage.tree(source)
        target = folder / (source.path.rpartition("/")[2] or "data")
        return await self._storage.acting_as(by_object_id(invoker)).download_found(found, source, target)

    async def command(self, step: Step) -> tuple[Command, Path | None]:
        """A step's command component and the folder of its code."""
        path = asset_path(step.component, "components")
        if path is None:
            raise JobFailed(f"The component of step {step.name} is not in this workspace: {step.component!r}.")
        try:
            command = parse_command(self._files.asset(path).properties.get("componentSpec") or {})
        except InvalidPipeline as error:
            raise JobFailed(str(error)) from error
        code = asset_path(command.code, "codes") if command.code else None
        return command, await self._files.local(code) if code else None

    async def python(self, command: Command) -> str | None:
        """The Python that was made of the environment that a command asks for; None: that of this process."""
        return await self._environments.python(command.environment)

    def on_one_node(self) -> contextlib.AbstractAsyncContextManager[None]:
        return self._nodes.reserved(1)

    @property
    def clock(self) -> Clock:
        return self._clock


@dataclass(slots=True)
class _Work:
    """One job's steps under way."""

    jobs: PipelineJobs
    job: Job
    pipeline: Pipeline
    folders: JobFolders
    record: Record

    async def run_all(self) -> None:
        # Steps of an interrupted try start over as well.
        fresh = [StepRun(name=step.name, run=step.run) for step in self.job.steps]
        for run in fresh:
            self.record(run)
        runs = {run.name: run for run in fresh}
        tasks: dict[str, asyncio.Task[None]] = {}
        for name, step in self.pipeline.steps.items():
            tasks[name] = asyncio.create_task(self._after(step, runs[name], tasks), name=name)
        keep_on = self.job.pipeline.continue_on_step_failure
        try:
            await asyncio.wait(
                tasks.values(), return_when=asyncio.ALL_COMPLETED if keep_on else asyncio.FIRST_EXCEPTION
            )
        finally:
            for task in tasks.values():
                task.cancel()
            results = await asyncio.gather(*tasks.values(), return_exceptions=True)
        if failures := [error for error in results if isinstance(error, Exception)]:
            raise failures[0]

    async def _after(self, step: Step, run: StepRun, tasks: Mapping[str, asyncio.Task[None]]) -> None:
        """The step when those have succeeded whose outputs it takes; when one has not, it is canceled."""
        try:
            await asyncio.sleep(0)  # until all tasks are known
            for name in sorted(step.needs):
                await asyncio.wait([tasks[name]])
                if tasks[name].cancelled() or tasks[name].exception():
                    self._end(run, Status.CANCELED)
                    return
            self.record(replace(run, status=Status.QUEUED))
            async with self.jobs.on_one_node():
                run = replace(run, status=Status.RUNNING, began=self.jobs.clock.now())
                self.record(run)
                outputs = await self._run(step)
            self._end(replace(run, outputs=outputs), Status.COMPLETED)
        except asyncio.CancelledError:
            self._end(run, Status.CANCELED)
            raise
        except Exception as failure:
            self._end(replace(run, error=error_of(failure)), Status.FAILED)
            raise

    def _end(self, run: StepRun, status: Status) -> None:
        self.record(replace(run, status=status, ended=self.jobs.clock.now()))

    async def _run(self, step: Step) -> tuple[str, ...]:
        """Run the command; the names of its outputs, `own=parent` where one is an output of the pipeline."""
        folder = self.folders.steps / step.name
        command, code = await self.jobs.command(step)
        await asyncio.to_thread(_lay_out, folder, code)
        inputs = await self._inputs(step, command, folder)
        outputs = {port.name: _output(port, folder / "outputs" / port.name) for port in command.outputs.values()}
        try:
            line = command.render(inputs, outputs)
        except InvalidPipeline as error:
            raise JobFailed(f"The step {step.name}: {error}") from error
        log = self.folders.logs / "user" / step.name / "std_log.txt"
        log.parent.mkdir(parents=True, exist_ok=True)
        python = await self.jobs.python(command)
        log.write_text(f"{told_of_step(step.name, command.environment_in_words, python)}\n", "utf-8")
        read_only = [str(value) for value in inputs.values() if isinstance(value, Path)]
        code_number = await _execute(line, folder / "code", _environment(step, read_only, python), log)
        if code_number != 0:
            raise JobFailed(f"The step {step.name}: {RUN_FAILED.format(command=line.strip(), code=code_number)}")
        return tuple(f"{name}={step.outputs.get(name, '')}" for name in outputs)

    async def _inputs(self, step: Step, command: Command, folder: Path) -> dict[str, object]:
        values: dict[str, object] = {}
        for port in command.inputs.values():
            source = step.inputs.get(port.name)
            value = await self._value(source, port, folder / "inputs" / port.name) if source else port.default
            if value is not None:
                values[port.name] = value
            elif not port.optional:
                raise JobFailed(f"The step {step.name} has no value for its input {port.name}.")
        return values

    async def _value(self, source: Binding, port: Port, folder: Path) -> object:
        match source:
            case FromStep(step, output):
                made = self.folders.steps / step / "outputs" / output
                return await asyncio.to_thread(_copy, made, folder / output) if made.exists() else made
            case FromInput(name):
                given = next((one for one in self.job.inputs if one.key == name), None)
                if given is None:
                    return self.pipeline.inputs[name].default
                return given.value if given.kind is InputKind.LITERAL else await self._fetch(given.uri, folder)
            case Fixed(value):
                return value if port.is_literal else await self._fetch(value, folder)

    async def _fetch(self, uri: str, folder: Path) -> Path:
        return await self.jobs.fetch(uri, folder, self.job.created_by)


def _lay_out(folder: Path, code: Path | None) -> None:
    for name in ("inputs", "outputs"):
        (folder / name).mkdir(parents=True)
    if code and code.is_dir():
        shutil.copytree(code, folder / "code", ignore=shutil.ignore_patterns("__pycache__"))
    else:
        (folder / "code").mkdir()
        if code:
            shutil.copy(code, folder / "code")


def _copy(source: Path, target: Path) -> Path:
    """A step has a copy of what it takes: whatever it does to that, others take what was given."""
    if source.is_dir():
        shutil.copytree(source, target, ignore_dangling_symlinks=True)
    else:
        target.parent.mkdir(parents=True)
        shutil.copy2(source, target)
    return target


def _environment(step: Step, read_only: Sequence[str], python: str | None) -> dict[str, str]:
    """What the step's processes have: its own variables over those that are here. `python` is the current Python, or
    the one that is given; it takes care that nothing changes what is `read_only`."""
    search = f"{Path(python or sys.executable).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
    # Unbuffered, so that a log has what was printed when it was printed.
    given = {"PYTHONUNBUFFERED": "1", **variables(python, os.environ), **step.environment, "PATH": search}
    modules = os.pathsep.join(filter(None, (str(_MOUNTED), given.get("PYTHONPATH"))))
    return {**given, "PYTHONPATH": modules, INPUTS: os.pathsep.join(read_only)}


def _output(port: Port, path: Path) -> str:
    """Folders exist before the step runs, files do not."""
    if port.type != "uri_file":
        path.mkdir()
    return str(path)


async def _execute(line: str, folder: Path, environment: dict[str, str], log: Path) -> int:
    """The exit code of a command line, run as Azure runs it: by bash, in the folder of its code.

    What it prints is added to the log.
    """
    with log.open("ab") as output:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-I",  # the step's variables are for its command
            str(_PROGRAM),
            line,
            cwd=folder,
            stdin=asyncio.subprocess.PIPE,
            stdout=output,
            stderr=asyncio.subprocess.STDOUT,
            start_new_session=True,
            env=environment,
        )
    try:
        return await process.wait()
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()
