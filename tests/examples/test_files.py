"""What stands in the examples' YAML files, read by those who will read them: the CLI's loaders and the app."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from shared.routes import parse_routes
from testbed.examples import ROOT

EXAMPLES = ROOT / "examples"


def named(pattern: str) -> list[Any]:
    return [pytest.param(path, id=path.relative_to(EXAMPLES).as_posix()) for path in sorted(EXAMPLES.glob(pattern))]


@pytest.mark.parametrize("path", named("*/deployments/*/endpoint.yml"))
@pytest.mark.filterwarnings("ignore")
def test_the_cli_takes_each_endpoint_which_names_no_deployment_that_is_not_there_yet(path: Path) -> None:
    from azure.ai.ml import load_batch_endpoint

    endpoint = load_batch_endpoint(path)

    assert endpoint.name == path.parent.name
    assert endpoint.defaults is None


@pytest.mark.parametrize("path", named("*/deployments/*/*/deployment.yml"))
@pytest.mark.filterwarnings("ignore")
def test_the_cli_takes_each_deployment(path: Path) -> None:
    from azure.ai.ml.entities import _load_functions as loaders

    kind = yaml.safe_load(path.read_text("utf-8"))["type"]
    load = loaders.load_model_batch_deployment if kind == "model" else loaders.load_pipeline_component_batch_deployment

    deployment = load(path)

    assert deployment.name == path.parent.name
    assert deployment.endpoint_name == yaml.safe_load((path.parents[1] / "endpoint.yml").read_text("utf-8"))["name"]


@pytest.mark.parametrize("example", ["tabular", "mlflow", "pipeline"])
def test_the_app_takes_each_route_and_it_leads_to_the_endpoint_of_its_example(example: str) -> None:
    (endpoint,) = (EXAMPLES / example / "deployments").glob("*/endpoint.yml")
    name = yaml.safe_load(endpoint.read_text("utf-8"))["name"]
    accounts = ("LANDING", "WORKSPACE", "LAKEHOUSE")
    settings = {f"{account}_ACCOUNT_URL": f"https://{account.lower()}.blob.core.windows.net" for account in accounts}
    settings |= {"WORKSPACE_CONTAINER": "azureml", f"{name.upper()}_SCORING_URI": "https://scoring.azure.com/jobs"}

    routes = parse_routes((EXAMPLES / example / "routes.yaml").read_text("utf-8"), settings)

    assert routes.problems == ()
    assert [route.endpoint.scoring_uri for route in routes.usable] == ["https://scoring.azure.com/jobs"]
