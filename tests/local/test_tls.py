"""Whom clients of a local cloud trust."""

from __future__ import annotations

from pathlib import Path

import pytest

from local import tls


def certificates(path: Path) -> int:
    return path.read_text("utf-8").count("-----BEGIN CERTIFICATE-----")


def test_who_talks_to_the_local_cloud_alone_trusts_its_authority_alone(tmp_path: Path) -> None:
    assert certificates(tls.authority(tmp_path)) == 1
    assert len(tls.client_context(tmp_path).get_ca_certs()) == 1
    assert certificates(tls.ca_bundle(tmp_path)) > 100


@pytest.mark.parametrize("again", [False, True], ids=["as it is", "of an earlier version, without the file"])
def test_the_authority_is_that_of_the_servers(tmp_path: Path, again: bool) -> None:
    tls.server_context(tmp_path)
    first = tls.authority(tmp_path).read_text("utf-8")
    if again:
        tls.authority(tmp_path).unlink()

    assert tls.authority(tmp_path).read_text("utf-8") == first
    assert tls.ca_bundle(tmp_path).read_text("utf-8").startswith(first)
