"""Each role taken away in turn: what it is documented for is refused, and nothing else is."""

from __future__ import annotations

import pytest
from azure.core.exceptions import HttpResponseError
from azure.storage.blob import ContainerClient
from azure.storage.queue import QueueClient

from local import tls
from local.addresses import ACCOUNT
from local.azureml.workspace.names import WORKSPACE_ID
from local.eventgrid.topics import TOPIC_ID
from local.identity.credential import LocalCredential
from local.roles.identities import APP, COMPUTE, USER, Identity
from local.tokens import MANAGEMENT
from testbed.roles import Assignment, assignments_of, granted, without
from tests.local.azureml.cloud import Cloud
from tests.local.roles.protected import Protected

JOBS = {"submit", "find", "follow", "find in the workspace", "cancel", "where history is", "explain"}
BREAKS = {
    ("Storage Blob Data Contributor", "container landfallstate/landfall"): {"ledger"},
    ("Storage Blob Data Reader", "container devstoreaccount1/landing"): {"landing", "copies"},
    ("Storage Blob Data Contributor", "container azuremlstore/azureml-blobstore-local"): {"outputs", "copies"},
    ("Storage Blob Data Contributor", "container lakehouse/lakehouse"): {"publications"},
    ("AzureML Data Scientist", "workspace"): JOBS,
    ("EventGrid Data Sender", "topic landfall"): {"announce"},
    ("Storage Queue Data Contributor", "queue devstoreaccount1/landing-events"): {"receive", "hide", "make the queue"},
    ("Storage Queue Data Contributor", "queue devstoreaccount1/landing-events-poison"): {"give up"},
}
"""What the app's identity can no longer do without a role on something."""


def of_app(role: str, scope: str) -> Assignment:
    return {"identity": "landfall-app", "role": role, "scope": scope}


def of_compute(role: str, scope: str) -> Assignment:
    return {"identity": "compute", "role": role, "scope": scope}


def test_every_role_of_the_app_has_something_that_it_is_for(protected: Protected) -> None:
    assert [(one["role"], one["scope"]) for one in assignments_of(protected.cloud.state, "landfall-app")] == [*BREAKS]


def test_with_all_its_roles_the_app_is_denied_nothing(protected: Protected) -> None:
    assert protected.denied() == set()


@pytest.mark.parametrize(("role", "scope"), BREAKS, ids=[f"{role} on {scope}" for role, scope in BREAKS])
def test_without_a_role_the_app_is_denied_what_the_role_is_for_and_nothing_else(
    protected: Protected, role: str, scope: str
) -> None:
    with without(protected.cloud.state, of_app(role, scope)):
        assert protected.denied() == BREAKS[role, scope]

    assert protected.denied() == set()


def test_the_documented_invoker_role_does_for_the_app_what_a_data_scientist_may(protected: Protected) -> None:
    state = protected.cloud.state
    with (
        without(state, of_app("AzureML Data Scientist", "workspace")),
        granted(state, of_app("Batch Endpoint Invoker", "workspace")),
    ):
        assert protected.denied() == set()


def test_a_message_processor_can_receive_but_neither_hide_a_message_nor_give_one_up(protected: Protected) -> None:
    state, processor = protected.cloud.state, "Storage Queue Data Message Processor"
    queues = [scope for _, scope in BREAKS if scope.startswith("queue")]
    with (
        without(state, *(of_app("Storage Queue Data Contributor", scope) for scope in queues)),
        granted(state, *(of_app(processor, scope) for scope in queues)),
    ):
        assert protected.denied() == {"hide", "make the queue", "give up"}


def test_a_role_that_is_not_felt_yet_counts_for_nothing(protected: Protected) -> None:
    state, role = protected.cloud.state, of_app("EventGrid Data Sender", "topic landfall")
    with without(state, role):
        with granted(state, {**role, "after": "12h"}):
            assert protected.denied() == {"announce"}
        with granted(state, {**role, "effective": "2020-01-01T00:00:00Z"}):
            assert protected.denied() == set()


def test_an_identity_without_roles_is_denied_everything(protected: Protected) -> None:
    nobody = Identity("nobody", "99999999-9999-4999-8999-999999999999", "99999999-9999-4999-8999-999999999999")

    assert protected.blob("GET", f"{ACCOUNT}/landing/source", identity=nobody).status_code == 403
    assert protected.queue("GET", "landing-events/messages", identity=nobody).status_code == 403
    assert protected.jobs("GET", identity=nobody).status_code == 403
    assert protected.manage("GET", identity=nobody).status_code == 403
    assert protected.announce(identity=nobody).status_code == 401


def test_resource_manager_lists_the_workspace_for_those_who_may_read_it(protected: Protected) -> None:
    def listed() -> list[str]:
        url = f"{protected.cloud.addresses.azureml}{WORKSPACE_ID.rpartition('/')[0]}"
        answer = protected.ask("GET", url, MANAGEMENT, params={"api-version": "2024-10-01"})
        return [one["id"] for one in answer.json()["value"]]

    assert listed() == [WORKSPACE_ID]
    with without(protected.cloud.state, of_app("AzureML Data Scientist", "workspace")):
        assert listed() == []


def test_storage_refuses_in_its_own_words_and_names_neither_role_nor_action(protected: Protected) -> None:
    state, where = protected.cloud.state, protected.cloud.addresses
    landing = ContainerClient(
        where.account_url(),
        "landing",
        LocalCredential.of(state, COMPUTE),
        connection_verify=str(tls.authority(state)),
        retry_total=0,
    )
    with landing, pytest.raises(HttpResponseError) as refused:
        landing.upload_blob("roles/x", b"x")

    assert refused.value.status_code == 403
    assert refused.value.error_code == "AuthorizationPermissionMismatch"  # type: ignore[attr-defined]
    assert "not authorized to perform this operation using this permission" in str(refused.value)


