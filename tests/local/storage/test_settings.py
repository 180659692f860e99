"""What can be chosen about the accounts, and that it is kept."""

from __future__ import annotations

from pathlib import Path

import pytest
from azure.core.exceptions import HttpResponseError
from azure.storage.blob import BlobClient

from local.addresses import ACCOUNT, LAKEHOUSE_ACCOUNT, WORKSPACE_ACCOUNT
from local.storage.settings import Settings, SettingsRefused, load, settle
from tests.local.storage.accounts import Accounts, code_of, opened


def test_the_lakehouse_has_a_hierarchy_unless_others_are_named_first(tmp_path: Path) -> None:
    assert settle(tmp_path / "default").hierarchical == (LAKEHOUSE_ACCOUNT,)
    assert settle(tmp_path / "named", hierarchical=[ACCOUNT]).hierarchical == (ACCOUNT,)


def test_an_account_keeps_its_hierarchy_and_others_may_get_one(tmp_path: Path) -> None:
    settle(tmp_path, hierarchical=[ACCOUNT], firewalls=[WORKSPACE_ACCOUNT])

    later = settle(tmp_path, hierarchical=[LAKEHOUSE_ACCOUNT])

    assert later == load(tmp_path)
    assert (later.hierarchical, later.firewalls) == ((ACCOUNT, LAKEHOUSE_ACCOUNT), (WORKSPACE_ACCOUNT,))
    assert settle(tmp_path, firewalls=[]).firewalls == ()


@pytest.mark.parametrize("named", [{"hierarchical": ["nobody"]}, {"firewalls": ["nobody"]}])
def test_an_unknown_account_is_refused_with_the_known_ones(tmp_path: Path, named: dict[str, list[str]]) -> None:
    with pytest.raises(SettingsRefused, match=r"'nobody'; use one of devstoreaccount1, .*lakehouse"):
        settle(tmp_path, hierarchical=named.get("hierarchical", ()), firewalls=named.get("firewalls"))

    assert load(tmp_path) == Settings()


@pytest.mark.parametrize(
    "changes",
    [[], {"hierarchical": [ACCOUNT]}, {"firewalls": "x"}, {"firewalls": ["nobody"]}, {"put_blob_from_url_api": ""}],
)
def test_only_what_can_change_while_the_part_runs_is_changed(changes: object) -> None:
    with pytest.raises(SettingsRefused):
        Settings().changed(changes)


def choose(accounts: Accounts, body: bytes) -> int:
    return accounts.request("PUT", "/_settings", body=body).status_code


def copied(accounts: Accounts, name: str) -> BlobClient:
    with accounts.landing as landing:
        source = landing.upload_blob(name, b"x", overwrite=True)
    target = accounts.lakehouse.get_blob_client(name)
    target.upload_blob_from_url(source.url, source_authorization=accounts.bearer(), overwrite=True)
    return target


def test_a_firewall_on_either_side_of_a_copy_refuses_it_and_nothing_else(tmp_path: Path) -> None:
    with opened(tmp_path) as accounts:
        for account in (ACCOUNT, LAKEHOUSE_ACCOUNT):
            assert choose(accounts, b'{"firewalls": ["%s"]}' % account.encode()) == 200
            with pytest.raises(HttpResponseError) as refused:
                copied(accounts, "copy")
            assert (refused.value.status_code, code_of(refused.value)) == (403, "CannotVerifyCopySource")
        with pytest.raises(HttpResponseError) as within:
            accounts.lakehouse.upload_blob("a", b"x").upload_blob_from_url(
                accounts.lakehouse.get_blob_client("a").url, source_authorization=accounts.bearer(), overwrite=True
            )
        assert code_of(within.value) == "CannotVerifyCopySource"
        assert accounts.lakehouse.download_blob("a").readall() == b"x"

        headers = {
            "x-ms-version": "2024-08-04",
            "Authorization": accounts.bearer(),
            "x-ms-copy-source": accounts.landing.get_blob_client("copy").url,
            "x-ms-copy-source-authorization": accounts.bearer(),
        }
        for query in ("", "?comp=block&blockid=YQ=="):
            answer = accounts.request("PUT", f"/{LAKEHOUSE_ACCOUNT}/lakehouse/b{query}", headers)
            assert (answer.status_code, answer.headers["x-ms-error-code"]) == (403, "CannotVerifyCopySource")

        assert choose(accounts, b'{"firewalls": []}') == 200
        assert copied(accounts, "copy").download_blob().readall() == b"x"


def test_what_events_call_put_blob_from_url_is_chosen_and_kept(tmp_path: Path) -> None:
    with opened(tmp_path) as accounts:
        assert choose(accounts, b'{"put_blob_from_url_api": "CopyBlob"}') == 200
        assert choose(accounts, b'{"something": 1}') == 400
        told = accounts.request("GET", "/_settings").json()
    assert told["put_blob_from_url_api"] == load(tmp_path).put_blob_from_url_api == "CopyBlob"

    with opened(tmp_path) as accounts, accounts.landing as landing:
        source = landing.upload_blob("source", b"x")
        landing.get_blob_client("target").upload_blob_from_url(source.url, source_authorization=accounts.bearer())

        assert [event["data"]["api"] for event in accounts.events("target")] == ["CopyBlob"]
