"""Containers, blob paths, Azure ML's references and path templates."""

from __future__ import annotations

import pytest

from shared.core.location import (
    LONGEST_BLOB_NAME,
    Container,
    Location,
    account_of,
    fill,
    fixed_prefix,
    is_safe,
    locate,
    placeholders,
    prefixes_overlap,
)

LANDING = Container("https://landing.blob.core.windows.net", "landing")
STORE = Container("https://workspace.blob.core.windows.net", "azureml-blobstore")
LONG_FORM = "azureml://subscriptions/s/resourcegroups/g/workspaces/w/datastores/store/paths/a/b.csv"
ARM_FORM = (
    "/subscriptions/s/resourceGroups/g/providers/Microsoft.MachineLearningServices/workspaces/w"
    "/datastores/store/paths/a/b.csv"
)


@pytest.mark.parametrize(
    ("path", "encoded"),
    [
        pytest.param("digits/tuesday/0.png", "digits/tuesday/0.png", id="plain"),
        pytest.param("digits/a b", "digits/a%20b", id="space"),
        pytest.param("digits/50%", "digits/50%25", id="percent"),
        pytest.param("digits/#1?", "digits/%231%3F", id="hash and question mark"),
        pytest.param("digits/Grüße", "digits/Gr%C3%BC%C3%9Fe", id="umlauts"),
        pytest.param("day=1/run_id=x", "day=1/run_id=x", id="equals signs stay readable"),
    ],
)
def test_a_url_is_percent_encoded(path: str, encoded: str) -> None:
    assert Location(LANDING, path).url == f"https://landing.blob.core.windows.net/landing/{encoded}"


@pytest.mark.parametrize(
    ("url", "account"),
    [
        pytest.param("https://landing.blob.core.windows.net", "landing", id="public cloud"),
        pytest.param("https://landing.z6.blob.storage.azure.net", "landing", id="DNS zone"),
        pytest.param("https://Landing.blob.core.windows.net", "landing", id="host names have no case"),
        pytest.param("https://localhost:10000/devstore", "devstore", id="path style"),
        pytest.param("http://127.0.0.1:10000/devstore", "devstore", id="path style over http"),
    ],
)
def test_the_account_is_taken_from_the_url(url: str, account: str) -> None:
    assert account_of(url) == account


@pytest.mark.parametrize(
    "path",
    ["a", "a/b.png", "a b", "ä/ß", "#1", "50%", "%2e%2e/a", "a+b", "{x}", "...", "..a/b..", "a" * LONGEST_BLOB_NAME],
)
def test_odd_but_legal_paths_are_usable(path: str) -> None:
    assert is_safe(path)


@pytest.mark.parametrize(
    "path",
    [
        "",
        "/",
        "/a",
        "a/",
        "a//b",
        ".",
        "..",
        "a/./b",
        "a/../b",
        "../a",
        "a\\b",
        "a\nb",
        "a\x00",
        "a\x7f",
        "a\x85b",
        "a\ufffe",
        "a\uffff",
        "a\ud800",
        "a" * (LONGEST_BLOB_NAME + 1),
    ],
)
def test_paths_that_could_mean_another_place_are_not_usable(path: str) -> None:
    assert not is_safe(path)


@pytest.mark.parametrize(
    ("reference", "path"),
    [
        pytest.param("azureml://datastores/store/paths/a/b.csv", "a/b.csv", id="short"),
        pytest.param(LONG_FORM, "a/b.csv", id="long"),
        pytest.param(ARM_FORM, "a/b.csv", id="ARM id"),
        pytest.param(f"azureml:{ARM_FORM}", "a/b.csv", id="ARM id with scheme"),
        pytest.param("AzureML://Datastores/store/Paths/a/b.csv", "a/b.csv", id="keywords have no case"),
        pytest.param("azureml://datastores/store/paths//a//b.csv", "a/b.csv", id="double slashes"),
        pytest.param("azureml://datastores/store/paths/a%20b", "a%20b", id="not an URL, so nothing is decoded"),
        pytest.param(f"{STORE.url}/a/b.csv", "a/b.csv", id="https of a datastore's container"),
    ],
)
def test_a_reference_to_a_datastore_is_located(reference: str, path: str) -> None:
    assert locate(reference, {"store": STORE}) == Location(STORE, path)


@pytest.mark.parametrize(
    "reference",
    [
        "azureml://datastores/other/paths/a",
        "azureml://datastores/Store/paths/a",
        "azureml://jobs/j/outputs/default",
        "https://landing.blob.core.windows.net/landing2/a",
        "https://elsewhere.blob.core.windows.net/landing/a",
        "landing/a",
        "",
    ],
)
def test_a_reference_to_nothing_known_is_not_located(reference: str) -> None:
    assert locate(reference, {"store": STORE}, (LANDING,)) is None


def test_an_https_reference_is_decoded() -> None:
    assert locate(f"{LANDING.url}/digits//a%20b", {}, (LANDING,)) == Location(LANDING, "digits/a b")


def test_a_template_is_filled_in_one_pass() -> None:
    template = "{route}/{batch}/x{batch}"

    assert placeholders(template) == {"route", "batch"}
    assert fill(template, {"route": "r", "batch": "{route}"}) == "r/{route}/x{route}"
    with pytest.raises(KeyError, match="batch"):
        fill(template, {"route": "r"})


@pytest.mark.parametrize(
    ("template", "prefix"), [("a/b", "a/b"), ("a/{x}/b", "a/"), ("a/day={x}", "a/day="), ("{x}", "")]
)
def test_the_fixed_prefix_ends_at_the_first_placeholder(template: str, prefix: str) -> None:
    assert fixed_prefix(template) == prefix


@pytest.mark.parametrize(
    ("one", "other", "overlap"),
    [
        ("digits/", "digits/", True),
        ("digits/a/", "digits/", True),
        ("", "digits/", True),
        ("digits-out/", "digits/", False),
    ],
)
def test_prefixes_overlap_if_one_is_within_the_other(one: str, other: str, overlap: bool) -> None:
    assert prefixes_overlap(one, other) == prefixes_overlap(other, one) == overlap


def test_a_place_knows_its_folder_its_name_and_what_is_below_it() -> None:
    file = Location(LANDING, "digits/tuesday/0.png")

    assert (file.parent, file.name) == (Location(LANDING, "digits/tuesday"), "0.png")
    assert file.parent.at("part/1.png") == Location(LANDING, "digits/tuesday/part/1.png")


def test_what_lies_directly_in_a_container_has_the_container_as_its_folder() -> None:
    file = Location(LANDING, "0.png")

    assert (file.parent, file.name) == (Location(LANDING, ""), "0.png")
    assert file.parent.at("1.png") == Location(LANDING, "1.png")


@pytest.mark.parametrize(
    ("account_url", "expected"),
    [
        ("https://lake.blob.core.windows.net", "https://lake.dfs.core.windows.net/c"),
        ("https://lake.z01.blob.storage.azure.net", "https://lake.z01.dfs.storage.azure.net/c"),
        ("https://lake.blob.core.usgovcloudapi.net", "https://lake.dfs.core.usgovcloudapi.net/c"),
        ("https://127.0.0.1:10000/lake", "https://127.0.0.1:10000/lake/c"),
    ],
    ids=["Azure", "a DNS zone", "another cloud", "an emulator"],
)
def test_a_container_has_an_address_at_the_data_lake_endpoint(account_url: str, expected: str) -> None:
    assert Container(account_url, "c").filesystem_url == expected
