"""Every notation in which `az ml batch-endpoint invoke` takes data, and what the service is sent for it."""

from __future__ import annotations

import pytest

from shared.core.references import Asset, Notation, read_reference

ARM = "/subscriptions/s/resourceGroups/g/providers/Microsoft.MachineLearningServices/workspaces/w"
LONG = "azureml://subscriptions/s/resourcegroups/g/workspaces/w/datastores/d/paths/a/b.csv"

SENT: dict[Notation, list[tuple[str, str | None]]] = {
    Notation.URL: [("https://acct.blob.core.windows.net/c/a/b.csv", None)],
    Notation.DATASTORE: [("azureml://datastores/d/paths/a/b.csv", None)],
    Notation.LONG_DATASTORE: [(LONG, None)],
    Notation.ARM_DATASTORE: [
        (f"{ARM}/datastores/d/paths/a/b.csv", None),
        (f"azureml:{ARM}/datastores/d/paths/a/b.csv", f"{ARM}/datastores/d/paths/a/b.csv"),
    ],
    Notation.ASSET: [("azureml:heart:3", None)],
    Notation.LABELED_ASSET: [("azureml:heart@latest", None)],
    Notation.ARM_ASSET: [
        (f"{ARM}/data/heart/versions/3", None),
        (f"azureml:{ARM}/data/heart/versions/3", f"{ARM}/data/heart/versions/3"),
    ],
    Notation.LONG_ASSET: [
        ("azureml://locations/westeurope/workspaces/w/data/heart/versions/3", None),
        ("azureml://registries/r/data/heart/versions/3", None),
    ],
    Notation.ABFSS: [
        ("abfss://c@acct.dfs.core.windows.net/a/b.csv", "https://acct.blob.core.windows.net/c/a/b.csv"),
        ("abfs://c@acct.dfs.core.usgovcloudapi.net/a", "https://acct.blob.core.usgovcloudapi.net/c/a"),
    ],
    Notation.WASBS: [("wasbs://c@acct.blob.core.windows.net/a/b.csv", "https://acct.blob.core.windows.net/c/a/b.csv")],
}
"""Examples of each notation: as it is written, and as it is sent where that differs."""


@pytest.mark.parametrize("notation", Notation)
def test_a_notation_is_known_by_its_form_and_sent_as_the_service_takes_it(notation: Notation) -> None:
    for written, sent in SENT[notation]:
        found = read_reference(written)

        assert found is not None
        assert (found.notation, found.sent) == (notation, sent or written)


def test_placeholders_may_stand_in_every_notation_that_has_a_path() -> None:
    assert read_reference("abfss://c@a.dfs.core.windows.net/{landing}") is not None
    assert read_reference("azureml://datastores/d/paths/{region}/{day}") is not None
    assert read_reference("azureml:prices:{day}") is not None


@pytest.mark.parametrize(
    ("written", "asset"),
    [
        ("azureml:heart:3", Asset("heart", version="3")),
        ("azureml:heart@latest", Asset("heart", label="latest")),
        (f"azureml:{ARM}/data/heart/versions/3", None),
        ("azureml://datastores/d/paths/a", None),
    ],
)
def test_only_an_asset_by_name_has_to_be_looked_up(written: str, asset: Asset | None) -> None:
    found = read_reference(written)

    assert found is not None
    assert found.asset == asset


@pytest.mark.parametrize(
    "written",
    [
        "",
        "data/unlabeled",
        "./data",
        "file:///etc/passwd",
        "http://acct.blob.core.windows.net/c/a",
        "https://acct.blob.core.windows.net/c/a?sv=1&sig=x",
        "https://acct.blob.core.windows.net",
        "azureml:heart",
        "azureml://datastores/d",
        "abfss://acct.dfs.core.windows.net/a",
        "abfss://c@acct.blob.core.windows.net/a",
        "ftp://a/b",
        "azureml:a b:1",
    ],
)
def test_anything_else_is_no_reference(written: str) -> None:
    assert read_reference(written) is None
