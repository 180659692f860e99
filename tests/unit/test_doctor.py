"""The doctor's checks: each stands for itself, names what is missing, and leaves nothing behind."""

from __future__ import annotations

from dataclasses import replace

import pytest

from shared.core.location import Container, Location
from shared.core.open_facts import UNKNOWN, Fact
from shared.errors import InputRefused, Problem
from shared.routes import Routes
from testbed.examples import LAKEHOUSE, LANDING, STATE, digits_route
from testbed.questions import STRICT
from tests.unit.doctors import Patient, a_patient, failed, verdicts

WORKSPACE = Container("https://workspace.blob.core.windows.net", "azureml-blobstore")
LISTED = [f"jobs listed by {way}" for way in ("Resource Manager", "the management front end", "the scoring host")]
OF_ROUTE = [
    "landing listed",
    "copy to the output datastore",
    "copy to the lakehouse",
    "output datastore written",
    "lakehouse written",
    "endpoint read",
    "deployment fits",
    *LISTED,
    "run history read",
]


@pytest.fixture
def patient() -> Patient:
    found = a_patient()
    found.land("0.png", "1.png")
    return found


def test_an_app_that_has_all_that_it_needs_is_told_so_line_by_line(patient: Patient) -> None:
    before = patient.everything()

    report = patient.ask()

    assert report.is_ok
    assert verdicts(report) == dict.fromkeys(["ledger written", "queue read", *OF_ROUTE], "ok")
    assert {check.route for check in report.checks if check.name in OF_ROUTE} == {"digits"}
    assert all(check.tried and check.came_back for check in report.checks)
    assert report.identity == ("11111111-1111-1111-1111-111111111111",)
    assert patient.everything() == before
    assert patient.endpoint.posts == []


@pytest.mark.parametrize("hierarchical", [False, True])
def test_nothing_is_left_behind_not_even_a_directory(patient: Patient, hierarchical: bool) -> None:
    patient.blobs.hierarchical = hierarchical
    patient.land("2.png")
    directories, before = set(patient.blobs.directories), patient.everything()

    assert patient.ask().is_ok

    assert patient.everything() == before
    assert patient.blobs.directories == directories


def test_a_directory_that_was_there_before_stays_though_it_is_empty(patient: Patient) -> None:
    patient.blobs.hierarchical = True
    patient.blobs.directories.add(Location(LAKEHOUSE, "digits"))
    directories = set(patient.blobs.directories)

    patient.ask()

    assert patient.blobs.directories == directories


@pytest.mark.parametrize(
    ("container", "needs", "name", "role"),
    [
        (
            STATE,
            "write",
            "ledger written",
            "Storage Blob Data Contributor on the container landfall of the account state",
        ),
        (LANDING, "read", "landing listed", "Storage Blob Data Reader on the container landing of the account landing"),
        (WORKSPACE, "write", "output datastore written", "Storage Blob Data Contributor on the container azureml"),
        (LAKEHOUSE, "write", "lakehouse written", "Storage Blob Data Contributor on the container lakehouse"),
    ],
    ids=["ledger", "landing", "output", "lakehouse"],
)
def test_without_a_role_on_a_container_the_one_check_that_needs_it_fails_and_names_it(
    patient: Patient, container: Container, needs: str, name: str, role: str
) -> None:
    (patient.blobs.unreadable if needs == "read" else patient.blobs.unwritable).add(container)
    before = patient.everything()

    report = patient.ask()

    (line,) = failed(report)
    assert line.name == name
    assert line.advice is not None
    assert line.advice.startswith(f"Give the app's identity {role}")
    assert "Give" not in line.came_back
    assert patient.everything() == before


@pytest.mark.parametrize(
    ("denied", "names"),
    [
        ("endpoint", ["endpoint read"]),
        ("jobs", ["jobs listed by Resource Manager"]),
        ("front end", ["jobs listed by the management front end"]),
        ("scoring host", ["jobs listed by the scoring host"]),
        ("history", ["run history read"]),
    ],
)
def test_without_an_action_on_the_workspace_the_checks_that_need_it_fail_and_name_a_role(
    patient: Patient, denied: str, names: list[str]
) -> None:
    patient.questions.denied = frozenset({denied})

    lines = failed(patient.ask())

    assert [line.name for line in lines] == names
    assert all("AzureML Data Scientist" in (line.advice or "") for line in lines)


