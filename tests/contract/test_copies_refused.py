"""Copies that storage refuses because it cannot read their source: a firewall is in the way, or the source has changed.

Seen before: `404 CannotVerifyCopySource` was taken for a source that had changed. So the run was superseded, the same
content was claimed once more, and that went on within seconds for as long as the other account was not reachable. And
where both accounts have a firewall, nothing could ever be copied.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import closing

import pytest

from local.addresses import WORKSPACE_ACCOUNT
from local.identity.credential import LocalCredential
from shared.adapters.blobs import AzureBlobs
from shared.adapters.streaming import REMEMBERED
from shared.core.location import Container, Location
from shared.errors import Denied, Unavailable
from shared.ports import Copied
from tests.contract.refusing import BEHIND_A_FIREWALL, NOT_READ, Faults
from tests.contract.written import copy, written
from tests.local.azureml.cloud import Cloud

SIZES = pytest.mark.parametrize("size", [10, 1500], ids=["at once", "in blocks"])
_numbers = itertools.count()
REFUSALS = {
    "403": (403, BEHIND_A_FIREWALL),
    "403, told by the source alone": (403, {**BEHIND_A_FIREWALL, "x-ms-error-code": "AuthorizationFailure"}),
    "403, without the source's words": (403, NOT_READ),
    "404": (404, NOT_READ),
    "409": (409, NOT_READ),
    "412": (412, NOT_READ),
}
REFUSED = pytest.mark.parametrize(("status", "headers"), REFUSALS.values(), ids=REFUSALS)


class Hours:
    """A monotonic clock that is moved by hand."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def hours() -> Hours:
    return Hours()


@pytest.fixture
def azure(cloud: Cloud, hours: Hours) -> Iterator[AzureBlobs]:
    credential = LocalCredential.of(cloud.state)
    with closing(AzureBlobs(credential, one_request=1000, block=400, streamed_block=400, monotonic=hours)) as azure:
        yield azure


@pytest.fixture
def folder(cloud: Cloud) -> Location:
    """Where nobody else writes."""
    store = Container(cloud.addresses.account_url(WORKSPACE_ACCOUNT), "azureml-blobstore-local")
    return Location(store, f"refused/{next(_numbers)}")


@pytest.fixture
def faults(cloud: Cloud) -> Iterator[Faults]:
    """Until the test is over."""
    faults = Faults(cloud)
    yield faults
    faults.clear()


@SIZES
@REFUSED
def test_a_source_that_is_there_as_it_was_is_streamed(
    azure: AzureBlobs, folder: Location, faults: Faults, size: int, status: int, headers: dict[str, str]
) -> None:
    version = written(azure, folder.at("source"), b"1" * size)
    faults.refuse_copies(status, headers)

    assert copy(azure, folder.at("source"), folder.at("target"), version) is Copied.STREAMED

    stored = azure.read(folder.at("target"))
    assert stored is not None
    assert stored.content == b"1" * size


@SIZES
@REFUSED
def test_a_source_that_is_another_by_now_has_changed(
    azure: AzureBlobs, folder: Location, faults: Faults, size: int, status: int, headers: dict[str, str]
) -> None:
    version = written(azure, folder.at("source"), b"1" * size)
    written(azure, folder.at("source"), b"2" * size)
    faults.refuse_copies(status, headers)

    assert copy(azure, folder.at("source"), folder.at("target"), version) is Copied.SOURCE_CHANGED
    assert azure.stat(folder.at("target")) is None


@SIZES
def test_a_source_that_is_gone_has_changed(azure: AzureBlobs, folder: Location, faults: Faults, size: int) -> None:
    version = written(azure, folder.at("source"), b"1" * size)
    azure.delete(folder.at("source"))
    faults.refuse_copies()

    assert copy(azure, folder.at("source"), folder.at("target"), version) is Copied.SOURCE_CHANGED


@pytest.mark.parametrize("status", ["429", "500", "503"])
def test_a_source_that_is_only_busy_is_no_firewall(
    azure: AzureBlobs, folder: Location, faults: Faults, status: str
) -> None:
    """Streaming would make it busier, and for ten minutes at that."""
    version = written(azure, folder.at("source"), b"1")
    faults.refuse_copies(403, {**NOT_READ, "x-ms-copy-source-status-code": status})

    with pytest.raises(Unavailable, match="CannotVerifyCopySource"):
        copy(azure, folder.at("source"), folder.at("target"), version)


def test_a_source_that_this_app_may_not_read_either_is_denied(
    azure: AzureBlobs, folder: Location, faults: Faults
) -> None:
    version = written(azure, folder.at("source"), b"1")
    faults.refuse_copies(403, {**NOT_READ, "x-ms-copy-source-error-code": "AuthorizationPermissionMismatch"})
    faults.hide_source(403, {"x-ms-error-code": "AuthorizationPermissionMismatch"})

    with pytest.raises(Denied, match=r"read the properties of .*/source: 403 AuthorizationPermissionMismatch"):
        copy(azure, folder.at("source"), folder.at("target"), version)


def test_a_target_that_may_not_be_written_is_denied_and_not_streamed_to(
    azure: AzureBlobs, folder: Location, faults: Faults
) -> None:
    version = written(azure, folder.at("source"), b"1")
    faults.refuse_copies(403, {"x-ms-error-code": "AuthorizationFailure"})

    with pytest.raises(Denied, match="403 AuthorizationFailure"):
        copy(azure, folder.at("source"), folder.at("target"), version)
    assert azure.stat(folder.at("target")) is None


def test_the_service_is_not_asked_for_every_file_but_every_ten_minutes(
    azure: AzureBlobs, folder: Location, faults: Faults, hours: Hours, caplog: pytest.LogCaptureFixture
) -> None:
    faults.refuse_copies()
    version = written(azure, folder.at("source"), b"1")

    outcomes = [copy(azure, folder.at("source"), folder.at(f"target-{number}"), version) for number in range(3)]
    assert outcomes == [Copied.STREAMED] * 3
    assert faults.refused == 2  # of the first file, by the short way and by the SDK
    assert [record.getMessage().split()[0] for record in caplog.records] == ["landfall.copies.refused"]

    hours.now += REMEMBERED
    copy(azure, folder.at("source"), folder.at("target-3"), version)
    assert faults.refused == 4

    faults.clear()  # the firewall was opened
    hours.now += REMEMBERED
    assert copy(azure, folder.at("source"), folder.at("target-4"), version) is Copied.MADE
