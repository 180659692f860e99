"""Which blobs a path means; the cases are those that the documentation and the WebJobs SDK's rules lead to."""

from __future__ import annotations

import pytest

from local.host.triggers.blob_paths import BadBlobPath, blob_path


@pytest.mark.parametrize(
    ("path", "name", "told"),
    [
        ("c", "any/thing", {}),
        ("c/{name}", "a/b.txt", {"name": "a/b.txt"}),
        ("c/{name}.{ext}", "a.b.txt", {"name": "a.b", "ext": "txt"}),
        ("c/original-{name}", "original-x.txt", {"name": "x.txt"}),
        ("c/original-{name}", "x.txt", None),
        ("c/{name}.txt", "x.txt.gz", None),
        ("c/{name}.txt", "x_txt", None),
        ("c/{folder}/{name}", "a/b/c", {"folder": "a/b", "name": "c"}),
        ("c/{{20140101}}-{name}", "{20140101}-soundfile.mp3", {"name": "soundfile.mp3"}),
        ("c/fixed.txt", "fixed.txt", {}),
        ("c/fixed.txt", "Fixed.txt", None),
        ("c/{name}", "two\nlines", {"name": "two\nlines"}),
    ],
)
def test_a_path_means_names_and_takes_them_apart(path: str, name: str, told: dict[str, str] | None) -> None:
    assert blob_path("f", path).match(name) == told


def test_a_path_begins_with_what_can_be_asked_for() -> None:
    assert blob_path("f", "Landing/in/{{x}}/{name}.csv").literal == "in/{x}/"
    assert blob_path("f", "Landing/in/{name}").container == "landing"


@pytest.mark.parametrize("path", ["", "/", "{container}/x", "c/{a.b}", "c/{a", "c/a}", "c/{}", "c/{a}-{A}"])
def test_a_path_that_azure_would_not_take_is_refused_with_the_functions_name(path: str) -> None:
    with pytest.raises(BadBlobPath, match="The function 'on_blob' has the blob path"):
        blob_path("on_blob", path)
