"""Account SAS that a part signs are those that the SDK makes."""

from __future__ import annotations

from datetime import UTC, datetime
from urllib.parse import parse_qs

import pytest
from azure.storage.blob import AccountSasPermissions, ResourceTypes, Services, generate_account_sas

from local.addresses import ACCOUNT_KEY
from local.sas import account_sas

EXPIRES = datetime(2036, 2, 3, 4, 5, 6, tzinfo=UTC)


@pytest.mark.parametrize("service", ["b", "q"])
@pytest.mark.parametrize("permissions", ["r", "rwdlacup", "rwdlacupt"])
def test_a_signature_is_that_of_the_sdk(service: str, permissions: str) -> None:
    sas = generate_account_sas(
        "lakehouse",
        ACCOUNT_KEY,
        resource_types=ResourceTypes(service=True, container=True, object=True),
        permission=AccountSasPermissions.from_string(permissions),  # type: ignore[no-untyped-call]
        expiry=EXPIRES,
        services=Services(blob=service == "b", queue=service == "q"),
    )

    version = parse_qs(sas)["sv"][0]
    ours = account_sas("lakehouse", service=service, permissions=permissions, expires=EXPIRES, version=version)
    assert parse_qs(ours) == parse_qs(sas)