def test_a_copy_whose_source_may_not_be_read_says_that_the_source_is_what_failed(protected: Protected) -> None:
    with without(protected.cloud.state, of_app("Storage Blob Data Reader", "container devstoreaccount1/landing")):
        answer = protected.requests()["copies"]()

    assert answer.headers["x-ms-error-code"] == "CannotVerifyCopySource"
    assert answer.headers["x-ms-copy-source-error-code"] == "AuthorizationPermissionMismatch"


def test_the_queue_client_works_with_a_token_and_is_told_what_it_may_not(protected: Protected) -> None:
    state, where = protected.cloud.state, protected.cloud.addresses
    queue = QueueClient(
        where.queue_url(),
        "landing-events-poison",
        credential=LocalCredential.of(state, APP),
        connection_verify=str(tls.authority(state)),
        retry_total=0,
    )
    with queue:
        queue.create_queue()
        queue.send_message("hello")
        message = queue.receive_message(visibility_timeout=60)
        assert message is not None
        assert message.content == "hello"
        queue.delete_message(queue.update_message(message, visibility_timeout=30))
        with pytest.raises(HttpResponseError) as refused:
            queue.get_queue_access_policy()

    assert refused.value.error_code == "AuthorizationPermissionMismatch"  # type: ignore[attr-defined]


def test_queues_are_listed_under_the_urls_that_their_clients_use(protected: Protected) -> None:
    answer = protected.queue("GET", "?comp=list", identity=USER)

    assert answer.status_code == 200
    assert protected.cloud.addresses.azurite_queue not in answer.text
    assert protected.cloud.addresses.queues in answer.text


def test_azure_ml_names_the_action_and_who_lacks_it(protected: Protected) -> None:
    with without(protected.cloud.state, of_app("AzureML Data Scientist", "workspace")):
        submitted, followed = protected.requests()["submit"](), protected.requests()["follow"]()

    for answer, name in ((submitted, "batchEndpoints/jobs/write"), (followed, "batchEndpoints/jobs/read")):
        assert answer.status_code == 403
        assert answer.json()["error"]["message"] == (
            f"Identity(object id: {APP.object_id}) does not have permissions for "
            f"Microsoft.MachineLearningServices/workspaces/{name} actions. Please refer to "
            "https://aka.ms/azureml-auth-troubleshooting to fix the permissions issue."
        )


def test_resource_manager_names_the_action_the_scope_and_the_client(protected: Protected) -> None:
    with without(protected.cloud.state, of_app("AzureML Data Scientist", "workspace")):
        answer = protected.requests()["cancel"]()

    assert answer.status_code == 403
    assert answer.json()["error"] == {
        "code": "AuthorizationFailed",
        "message": f"The client '{APP.client_id}' with object id '{APP.object_id}' does not have authorization to "
        f"perform action 'Microsoft.MachineLearningServices/workspaces/jobs/cancel/action' over scope "
        f"'{WORKSPACE_ID}/jobs/{protected.job}' or the scope is invalid. If access was recently granted, please "
        "refresh your credentials.",
    }


def test_event_grid_answers_401_to_who_may_not_send(protected: Protected) -> None:
    with without(protected.cloud.state, of_app("EventGrid Data Sender", "topic landfall")):
        answer = protected.announce()

    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "Unauthorized")
    assert f"does not have permission to send data to {TOPIC_ID}" in answer.json()["error"]["message"]


def ended(cloud: Cloud, job: str) -> str:
    """Why a job failed."""
    assert cloud.end(job) == "Failed"
    return cloud.error(job)


def test_a_job_whose_compute_may_not_read_the_input_fails_in_the_documented_words(protected: Protected) -> None:
    cloud = protected.cloud
    with without(cloud.state, of_compute("Storage Blob Data Reader", "container devstoreaccount1/landing")):
        error = ended(cloud, cloud.submit(cloud.land({"a.txt": "1"}), "main"))

    assert "ScriptExecutionException was caused by StreamAccessException. " in error
    assert "StreamAccessException was caused by AuthenticationException." in error


def test_a_job_whose_compute_may_not_write_the_output_fails(protected: Protected) -> None:
    cloud, scope = protected.cloud, "container azuremlstore/azureml-blobstore-local"
    contributor = of_compute("Storage Blob Data Contributor", scope)
    reader = of_compute("Storage Blob Data Reader", scope)
    with without(cloud.state, contributor), granted(cloud.state, reader):
        error = ended(cloud, cloud.submit(cloud.land({"a.txt": "1"}), "main"))

    assert "ScriptExecution.WriteStreams.Authentication" in error


def test_a_job_whose_invoker_may_not_read_the_input_fails_though_the_compute_may(protected: Protected) -> None:
    cloud = protected.cloud
    uri = cloud.land({"a.txt": "1"})
    body = {"properties": {"inputData": {"data": {"jobInputType": "UriFolder", "uri": uri}}}}
    with without(cloud.state, of_app("Storage Blob Data Reader", "container devstoreaccount1/landing")):
        submitted = protected.jobs("POST", json=body)
        assert submitted.status_code == 201
        error = ended(cloud, str(submitted.json()["name"]))

    assert "StreamAccessException was caused by AuthenticationException." in error
