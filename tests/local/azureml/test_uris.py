from __future__ import annotations

import pytest

from local.azureml.workspace.names import WORKSPACE_ID
from local.azureml.workspace.uris import BlobPath, UnresolvedUri
from tests.local.azureml.workspaces import STORAGE, places

LONG = "azureml://subscriptions/22222222-2222-4222-8222-222222222222/resourcegroups/landfall-local"


@pytest.mark.parametrize(
    "uri",
    [
        "azureml://datastores/landing/paths/digits/mon",
        "azureml://datastores/Landing/paths//digits//mon/",
        f"{LONG}/workspaces/local/datastores/landing/paths/digits/mon",
        f"{LONG}/providers/Microsoft.MachineLearningServices/workspaces/local/datastores/landing/paths/digits/mon",
        f"{WORKSPACE_ID}/datastores/landing/paths/digits/mon",
        f"azureml:{WORKSPACE_ID}/datastores/landing/paths/digits/mon",
        f"{STORAGE}/devstoreaccount1/landing/digits/mon",
        "https://devstoreaccount1.blob.core.windows.net/landing/digits/mon/",
        "https://devstoreaccount1.dfs.core.windows.net/landing/digits/mon",
    ],
)
def test_every_documented_form_names_the_same_folder(uri: str) -> None:
    assert places().resolve(uri) == BlobPath("devstoreaccount1", "landing", "digits/mon")


def test_escapes_are_read_in_urls_and_left_alone_on_datastores() -> None:
    assert places().resolve(f"{STORAGE}/lakehouse/c/a%20b").path == "a b"
    assert places().resolve("azureml://datastores/landing/paths/a%20b").path == "a%20b"


@pytest.mark.parametrize(
    ("uri", "reason"),
    [
        (
            "azureml://datastores/nowhere/paths/x",
            "does not exist; the datastores are workspaceblobstore, workspaceartifactstore, landing",
        ),
        (f"{LONG}/workspaces/other/datastores/landing/paths/x", "names another workspace"),
        ("azureml:asset:1", "The data asset .* does not exist"),
        (f"{WORKSPACE_ID}/data/asset/versions/1", "The data asset .* does not exist"),
        ("azureml://datastores/landing/paths/a/../../other/x", "segment"),
        ("https://example.com/landing/x", "not the URL of a storage account"),
        ("https://elsewhere.blob.core.windows.net/c/x", "account 'elsewhere' of .* does not exist here"),
        (f"{STORAGE}/devstoreaccount1/landing/x?sig=abc", "has a query string"),
        (f"{STORAGE}/devstoreaccount1", "does not name a container"),
        ("/data/here", "neither"),
    ],
)
def test_what_cannot_be_reached_is_refused_with_a_reason(uri: str, reason: str) -> None:
    with pytest.raises(UnresolvedUri, match=reason):
        places().resolve(uri)


def test_a_sibling_is_in_the_same_folder() -> None:
    assert BlobPath("a", "c", "x/y.csv").beside("z").path == "x/z"
    assert BlobPath("a", "c", "y.csv").beside("z").path == "z"
