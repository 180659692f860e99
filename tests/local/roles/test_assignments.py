"""Who may do what on what, and since when: roles.yaml, as plain values."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from operator import attrgetter

import pytest

from local.addresses import STORAGE_TOPIC
from local.roles import scopes
from local.roles.assignments import Assignments, InvalidAssignments, parse
from local.roles.definitions import Needs, Permission, action, data_action
from local.roles.identities import APP, COMPUTE, KNOWN, Identity, by_client_id, by_name, by_object_id
from local.roles.live import DEFAULT

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)
READ = data_action("Microsoft.Storage/storageAccounts/blobServices/containers/blobs/read")
LANDING = scopes.container("devstoreaccount1", "landing")


def read(lines: str, *, written: datetime = NOON) -> Assignments:
    return parse(f"assignments:\n{lines}", written=written)


def missing(lines: str, *, now: datetime = NOON, needs: Needs = READ, resource: str = LANDING) -> Permission | None:
    return read(lines).missing(APP.object_id, needs, resource, now)


READER = "- {identity: landfall-app, role: Storage Blob Data Reader, scope: %s}"


@pytest.mark.parametrize(
    ("scope", "is_allowed"),
    [
        ("container devstoreaccount1/landing", True),
        ("account devstoreaccount1", True),
        ("subscription", True),
        (LANDING.upper().replace("/SUBSCRIPTIONS", "/subscriptions"), True),
        ("container devstoreaccount1/land", False),
        ("container lakehouse/landing", False),
        ("workspace", False),
    ],
)
def test_an_assignment_counts_for_what_is_below_its_scope(scope: str, is_allowed: bool) -> None:
    assert (missing(READER % scope) is None) is is_allowed


def test_what_is_missing_is_named() -> None:
    assert missing(READER % "workspace") == READ[0][0]


def test_assignments_add_up_and_one_of_the_alternatives_is_enough() -> None:
    both = (*action("a/write"), (Permission("Microsoft.EventGrid/topics/read"), *READ[0]))
    lines = f"{READER % 'subscription'}\n- {{identity: landfall-app, role: Reader, scope: subscription}}"

    assert missing(lines, needs=both) is None
    assert missing(READER % "subscription", needs=both) == Permission("a/write")


def test_a_role_is_somebodys_own() -> None:
    others = (READER % "subscription").replace("landfall-app", "compute")

    assert missing(others) == READ[0][0]
    assert read(others).missing(COMPUTE.object_id, READ, LANDING, NOON) is None


@pytest.mark.parametrize(
    "since",
    ["after: 30m", "after: 1800s", "effective: 2026-01-31T12:30:00Z", "effective: '2026-01-31T14:30:00+02:00'"],
)
def test_an_assignment_is_not_felt_before_its_time(since: str) -> None:
    lines = (READER % "subscription").replace("}", f", {since}}}")

    assert missing(lines, now=NOON + timedelta(minutes=29)) == READ[0][0]
    assert missing(lines, now=NOON + timedelta(minutes=30)) is None


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("assignments: [", "not valid YAML"),
        ("- a", "'assignments', a list"),
        ("assignments: {a: b}", "must be a list"),
        ("assigned: []", "'assignments', a list"),
        ("assignments: [{identity: a, role: Reader}]", "identity, role and scope"),
        ("assignments: [{identity: a, role: Reader, scope: workspace, until: x}]", "identity, role and scope"),
        ("assignments: [{identity: a, role: Ruler, scope: workspace}]", "There is no role 'Ruler'"),
        ("assignments: [{identity: a, role: Reader, scope: everything}]", "'everything' is no scope"),
        ("assignments: [{identity: a, role: Reader, scope: container landing}]", "is no scope"),
        ("assignments: [{identity: a, role: Reader, scope: workspace, after: soon}]", "such as 90s"),
        ("assignments: [{identity: a, role: Reader, scope: workspace, effective: soon}]", "ISO format"),
        ("assignments: []\nroles: {Mine: {actions: all}}", "the role 'Mine'"),
    ],
)
def test_a_file_that_cannot_be_used_says_why(text: str, why: str) -> None:
    with pytest.raises(InvalidAssignments, match=why):
        parse(text, written=NOON)


def test_a_role_may_be_defined_beside_the_assignments() -> None:
    text = """
        roles: {Waver: {dataActions: ["Sea/waves/*"], notDataActions: ["Sea/waves/stop"]}}
        assignments: [{identity: landfall-app, role: Waver, scope: workspace}]
    """

    found = parse(text, written=NOON)

    assert found.missing(APP.object_id, data_action("Sea/waves/make"), scopes.WORKSPACE, NOON) is None
    assert found.missing(APP.object_id, data_action("Sea/waves/stop"), scopes.WORKSPACE, NOON) is not None


def test_the_invoker_role_of_the_documentation_is_there_to_be_assigned() -> None:
    text = DEFAULT.read_text("utf-8").replace("role: AzureML Data Scientist", "role: Batch Endpoint Invoker")

    found = parse(text, written=NOON)

    def lacks(name: str) -> bool:
        needs = action(f"Microsoft.MachineLearningServices/workspaces/{name}")
        return found.missing(APP.object_id, needs, scopes.WORKSPACE, NOON) is not None

    assert not lacks("jobs/cancel/action")
    assert lacks("batchEndpoints/delete")


def test_the_ids_of_resources_are_those_that_events_and_urls_have() -> None:
    assert scopes.account("devstoreaccount1") == STORAGE_TOPIC


@pytest.mark.parametrize("identity", KNOWN, ids=attrgetter("name"))
def test_an_identity_is_found_by_its_name_and_by_its_ids(identity: Identity) -> None:
    assert by_name(identity.name) == by_object_id(identity.object_id) == by_client_id(identity.client_id) == identity


def test_an_identity_that_nobody_knows_is_its_own_object_id() -> None:
    assert by_name("x").object_id == by_object_id("x").object_id == by_client_id("x").object_id == "x"
