"""What the workspace and its accounts may be called, and that a state directory keeps what it was begun with."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from local.naming import Names, NamesRefused, chosen, keep, load, parse

SUBSCRIPTION = "0f0f0f0f-1111-4222-8333-444444444444"
PROVIDER = "providers/Microsoft.MachineLearningServices"
OTHERS = Names(subscription_id=SUBSCRIPTION, resource_group="rg-ml.prod", workspace_name="ml_prod")


@pytest.mark.parametrize(
    "text",
    [
        f"{SUBSCRIPTION}/rg-ml.prod/ml_prod",
        f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-ml.prod/{PROVIDER}/workspaces/ml_prod",
        f"/subscriptions/{SUBSCRIPTION}/resourcegroups/rg-ml.prod/{PROVIDER.lower()}/workspaces/ml_prod/",
    ],
)
def test_a_workspace_is_named_by_three_names_or_its_id(text: str) -> None:
    assert parse(text) == OTHERS


def test_the_file_that_studio_gives_for_download_names_it_too(tmp_path: Path) -> None:
    file = tmp_path / "config.json"
    names = {"subscription_id": SUBSCRIPTION, "resource_group": "rg-ml.prod", "workspace_name": "ml_prod"}
    file.write_text(json.dumps(names))

    assert parse(str(file)) == OTHERS


def test_a_yaml_file_may_name_the_accounts_only(tmp_path: Path) -> None:
    file = tmp_path / "names.yml"
    file.write_text("landing_account: stcustomerland\nlakehouse_account: stcustomerlake\n")

    assert parse(str(file)).accounts == ("stcustomerland", "landfallstate", "azuremlstore", "stcustomerlake")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("only-a-name", "is neither SUBSCRIPTION/GROUP/NAME, nor a workspace's id, nor a file"),
        ("sub/group/name", "subscription_id must be a GUID, not 'sub'"),
        (f"{SUBSCRIPTION}/a group/name", "resource_group must be 1 to 90 letters"),
        (f"{SUBSCRIPTION}/group./name", "the last one no ."),
        (f"{SUBSCRIPTION}/group/no", "workspace_name must be 3 to 33 letters"),
        ("nowhere.yml", "cannot be read"),
    ],
)
def test_names_that_nothing_can_have_are_refused_with_the_rule(text: str, words: str) -> None:
    with pytest.raises(NamesRefused, match=words):
        parse(text)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("subscription: x", "subscription is none of subscription_id, resource_group"),
        ("landing_account: Big", "landing_account must be 3 to 24 lower-case letters and digits, not 'Big'"),
        ("landing_account: lakehouse", "the accounts need four names, not lakehouse, "),
        ("[a]", "must be a mapping of names"),
        ("resource_group: 3", "must be a mapping of names"),
    ],
)
def test_a_file_with_anything_else_is_refused(tmp_path: Path, content: str, words: str) -> None:
    (tmp_path / "names.yaml").write_text(content)

    with pytest.raises(NamesRefused, match=words):
        parse(str(tmp_path / "names.yaml"))


def test_a_state_directory_keeps_the_names_that_it_was_begun_with(tmp_path: Path) -> None:
    assert chosen(None, None, tmp_path) == Names()
    assert chosen(None, OTHERS, tmp_path) == OTHERS
    assert chosen(OTHERS, None, tmp_path) == OTHERS
    with pytest.raises(NamesRefused, match=r"was begun as 22222222-.*it cannot become 0f0f0f0f-.*another --state"):
        chosen(Names(), OTHERS, tmp_path)


def test_a_state_directory_of_before_has_the_usual_names(tmp_path: Path) -> None:
    assert load(tmp_path) is None
    (tmp_path / "addresses.json").write_text("{}")
    assert load(tmp_path) == Names()
    keep(tmp_path)
    assert load(tmp_path) == Names()
