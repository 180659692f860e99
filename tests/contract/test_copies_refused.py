"""A copy that storage refuses because it cannot see the source, although the source is there as it was.

Seen before: `404 CannotVerifyCopySource` was taken for a source that had changed. So the run was superseded, the same
content was claimed once more, and that went on within seconds for as long as the other account was not reachable.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import pytest

from local.addresses import WORKSPACE_ACCOUNT
from local.identity.credential import LocalCredential
from shared.adapters.blobs import AzureBlobs
from shared.core.location import Container, Location
from shared.errors import Unavailable
from shared.ports import Copied
from tests.contract.written import copy, written
from tests.local.azureml.cloud import Cloud

SIZES = pytest.mark.parametrize("size", [10, 1500], ids=["at once", "in blocks"])
_numbers = itertools.count()
NOT_SEEN = pytest.mark.parametrize("status", [404, 412])


@pytest.fixture
def azure(cloud: Cloud) -> Iterator[AzureBlobs]:
    with closing(AzureBlobs(LocalCredential.of(cloud.state), one_request=1000, block=400)) as azure:
        yield azure


@pytest.fixture
def folder(cloud: Cloud) -> Location:
    """Where nobody else writes."""
    store = Container(cloud.addresses.account_url(WORKSPACE_ACCOUNT), "azureml-blobstore-local")
    return Location(store, f"refused/{next(_numbers)}")


@pytest.fixture
def refuse_copies(cloud: Cloud) -> Iterator[Callable[..., None]]:
    """Have storage answer whoever copies to a target so, until the test is over."""
    faults = f"{cloud.addresses.storage}/_faults"

    def put(**action: Any) -> None:
        rule = {"match": {"method": "PUT", "path": "/target"}, "action": action}
        cloud.http.put(faults, json=[rule]).raise_for_status()

    yield put
    cloud.http.delete(faults).raise_for_status()


@SIZES
@NOT_SEEN
def test_a_source_that_is_there_as_it_was_has_not_changed(
    azure: AzureBlobs, folder: Location, refuse_copies: Callable[..., None], size: int, status: int
) -> None:
    version = written(azure, folder.at("source"), b"1" * size)
    refuse_copies(status=status, headers={"x-ms-error-code": "CannotVerifyCopySource"})

    with pytest.raises(Unavailable, match="CannotVerifyCopySource"):
        copy(azure, folder.at("source"), folder.at("target"), version)


@SIZES
@NOT_SEEN
def test_a_source_that_is_another_by_now_has_changed(
    azure: AzureBlobs, folder: Location, refuse_copies: Callable[..., None], size: int, status: int
) -> None:
    version = written(azure, folder.at("source"), b"1" * size)
    written(azure, folder.at("source"), b"2" * size)
    refuse_copies(status=status, headers={"x-ms-error-code": "CannotVerifyCopySource"})

    assert copy(azure, folder.at("source"), folder.at("target"), version) is Copied.SOURCE_CHANGED
