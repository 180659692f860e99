"""What roles allow, as Azure evaluates them."""

from __future__ import annotations

import pytest

from local.roles.definitions import InvalidRole, Permission, Role, built_in_roles, parse_role

BLOBS = "Microsoft.Storage/storageAccounts/blobServices/containers/blobs"
MESSAGES = "Microsoft.Storage/storageAccounts/queueServices/queues/messages"
QUEUES = "Microsoft.Storage/storageAccounts/queueServices/queues"
WORKSPACES = "Microsoft.MachineLearningServices/workspaces"


def allows(role: str, name: str, *, is_data: bool = False) -> bool:
    return built_in_roles()[role].allows(Permission(name, is_data))


@pytest.mark.parametrize(
    ("role", "allowed"),
    [
        ("Storage Blob Data Reader", {"read"}),
        ("Storage Blob Data Contributor", {"read", "write", "delete", "add/action"}),
        ("Storage Blob Data Owner", {"read", "write", "delete", "add/action", "tags/write"}),
        ("Owner", set()),
        ("Reader", set()),
    ],
)
def test_only_data_roles_reach_blobs(role: str, allowed: set[str]) -> None:
    operations = {"read", "write", "delete", "add/action", "tags/write"}

    assert {one for one in operations if allows(role, f"{BLOBS}/{one}", is_data=True)} == allowed


def test_a_message_processor_can_neither_hide_a_message_for_longer_nor_make_a_queue() -> None:
    role = "Storage Queue Data Message Processor"

    assert allows(role, f"{MESSAGES}/process/action", is_data=True)
    assert not allows(role, f"{MESSAGES}/write", is_data=True)
    assert not allows(role, f"{QUEUES}/write")


def test_a_data_scientist_invokes_and_cancels_but_makes_no_compute() -> None:
    role = "AzureML Data Scientist"

    assert allows(role, f"{WORKSPACES}/batchEndpoints/jobs/write")
    assert allows(role, f"{WORKSPACES}/jobs/cancel/action")
    assert allows(role, f"{WORKSPACES}/read")
    assert allows(role, f"{WORKSPACES}/computes/read")
    assert not allows(role, f"{WORKSPACES}/computes/write")
    assert not allows(role, f"{WORKSPACES}/computes/listKeys/action")
    assert not allows(role, f"{WORKSPACES}/write")


def test_an_action_is_not_a_data_action_of_the_same_name() -> None:
    everything = Role(name="all", actions=("*",))

    assert everything.allows(Permission("any/read"))
    assert not everything.allows(Permission("any/read", is_data=True))


def test_what_is_excepted_is_not_allowed_by_the_same_role() -> None:
    role = Role(name="most", data_actions=("a/*",), not_data_actions=("a/b/*",))

    assert role.allows(Permission("a/c/read", is_data=True))
    assert not role.allows(Permission("a/b/read", is_data=True))


def test_case_makes_no_difference() -> None:
    assert allows("Reader", "microsoft.STORAGE/storageAccounts/READ")


@pytest.mark.parametrize("pattern", ["a.b/read", "a/b"])
def test_a_pattern_without_wildcards_stands_for_itself_alone(pattern: str) -> None:
    assert not Role(name="one", actions=(pattern,)).allows(Permission("aXb/read"))
    assert Role(name="one", actions=(pattern,)).allows(Permission(pattern))


@pytest.mark.parametrize("body", [None, [], {"action": []}, {"actions": "*"}, {"actions": [1]}])
def test_a_definition_that_azure_would_not_take_is_refused(body: object) -> None:
    with pytest.raises(InvalidRole, match="'mine'"):
        parse_role("mine", body)
