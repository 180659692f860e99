"""What the doctor may be asked, and what it advises."""

from __future__ import annotations

import json

import pytest

from shared.core.checkup import (
    ROLES,
    Check,
    Following,
    Need,
    Report,
    Verdict,
    advice,
    history,
    in_words,
    read_asked,
    shown,
    ways_of_listing,
)
from shared.core.open_facts import ALL_UNKNOWN, Reply, Way
from shared.errors import Denied, InputRefused, LandfallError, Unavailable
from testbed.examples import LANDING
from tests.unit.test_deploy_page import rows, section

ID = "0123456789abcdef" * 2


@pytest.mark.parametrize(
    ("body", "hint"),
    [
        (b"[]", "Not a valid Request"),
        (b"{", "Not valid JSON"),
        (b'{"sumbit": true}', "sumbit"),
        (b'{"submit": "yes"}', "submit"),
        (b'{"submit": true}', '{"submit": true, "route": NAME}'),
        (b'{"folder": "digits/tuesday"}', "about a probe job"),
        (b'{"route": "digits", "urls": true}', "about a probe job"),
        (b'{"stop": true}', '{"probe": ID, "stop": true}'),
        (b'{"probe": "../runs/1"}', "32 hex digits"),
        (b'{"probe": "ABC"}', "32 hex digits"),
        (json.dumps({"probe": ID + "\n"}).encode(), "32 hex digits"),
        (json.dumps({"probe": ID, "route": "digits"}).encode(), "followed alone"),
        (json.dumps({"probe": {"id": ID, "job": "batchjob-1"}}).encode(), "probe"),
    ],
)
def test_a_request_that_is_not_understood_is_answered_by_what_would_be(body: bytes, hint: str) -> None:
    with pytest.raises(InputRefused) as refused:
        read_asked(body)

    assert hint in str(refused.value)


@pytest.mark.parametrize("body", [b"", b"  ", b"{}"])
def test_without_a_body_everything_is_checked(body: bytes) -> None:
    asked = read_asked(body)

    assert (asked.route, asked.submit, asked.probe) == (None, False, None)


@pytest.mark.parametrize("need", Need)
def test_the_advised_roles_are_those_of_the_page_on_deployment(need: Need) -> None:
    """The doctor must not ask for more, nor for less, than the page does."""
    on_page = [role for role, on, _ in rows(section("### The app's identity")) if on == need.value]

    (role,) = on_page
    assert all(name in role for name in ROLES[need])


@pytest.mark.parametrize(
    ("trouble", "need", "expected"),
    [
        (
            Denied("Could not list https://…: 403 AuthorizationPermissionMismatch."),
            Need.LANDING,
            "Give the app's identity Storage Blob Data Reader on the container landing of the account landing.",
        ),
        (
            Denied("403: Identity does not have permissions for jobs/read actions"),
            Need.WORKSPACE,
            "Give the app's identity AzureML Data Scientist or Batch Endpoint Invoker on the container",
        ),
        (
            Denied("Could not list https://…: 403 AuthorizationFailure."),
            Need.LANDING,
            "let the function app's subnet in",
        ),
        (Unavailable("Could not write https://…: 404 ContainerNotFound."), Need.LEDGER, "correct LANDFALL_STATE_URL"),
        (Unavailable("no token. Check the app's managed identity."), Need.OUTPUT, "set AZURE_CLIENT_ID"),
        (Unavailable("host did not answer"), Need.OUTPUT, "reaches the container landing of the account landing"),
        (InputRefused("it has no deployment 'gone'"), Need.WORKSPACE, "Correct endpoint.scoring_uri"),
    ],
)
def test_trouble_is_told_with_what_to_do_about_it(trouble: LandfallError, need: Need, expected: str) -> None:
    assert expected in advice(trouble, need, in_words(LANDING))


def replied(status: int | None, words: str = "words") -> Reply:
    return Reply(asked="GET https://host/jobs", status=status, words=words)


@pytest.mark.parametrize(
    ("way", "status", "verdict"),
    [
        (Way.RESOURCE_MANAGER, 200, Verdict.OK),
        (Way.RESOURCE_MANAGER, 404, Verdict.FAILED),
        (Way.RESOURCE_MANAGER, 403, Verdict.FAILED),
        (Way.FRONT_END, 400, Verdict.OK),
        (Way.FRONT_END, 403, Verdict.FAILED),
        (Way.SCORING_HOST, 405, Verdict.OK),
        (Way.SCORING_HOST, 500, Verdict.FAILED),
        (Way.SCORING_HOST, None, Verdict.FAILED),
    ],
)
def test_only_resource_manager_has_to_list_jobs_but_nobody_may_deny_it(
    way: Way, status: int | None, verdict: Verdict
) -> None:
    (check,) = ways_of_listing([(way, replied(status))], "digits")

    assert check.verdict is verdict
    assert (check.advice is None) is (verdict is Verdict.OK)


@pytest.mark.parametrize(
    ("status", "verdict"),
    [(404, Verdict.OK), (400, Verdict.OK), (200, Verdict.OK), (403, Verdict.FAILED), (None, Verdict.FAILED)],
)
def test_run_history_that_knows_no_such_run_can_be_read(status: int | None, verdict: Verdict) -> None:
    assert history(replied(status), "digits").verdict is verdict


def test_a_report_is_shown_with_every_member_and_is_not_ok_if_one_check_failed() -> None:
    checks = [Check(name="a", verdict=verdict, tried="t", came_back="c") for verdict in Verdict]
    probe = Following(id=ID, route="digits", ended=False)

    told = json.loads(json.dumps(shown(Report(checks=tuple(checks), findings=ALL_UNKNOWN, probe=probe))))

    assert told["ok"] is False
    assert [check["verdict"] for check in told["checks"]] == ["ok", "failed", "skipped"]
    assert told["checks"][0] == {
        "name": "a",
        "verdict": "ok",
        "tried": "t",
        "came_back": "c",
        "route": None,
        "advice": None,
    }
    assert set(told["open_questions"]["unknown_job"]) == {"answer", "seen"}
    assert told["probe"]["ended"] is False
    assert shown(Report(checks=(checks[0], checks[2]), findings=ALL_UNKNOWN))["ok"] is True
