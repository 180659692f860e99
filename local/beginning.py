"""`python -m local init NAME`: a route, a deployment and some data that work at once, to begin one's own from."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

from local.commands import CommandFailed
from local.python import own_python

NAME = re.compile(r"[a-z][a-z0-9-]{1,30}[a-z0-9]")
"""A batch endpoint's name has 3 to 32 lower-case letters, digits and hyphens. Source: Azure docs, how-to-manage-quotas
(endpoints: names begin with a letter and end with a letter or digit)."""

ROUTES = """\
routes:
  {name}:
    landing:                       # which folders are scored, and which files in them
      account_url: ${{LANDING_ACCOUNT_URL}}
      container: landing
      folder: {name}/{{day}}
      files: ["*.csv"]
    ready:                         # when a folder is complete; or: marker: _SUCCESS
      quiet: 5s
    endpoint:                      # the batch endpoint that scores them
      scoring_uri: ${{{setting}_SCORING_URI}}
    inputs:
      measurements:
        type: uri_folder
        path: ${{LANDING_ACCOUNT_URL}}/landing/{{landing}}
    outputs:
      predictions:
        type: uri_file
        path: azureml://datastores/workspaceblobstore/paths/landfall/{{run_id}}/{{attempt}}/predictions.csv
    datastores:
      workspaceblobstore:
        account_url: ${{WORKSPACE_ACCOUNT_URL}}
        container: ${{WORKSPACE_CONTAINER}}
    polling:
      first: 2s
      longest: 1m
    publish:                       # where results go
      account_url: ${{LAKEHOUSE_ACCOUNT_URL}}
      container: lakehouse
      path: {name}/{{day}}
"""

ENDPOINT = """\
$schema: https://azuremlschemas.azureedge.net/latest/batchEndpoint.schema.json
name: {name}
auth_mode: aad_token
"""

DEPLOYMENT = """\
$schema: https://azuremlschemas.azureedge.net/latest/modelBatchDeployment.schema.json
name: first
endpoint_name: {name}
type: model
model:
  name: {name}
  path: model
  type: custom_model
code_configuration:
  code: code
  scoring_script: score.py
environment:
  name: {name}-python
  image: mcr.microsoft.com/azureml/openmpi4.1.0-ubuntu22.04:latest
  conda_file: environment/conda.yaml
compute: azureml:batch-cluster     # the name of your cluster
resources:
  instance_count: 1
settings:
  max_concurrency_per_instance: 2
  mini_batch_size: 10
  output_action: append_row
  output_file_name: predictions.csv
  error_threshold: 0               # one file that cannot be scored fails the job: nothing is published by halves
"""

CONDA = """\
name: {name}
channels: [conda-forge]
dependencies:
  - python=3.11
  - pip
  - pip: [azureml-core]
"""

SCRIPT = '''\
"""Scores CSV files with rows of a name and a number: is the number above the model's threshold?"""

import csv
import json
import os
from pathlib import Path

model: dict[str, float] = {}


def init() -> None:
    """Once for each process: load the model. AZUREML_MODEL_DIR is where Azure ML has put it."""
    (file,) = Path(os.environ["AZUREML_MODEL_DIR"]).rglob("model.json")
    model.update(json.loads(file.read_text("utf-8")))


def run(mini_batch: list[str]) -> list[str]:
    """Once for each mini batch of files: a line of predictions.csv for each row in them."""
    lines = []
    for path in mini_batch:
        with Path(path).open(newline="", encoding="utf-8") as file:
            for name, value in csv.reader(file):
                lines.append(f"{Path(path).name},{name},{float(value) > model['threshold']}")
    return lines
'''

DATA = {"north.csv": "pump-1,0.2\npump-2,0.9\n", "south.csv": "pump-3,0.7\n", "west.csv": "pump-4,0.1\npump-5,0.6\n"}


def begin(name: str, folder: Path) -> Iterator[Path]:
    """Write everything; each file once it is there. Raises CommandFailed before anything is overwritten."""
    if not NAME.fullmatch(name):
        raise CommandFailed(
            f"{name!r} cannot be an endpoint's name: 3 to 32 lower-case letters, digits and hyphens, the first a "
            "letter and the last no hyphen."
        )
    files = {folder / path: content for path, content in _files(name).items()}
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise CommandFailed(f"{folder} is there already; nothing was written. Choose another folder with --to.")
    for path, content in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, "utf-8")
        yield path


def _files(name: str) -> dict[str, str]:
    given = {"name": name, "setting": name.upper().replace("-", "_")}
    deployment = f"deployments/{name}/first"
    return {
        "routes.yaml": ROUTES.format(**given),
        f"deployments/{name}/endpoint.yml": ENDPOINT.format(**given),
        f"{deployment}/deployment.yml": DEPLOYMENT.format(**given),
        f"{deployment}/environment/conda.yaml": CONDA.format(**given),
        f"{deployment}/code/score.py": SCRIPT,
        f"{deployment}/model/model.json": '{"threshold": 0.5}\n',
        **{f"data/monday/{file}": content for file, content in DATA.items()},
    }


def next_steps(name: str, folder: Path) -> str:
    """The commands that have it work."""
    python, routes, deployments, data = (
        own_python(),
        *(shlex.quote(str(folder / part)) for part in ("routes.yaml", "deployments", "data/monday")),
    )
    return f"""\
Next, in one terminal:
  {python} -m local up --routes {routes} --deployments {deployments}
and in another:
  {python} -m local drop {data} landing/{name}/monday
  {python} -m local wait
  {python} -m landfall results {name}
Then put in your own model and script: docs/own-model.md."""
