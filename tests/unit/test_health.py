"""Whether everything is in order, and what is told when it is not."""

from __future__ import annotations

from shared.routes import parse_routes
from shared.work.health import problems_of
from shared.work.ledger import Ledger
from testbed.examples import SETTINGS, STATE, digits_route, endpoint_over, replaced
from testbed.fakes import FakeBlobs, FakeClock, FakeEndpoint

NO_ENDPOINT = "route '{}', endpoint.scoring_uri: the app setting {} is not set; set it, or write the value here"
TWICE = "  second:\n" + replaced().partition("  digits:\n")[2]


def a_cloud() -> tuple[FakeBlobs, Ledger, FakeEndpoint]:
    """Storage, ledger and endpoint that are all well."""
    blobs = FakeBlobs(FakeClock())
    return blobs, Ledger(blobs, STATE), endpoint_over(blobs, digits_route())


def test_where_everything_answers_nothing_is_wrong() -> None:
    blobs, ledger, endpoint = a_cloud()

    assert problems_of(parse_routes(replaced(), SETTINGS), blobs, ledger, endpoint) == []


def test_storage_and_endpoints_that_do_not_answer_are_told() -> None:
    blobs, ledger, endpoint = a_cloud()
    blobs.down, endpoint.down = "storage: 503", "endpoint: 503"

    told = problems_of(parse_routes(replaced(), SETTINGS), blobs, ledger, endpoint)

    assert set(told) == {"storage: 503", "endpoint: 503"}


def test_routes_that_are_wrong_are_told_beside_the_rest() -> None:
    """A route with a problem does not keep the others from being checked."""
    blobs, ledger, endpoint = a_cloud()
    endpoint.down = "endpoint: 503"
    wrong = TWICE.replace("digits/{batch}", "letters/{batch}").replace("${DIGITS_SCORING_URI}", "${LETTERS_URI}")

    told = problems_of(parse_routes(replaced() + wrong, SETTINGS), blobs, ledger, endpoint)

    assert told == [
        NO_ENDPOINT.format("second", "LETTERS_URI"),
        "endpoint: 503",
    ]