def test_without_a_role_on_the_queue_its_check_names_it(patient: Patient) -> None:
    patient.questions.denied = frozenset({"queue"})

    (line,) = failed(patient.ask())

    assert line.name == "queue read"
    assert "Storage Queue Data Contributor" in (line.advice or "")


def test_an_app_without_a_queue_needs_none(patient: Patient) -> None:
    patient.questions.has_queue = False

    report = patient.ask()

    assert report.is_ok
    assert verdicts(report)["queue read"] == "skipped"


def test_a_copy_through_the_app_is_fine_and_told(patient: Patient) -> None:
    patient.blobs.walled = frozenset({LANDING.account_url})

    report = patient.ask()

    told = {check.name: check.came_back for check in report.checks}
    assert report.is_ok
    assert "streamed through the app" in told["copy to the output datastore"]
    assert "streamed" not in told["copy to the lakehouse"]


def test_without_a_file_that_has_landed_the_copy_from_there_cannot_be_tried() -> None:
    report = a_patient().ask()

    assert report.is_ok
    assert verdicts(report)["copy to the output datastore"] == "skipped"
    assert verdicts(report)["copy to the lakehouse"] == "ok"


def test_a_route_that_never_copies_needs_no_role_to_write_outputs() -> None:
    """As the page on deployment says: reading is enough there."""
    patient = a_patient(replace(digits_route(), staging="never"))
    patient.land("0.png")
    patient.blobs.unwritable.add(WORKSPACE)

    report = patient.ask()

    assert report.is_ok
    assert verdicts(report)["output datastore read"] == "ok"


def test_what_is_read_back_has_to_be_what_was_written(patient: Patient) -> None:
    def changed(blob: Location) -> None:
        if blob.container == LAKEHOUSE:
            patient.blobs.put(blob, b"something else")

    patient.blobs.before_read = changed

    (line,) = failed(patient.ask())

    assert line.name == "lakehouse written"


def test_a_defect_in_the_middle_leaves_nothing_behind(patient: Patient) -> None:
    def broken(blob: Location) -> None:
        if blob.container == WORKSPACE:
            raise ZeroDivisionError

    patient.blobs.before_read = broken
    before = patient.everything()

    with pytest.raises(ZeroDivisionError):
        patient.ask()

    assert patient.everything() == before


def test_only_the_named_route_is_checked() -> None:
    other = replace(digits_route(), name="letters")
    patient = a_patient(digits_route(), other)

    assert {check.route for check in patient.ask().checks} == {None, "digits", "letters"}
    assert {check.route for check in patient.ask(route="letters").checks} == {None, "letters"}
    with pytest.raises(InputRefused, match="it must be one that can be used: digits, letters"):
        patient.ask(route="numbers")


def test_a_route_that_cannot_be_used_is_told_beside_the_others(patient: Patient) -> None:
    patient.routes = Routes(patient.routes.usable, (Problem("letters", "ready.quiet", "'soon' is not valid"),))

    (line,) = failed(patient.ask())

    assert (line.name, line.route, line.came_back) == ("routes.yaml", "letters", "'soon' is not valid")


def test_what_is_seen_of_azure_is_told_as_answers(patient: Patient) -> None:
    patient.questions.default = None
    patient.questions.message = '{"topic": "t", "eventType": "e"}'

    found = {fact: finding.answer for fact, finding in patient.ask().findings.items()}

    seen = (Fact.SCORING_HOST_LISTS, Fact.FRONT_END_LISTS, Fact.DEPLOYMENT_HEADER, Fact.UNKNOWN_JOB)
    assert {fact: found[fact] for fact in seen} == {fact: STRICT[fact] for fact in seen}
    assert found[Fact.QUEUE_ENCODING] == "plain"
    assert {found[fact] for fact in (Fact.OUTPUTS_SHOWN, Fact.WAITING_SHOWN, Fact.INPUT_URLS)} == {UNKNOWN}


def test_nothing_is_concluded_from_an_endpoint_that_is_not_there(patient: Patient) -> None:
    """It answers 404, too, and that says nothing about lists."""
    patient.endpoint.problem = "it has no deployment 'gone'"

    report = patient.ask()

    assert [line.name for line in failed(report)] == ["endpoint read"]
    assert {finding.answer for finding in report.findings.values()} == {UNKNOWN}
