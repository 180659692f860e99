"""Carries out the job of a model deployment: data in, mini-batches scored, results out."""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
from pathlib import Path

from local.azureml.errors import Refusal
from local.azureml.execution.batches import MLFLOW_FILES, unsupported_file
from local.azureml.execution.environments import Environments
from local.azureml.execution.folders import JobFolders
from local.azureml.execution.scoring import init_timeout, score
from local.azureml.execution.workers import WorkerSpec
from local.azureml.workspace.asset_files import AssetFiles
from local.azureml.workspace.data import AlreadyThere, Storage
from local.azureml.workspace.deployed import Deployed
from local.azureml.workspace.deployments import Deployment
from local.azureml.workspace.jobs import InputKind, Job, JobFailed
from local.azureml.workspace.pythons import told, variables
from local.azureml.workspace.settings import OutputAction
from local.azureml.workspace.uris import BlobPath, Places, UnresolvedUri
from local.roles.identities import by_object_id

UNSUPPORTED_INPUT = (
    "Data set node [code] references parameter `dataset_param`, "
    "which doesn't have a specified value or a default value."
)
"""Source: Azure docs, how-to-troubleshoot-batch-endpoints."""
_MLFLOW_SCRIPT = Path(__file__).with_name("mlflow_driver.py")


class ModelJobs:
    """Every method raises JobFailed when the job cannot go on."""

    def __init__(
        self, *, deployed: Deployed, storage: Storage, places: Places, files: AssetFiles, environments: Environments
    ) -> None:
        self._deployed = deployed
        self._storage = storage
        self._places = places
        self._files = files
        self._environments = environments

    async def surroundings(self, job: Job) -> str:
        """What its script runs in, for its log; it is built if it has to be."""
        deployment = self._deployment(job)
        return told(deployment.environment, deployment.python, await self._built(deployment))

    async def _built(self, deployment: Deployment) -> str | None:
        """The Python that was made of the deployment's environment, unless it names one itself."""
        return None if deployment.python else await self._environments.python(deployment.environment)

    async def run(self, job: Job, folders: JobFolders) -> None:
        """Leave the results in the job's folders."""
        if job.inputs[0].kind in (InputKind.TABLE, InputKind.DATASET):
            raise JobFailed(UNSUPPORTED_INPUT)
        target = self._resolve(job.output_uri)
        if job.settings.output_action is OutputAction.APPEND_ROW and await self._storage.is_taken(target):
            raise AlreadyThere(target)
        deployment = self._deployment(job)
        spec = await self._prepare(job, deployment, folders)
        sources = await self._storage.list_input(self._resolve(job.inputs[0].uri), job.inputs[0].kind)
        if deployment.code is None and (found := unsupported_file([source.path for source in sources], MLFLOW_FILES)):
            raise JobFailed(found)
        # The compute mounts, and what is read there is read as whoever has invoked the endpoint.
        # Source: Azure docs, how-to-authenticate-batch-endpoint, "Configure compute clusters for data access".
        invoker = self._storage.acting_as(by_object_id(job.created_by))
        files = await invoker.download(sources, folders.input)
        await score(files, job.settings, spec, folders)

    async def write(self, job: Job, folders: JobFolders) -> None:
        """Everything at once and only now, so that nobody reads half a result."""
        target = self._resolve(job.output_uri)
        if job.settings.output_action is OutputAction.APPEND_ROW:
            await self._storage.create(folders.result, target, job.child)
        for file in sorted(path for path in folders.output.rglob("*") if path.is_file()):
            path = file.relative_to(folders.output).as_posix()
            await self._storage.create(file, target.beside(path), job.child)

    def _deployment(self, job: Job) -> Deployment:
        try:
            return self._deployed.deployment(job.endpoint, job.deployment)
        except Refusal as refusal:
            raise JobFailed(refusal.message) from refusal

    async def _prepare(self, job: Job, deployment: Deployment, folders: JobFolders) -> WorkerSpec:
        assert deployment.model is not None, "a model deployment without a model is refused when it is made"
        model = await self._files.local(deployment.model)
        code = await self._files.local(deployment.code) if deployment.code else None
        await asyncio.to_thread(_lay_out, folders, model, code)
        python = deployment.python or await self._built(deployment)
        script = folders.code / (deployment.scoring_script or _MLFLOW_SCRIPT.name)
        if not script.is_file():
            raise JobFailed(f"The scoring script {script.name!r} does not exist in the code folder.")
        return WorkerSpec(
            python=python or sys.executable,
            inputs=folders.input,
            code=folders.code,
            script=script,
            environment={
                **variables(python, os.environ),
                **deployment.environment_variables,
                # Source: Azure docs, how-to-batch-scoring-script.
                "AZUREML_MODEL_DIR": str(folders.models),
                "AZUREML_BI_OUTPUT_PATH": str(folders.output),
            },
            arguments=("--logging_level", job.settings.logging_level.upper()),
            logs=folders.logs,
            init_timeout=init_timeout(job.settings),
            run_timeout=job.settings.timeout,
        )

    def _resolve(self, uri: str) -> BlobPath:
        try:
            return self._places.resolve(uri)
        except UnresolvedUri as error:
            raise JobFailed(str(error)) from error


def _lay_out(folders: JobFolders, model: Path, code: Path | None) -> None:
    folders.make_anew()
    if code:
        # Scripts may write into their folder; in Azure that is a snapshot too.
        shutil.copytree(code, folders.code, ignore=shutil.ignore_patterns("__pycache__"))
    else:
        folders.code.mkdir()
        shutil.copy(_MLFLOW_SCRIPT, folders.code)
    if model.is_dir():
        # Its own, as in Azure: what a script does to its model must reach no other job, and not the one who wrote it.
        shutil.copytree(model, folders.models / model.name)
    else:
        shutil.copy2(model, folders.models / model.name)
