"""The scoring script of the tabular example: what it makes of files as people write them."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import pandas
import pytest

from examples.tabular.deployments.wine.logistic.code import score
from examples.tabular.make import LABORATORIES, write_data, write_model

Run = Callable[[str, str], str]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wine")
    write_model(folder / "model" / "wine.joblib")
    write_data(folder / "data")
    return folder


@pytest.fixture
def run(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Score one file; what is written for it."""
    (tmp_path / "in").mkdir()
    (tmp_path / "out").mkdir()
    monkeypatch.setenv("AZUREML_MODEL_DIR", str(made / "model"))
    monkeypatch.setenv("AZUREML_BI_OUTPUT_PATH", str(tmp_path / "out"))
    score.init()

    def scored(name: str, text: str) -> str:
        path = tmp_path / "in" / name
        path.write_bytes(text.encode())
        assert score.run([str(path)]) == [str(path)]
        return (tmp_path / "out" / f"scored-{name}").read_bytes().decode()

    return scored


@pytest.fixture
def landed(made: Path) -> str:
    return (made / "data" / "north.csv").read_text("utf-8")


def test_the_same_data_and_a_model_that_says_the_same_are_made_every_time(made: Path, tmp_path: Path) -> None:
    write_data(tmp_path)

    assert sorted(path.stem for path in tmp_path.iterdir()) == sorted(LABORATORIES)
    for path in tmp_path.iterdir():
        assert path.read_bytes() == (made / "data" / path.name).read_bytes()


def test_a_file_as_excel_saves_it_is_scored_all_the_same(run: Run, landed: str) -> None:
    as_excel_saves_it = "\ufeff" + landed.replace("\n", "\r\n")

    assert run("excel.csv", as_excel_saves_it) == run("plain.csv", landed)


def test_columns_may_come_in_any_order_and_others_with_them(run: Run, landed: str) -> None:
    table = pandas.read_csv(io.StringIO(landed), dtype=str)
    turned = table[table.columns[::-1]].assign(note="")

    assert run("turned.csv", turned.to_csv(index=False)) == run("plain.csv", landed)


def test_samples_keep_their_names_whatever_they_look_like(run: Run, landed: str) -> None:
    header, first, second, third, *_ = landed.splitlines()
    names = ("007", "NA", '"a, b"')
    lines = [f"{name},{line.partition(',')[2]}" for name, line in zip(names, (first, second, third), strict=True)]

    told = run("names.csv", "\n".join([header, *lines])).splitlines()

    assert [line.rsplit(",", 2)[0] for line in told] == ["sample", *names]


def test_a_day_without_samples_becomes_a_file_with_a_header_alone(run: Run, landed: str) -> None:
    header = landed.splitlines()[0]

    assert run("empty.csv", f"{header}\n") == "sample,cultivar,confidence\n"


def test_files_whose_names_differ_in_little_never_share_a_result(run: Run, landed: str, tmp_path: Path) -> None:
    for name in ("a.csv", "a.CSV", "a", "scored-a.csv", "predictions.csv"):
        run(name, landed)

    assert len(list((tmp_path / "out").iterdir())) == 5
    assert not (tmp_path / "out" / "predictions.csv").exists()


@pytest.mark.parametrize(
    ("broken", "words"),
    [
        (lambda text: text.replace("sample,", "probe,", 1), "broken.csv has no column sample"),
        (lambda text: text.replace(",proline", ",prolin", 1), "broken.csv has no column proline"),
        (lambda text: text.replace(",13.2,", ",,", 1), "could not convert string to float"),
        (lambda text: text.replace(",13.2,", ",much,", 1), "could not convert string to float"),
        (lambda text: "", "No columns to parse"),
    ],
    ids=["no sample", "no measurement", "missing value", "word", "empty file"],
)
def test_a_file_that_cannot_be_scored_is_an_error_and_leaves_nothing(
    run: Run, landed: str, tmp_path: Path, broken: Callable[[str], str], words: str
) -> None:
    with pytest.raises(ValueError, match=words):
        run("broken.csv", broken(landed))

    assert list((tmp_path / "out").iterdir()) == []
