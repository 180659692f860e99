"""`--python`: the app runs with the packages of an environment of its own."""

from __future__ import annotations

import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from tests.local.host.hosting import running, spawn, written

NEEDED = ("azure/functions", "werkzeug", "markupsafe")
"""azure-functions and what it imports: all that the worker needs."""
APP = """
import sys

import azure.functions as func
import only_here

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)


def there(name):
    try:
        __import__(name)
    except ImportError:
        return False
    return True


@app.route("told")
def told(req: func.HttpRequest) -> str:
    return f"{only_here.WORD} {sys.prefix} {there('aiohttp')} {there('testbed')}"
"""


def environment(folder: Path, *packages: str) -> Path:
    """A virtual environment with some of the packages of this one."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
    (site,) = folder.glob("lib/python*/site-packages")
    for package in packages:
        (site / package).parent.mkdir(exist_ok=True)
        (site / package).symlink_to(Path(sysconfig.get_path("purelib")) / package)
    (site / "only_here.py").write_text("WORD = 'mine'")
    return folder


def refusal(app: Path, state: Path, python: Path) -> str:
    process, log = spawn(app, state, "--python", str(python))
    process.communicate(timeout=30)
    assert process.returncode == 1
    assert "Traceback" not in log.read_text()
    return log.read_text()


@pytest.mark.parametrize("given", [".", "bin/python"])
def test_the_app_has_the_packages_of_its_environment_and_not_those_of_the_host(tmp_path: Path, given: str) -> None:
    python = environment(tmp_path / "env", *NEEDED)

    with running(written(tmp_path, APP), tmp_path / "state", "--python", str(python / given), PYTHONPATH="") as host:
        assert host.http.get("/api/told").text == f"mine {python} False False"


def test_what_is_no_python_is_refused(tmp_path: Path) -> None:
    app = written(tmp_path, APP)
    (tmp_path / "empty").mkdir()

    assert f"--python {tmp_path / 'nothing'} is not a Python" in refusal(app, tmp_path / "a", tmp_path / "nothing")
    assert "is not a virtual environment" in refusal(app, tmp_path / "b", tmp_path / "empty")
    assert "/bin/true is not a Python" in refusal(app, tmp_path / "c", Path("/bin/true"))


def test_a_python_without_azure_functions_is_refused_with_what_to_do(tmp_path: Path) -> None:
    told = refusal(written(tmp_path, APP), tmp_path / "state", environment(tmp_path / "env"))

    assert "has no azure-functions, which the worker needs; install the app's requirements there:" in told
