"""Which Azure is played: chosen on the command line, told in stack.json, kept by the state directory."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from local import tls
from local.azure import parse
from local.identity.credential import LocalCredential
from local.tokens import AZURE_ML
from tests.local.stack.stacks import Up, local, up

CHOICE = "strict,unknown_job=500,deployment_header=ignored"  # the endpoint has no deployment


def unknown_job(started: Up) -> int:
    """What the scoring host answers when it is asked for a job that is not there."""
    url = f"{started.described['azureml']['scoring_uris']['word-lengths']}/nobody-s"
    token = LocalCredential.of(started.state).get_token(f"{AZURE_ML}/.default").token
    with httpx.Client(verify=tls.client_context(started.state), trust_env=False) as http:
        return http.get(url, headers={"Authorization": f"Bearer {token}"}).status_code


@pytest.mark.long
def test_what_was_chosen_is_played_told_and_kept_whatever_a_refused_start_asks_for(tmp_path: Path) -> None:
    state = tmp_path / "state"

    with up(state, "azureml", "--azure", CHOICE) as first:
        refused = local("azureml", "--state", str(state), "--deployments", str(tmp_path), "--azure", "silent")
        assert "already running" in refused.stderr
        assert first.described["azure"] == parse(CHOICE).answers()
        assert unknown_job(first) == 500
    with up(state, "azureml") as again:
        assert again.described["azure"] == parse(CHOICE).answers()
        assert unknown_job(again) == 500


@pytest.mark.parametrize("command", ["up", "azureml"])
def test_a_wrong_answer_is_refused_before_anything_starts(tmp_path: Path, command: str) -> None:
    flags = ("--state", str(tmp_path / "state"), "--deployments", str(tmp_path), "--azure", "kind,unknown_job=200")

    refused = local(command, *flags)

    assert refused.returncode == 2
    assert "unknown_job cannot be '200'; its answers are 404, 400, 500" in refused.stderr
    assert not (tmp_path / "state").exists()
