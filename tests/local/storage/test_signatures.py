"""What a signature (SAS) restricts beyond its permissions: the protocol, and the address that it is used from."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from azure.core.exceptions import HttpResponseError
from azure.storage.blob import (
    AccountSasPermissions,
    BlobSasPermissions,
    ResourceTypes,
    generate_account_sas,
    generate_blob_sas,
)
from azure.storage.queue import QueueClient, QueueSasPermissions, generate_queue_sas

from local import tls
from local.addresses import ACCOUNT, ACCOUNT_KEY
from tests.local.storage.accounts import Accounts, code_of

HERE, ELSEWHERE = "127.0.0.1", "1.2.3.4"


def soon() -> datetime:
    return datetime.now(UTC) + timedelta(hours=1)


def for_blob(name: str, **limits: Any) -> str:
    permission = BlobSasPermissions(read=True)
    place = (ACCOUNT, "landing", name)
    return generate_blob_sas(*place, account_key=ACCOUNT_KEY, permission=permission, expiry=soon(), **limits)


def for_account(**limits: Any) -> str:
    resources, permission = ResourceTypes(container=True, object=True), AccountSasPermissions(read=True, list=True)
    return generate_account_sas(ACCOUNT, ACCOUNT_KEY, resources, permission, soon(), **limits)


def queue(accounts: Accounts, **limits: Any) -> QueueClient:
    """The queue `signed`, opened by a signature with limits."""
    permission = QueueSasPermissions(read=True, process=True, add=True)
    sas = generate_queue_sas(ACCOUNT, "signed", ACCOUNT_KEY, permission=permission, expiry=soon(), **limits)
    return _queue(accounts, sas)


def _queue(accounts: Accounts, credential: Any) -> QueueClient:
    url, trusted = accounts.where.queue_url(ACCOUNT), str(tls.authority(accounts.state))
    return QueueClient(url, "signed", credential=credential, connection_verify=trusted, retry_total=0)


def written(accounts: Accounts, name: str) -> str:
    with accounts.landing as landing:
        landing.upload_blob(name, b"data", overwrite=True)
    return name


@pytest.mark.parametrize("limits", [{"protocol": "https"}, {"ip": HERE}, {"ip": "127.0.0.0-127.0.0.9"}])
def test_a_signature_opens_what_it_is_for_over_https_and_from_its_addresses(
    accounts: Accounts, limits: dict[str, str]
) -> None:
    """The portal and Microsoft's examples sign for HTTPS only."""
    name = written(accounts, "signed/within")

    for sas in (for_blob(name, **limits), for_account(**limits)):
        answer = accounts.request("GET", f"/{ACCOUNT}/landing/{name}?{sas}")
        assert (answer.status_code, answer.content) == (200, b"data")


def test_a_signature_of_a_queue_may_be_for_https_only_too(accounts: Accounts) -> None:
    key = {"account_name": ACCOUNT, "account_key": ACCOUNT_KEY}
    with _queue(accounts, key) as owned:
        owned.create_queue()

    with queue(accounts, protocol="https", ip=HERE) as signed:
        signed.send_message("hello")
        assert [message.content for message in signed.receive_messages()] == ["hello"]
    with queue(accounts, ip=ELSEWHERE) as signed, pytest.raises(HttpResponseError) as refused:
        signed.send_message("hello")
    assert (refused.value.status_code, code_of(refused.value)) == (403, "AuthorizationSourceIPMismatch")


@pytest.mark.parametrize("told", [{}, {"Front-Protocol": "http"}])
def test_no_header_of_a_client_takes_https_from_its_request(accounts: Accounts, told: dict[str, str]) -> None:
    name = written(accounts, "signed/told")

    assert accounts.request("GET", f"/{ACCOUNT}/landing/{name}?{for_blob(name, protocol='https')}", told).is_success


def test_over_http_a_signature_for_https_only_is_refused(accounts: Accounts) -> None:
    name = written(accounts, "signed/direct")

    url = f"{accounts.where.azurite_blob}/{ACCOUNT}/landing/{name}?{for_blob(name, protocol='https')}"
    answer = httpx.get(url, trust_env=False)

    assert (answer.status_code, answer.headers["x-ms-error-code"]) == (403, "AuthorizationProtocolMismatch")


@pytest.mark.parametrize("ip", [ELSEWHERE, "1.2.3.4-1.2.3.9", "127.0.0.2-127.0.0.9", "somewhere"])
def test_from_another_address_a_signature_is_refused(accounts: Accounts, ip: str) -> None:
    name = written(accounts, "signed/elsewhere")

    for sas in (for_blob(name, ip=ip), for_account(ip=ip)):
        answer = accounts.request("GET", f"/{ACCOUNT}/landing/{name}?{sas}")
        assert (answer.status_code, answer.headers["x-ms-error-code"]) == (403, "AuthorizationSourceIPMismatch")
        assert HERE in answer.text


def test_a_source_is_copied_by_a_signature_for_https_only(accounts: Accounts) -> None:
    name = written(accounts, "signed/source")
    source = f"{accounts.where.account_url()}/landing/{name}?{for_blob(name, protocol='https')}"

    copies = [accounts.lakehouse.get_blob_client(f"signed/copy-{number}") for number in range(3)]

    copies[0].upload_blob_from_url(source)
    copies[1].start_copy_from_url(source)
    copies[2].start_copy_from_url(source, requires_sync=True)

    assert [copy.download_blob().readall() for copy in copies] == [b"data"] * 3


def test_a_source_is_not_copied_by_a_signature_for_the_address_of_the_client(accounts: Accounts) -> None:
    """Not the client reads it, but the service."""
    name = written(accounts, "signed/pinned")
    source = f"{accounts.where.account_url()}/landing/{name}?{for_blob(name, ip=HERE)}"
    copy = accounts.lakehouse.get_blob_client("signed/pinned")

    for ask in (copy.upload_blob_from_url, copy.start_copy_from_url):
        with pytest.raises(HttpResponseError) as refused:
            ask(source)
        assert (refused.value.status_code, code_of(refused.value)) == (403, "CannotVerifyCopySource")
