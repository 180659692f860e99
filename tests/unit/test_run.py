"""A run's identity, its order and its first document."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from shared.core.event import Landing
from shared.core.location import Container, Location
from shared.core.run import ENDED, Order, Status, first_document, may_run_again, run_id, write_order
from tests.examples import LAKEHOUSE, LANDING, SETTINGS, digits_route, in_landing, tuesday
from tests.fakes import NOON
from tests.unit.routes_files import edited, parsed
from tests.unit.scorings import order_of
from tests.unit.test_snapshot import a_file, snapshot

STORE = Container(SETTINGS["WORKSPACE_ACCOUNT_URL"], "azureml-blobstore")
FILES = ("type: uri_folder", "type: uri_file")
OUTPUT = "azureml://datastores/workspaceblobstore/paths/landfall/{run_id}/{attempt}/predictions.csv"


def test_the_same_content_of_the_same_landing_has_the_same_id() -> None:
    assert run_id("digits", in_landing("a"), "f", 0) == run_id("digits", in_landing("a"), "f", 0)


def test_everything_else_has_an_id_of_its_own() -> None:
    ids = {
        run_id("digits", in_landing("a"), "f", 0),
        run_id("letters", in_landing("a"), "f", 0),
        run_id("digits", in_landing("b"), "f", 0),
        run_id("digits", Location(LAKEHOUSE, "a"), "f", 0),
        run_id("digits", in_landing("a"), "g", 0),
        run_id("digits", in_landing("a"), "f", 1),
    }

    assert len(ids) == 6


def test_an_id_can_be_part_of_instance_ids_and_blob_names() -> None:
    identity = run_id("digits", in_landing("ä b/#?%"), "f", 0)

    assert identity.startswith("digits-")
    assert identity.replace("-", "").isalnum()
    assert len(identity) == len("digits-") + 20


def test_an_order_says_where_everything_is() -> None:
    order = order_of(tuesday(), "0.png", "1.png")
    run = order.run_id

    assert order.landing_folder == in_landing("digits/tuesday")
    assert order.publication == Location(LAKEHOUSE, f"digits/tuesday/run_id={run}")
    assert order.staging_folder == Location(STORE, f"landfall/{run}/input")
    assert order.output_folder_of(3) == Location(STORE, f"landfall/{run}/3")
    assert order.output_uri_of(3) == OUTPUT.replace("{run_id}", run).replace("{attempt}", "3")
    assert (order.files, order.size, order.refusal) == (2, 2, None)


def test_the_folder_is_given_to_the_endpoint_by_its_encoded_url() -> None:
    order = order_of(Landing(digits_route(), "digits/a b#1"))

    assert order.input_uri_of(staged=False) == f"{LANDING.url}/digits/a%20b%231"


def test_a_datastore_path_is_given_as_it_is() -> None:
    route = digits_route(
        ("path: ${LANDING_ACCOUNT_URL}/landing/{landing}", "path: azureml://datastores/in/paths/{landing}"),
        ("    datastores:", "    datastores:\n      in: {account_url: '${LANDING_ACCOUNT_URL}', container: landing}"),
    )

    assert order_of(tuesday(route)).input_uri_of(staged=False) == "azureml://datastores/in/paths/digits/tuesday"


def test_a_single_file_is_given_to_the_endpoint_alone_even_when_it_is_a_copy() -> None:
    order = order_of(Landing(digits_route(FILES), "digits/tuesday/0.png"))

    assert order.input_uri_of(staged=False) == f"{LANDING.url}/digits/tuesday/0.png"
    assert order.input_uri_of(staged=True).endswith(f"landfall/{order.run_id}/input/0.png")
    assert order.landing_folder == in_landing("digits/tuesday")


def test_a_folder_named_like_a_placeholder_is_a_folder() -> None:
    order = order_of(Landing(digits_route(), "digits/{run_id}"))

    assert order.publication.path == f"digits/{{run_id}}/run_id={order.run_id}"


@pytest.mark.parametrize(
    ("staging", "others", "staged", "may_stage", "refused"),
    [
        ("when_needed", 0, False, True, False),
        ("when_needed", 1, True, True, False),
        ("always", 0, True, True, False),
        ("always", 1, True, True, False),
        ("never", 0, False, False, False),
        ("never", 1, False, False, True),
    ],
)
def test_copies_are_scored_where_others_lie_beside_the_files(
    staging: str, others: int, staged: bool, may_stage: bool, refused: bool
) -> None:
    (route,) = parsed(edited(("staging", staging))).usable

    order = order_of(tuesday(route), "0.png", *(f"{number}.txt" for number in range(others)))

    assert (order.staged, order.may_stage) == (staged, may_stage)
    assert ("set staging to when_needed" in (order.refusal or "")) == refused


def test_a_refusal_that_is_known_already_is_not_replaced() -> None:
    (route,) = parsed(edited(("staging", "never"))).usable

    assert order_of(tuesday(route), "0.png", "notes.txt", refusal="too late").refusal == "too late"


def test_a_single_file_does_not_mind_what_lies_beside_it() -> None:
    landing = Landing(digits_route(FILES), "digits/tuesday/0.png")

    assert not order_of(landing, "0.png", "notes.txt").staged


def test_an_order_is_not_written_for_a_route_that_was_not_checked() -> None:
    route = replace(digits_route(), output_path="azureml://datastores/unknown/paths/{run_id}/{attempt}/x.csv")

    with pytest.raises(ValueError, match="is in no known datastore"):
        order_of(tuesday(route))


@pytest.mark.parametrize("landing", ["digits/tuesday", "digits/ä b"])
def test_an_order_survives_the_way_between_functions(landing: str) -> None:
    order = order_of(Landing(digits_route(), landing), refusal="too late")

    assert Order.from_payload(json.loads(json.dumps(order.to_payload()))) == order


def test_an_order_holds_no_file_list() -> None:
    order = order_of(tuesday(), *(f"{number}.png" for number in range(1000)))

    assert len(json.dumps(order.to_payload())) < 4000


def test_the_first_document_is_claimed_and_knows_its_snapshot() -> None:
    order = order_of(tuesday())

    document: dict[str, Any] = first_document(order, claimed_by="watch-1", number=0, now=NOON)

    assert (document["status"], document["revision"], document["claimed_by"]) == ("claimed", 0, "watch-1")
    assert document["landing"] == "landing/digits/tuesday"
    assert document["snapshot"] == {"files": 1, "bytes": 1, "fingerprint": order.fingerprint, "drop": order.drop}
    assert document["created"] == document["updated"] == document["timings"]["claimed"] == NOON.isoformat()
    assert Order.from_payload(document["order"]) == order


def test_a_run_ends_in_one_of_three_ways() -> None:
    assert {Status.PUBLISHED, Status.FAILED, Status.SUPERSEDED} == ENDED


@pytest.mark.parametrize(
    ("status", "drop", "again"),
    [
        ("superseded", "the same", True),
        ("failed", "another", True),
        ("failed", "the same", False),
        ("published", "another", False),
        ("scoring", "another", False),
    ],
)
def test_content_gets_another_run_if_it_was_superseded_or_failed_and_was_dropped_anew(
    status: str, drop: str, again: bool
) -> None:
    assert may_run_again({"status": status, "snapshot": {"drop": "the same"}}, drop) == again


@pytest.mark.parametrize(("staging", "staged"), [("when_needed", True), ("always", True), ("never", False)])
def test_a_landing_that_does_not_rest_is_scored_by_copies(staging: str, staged: bool) -> None:
    (route,) = parsed(edited(("staging", staging))).usable

    order = write_order(tuesday(route), snapshot(a_file("0.png")), number=0, refusal=None, restless=True)

    assert order.staged == staged
