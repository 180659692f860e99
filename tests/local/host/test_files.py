"""Small files of the host's state."""

from __future__ import annotations

from pathlib import Path

from local.host.files import write_whole


def test_what_a_killed_host_left_half_written_is_never_read(tmp_path: Path) -> None:
    """A host that was killed between creating and filling its `port` file could not be started again."""
    path = tmp_path / "host" / "port"
    write_whole(path, "1234")
    path.with_name("port.new").write_text("12")

    assert path.read_text() == "1234"
    write_whole(path, "5678")
    assert path.read_text() == "5678"
    assert [p.name for p in path.parent.iterdir()] == ["port"]


def test_a_file_is_never_open_to_others_if_it_must_not_be(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    write_whole(path, "secret", mode=0o600)

    assert path.stat().st_mode & 0o777 == 0o600
