"""Rules of the tree that neither ruff, mypy nor import-linter can see."""

from __future__ import annotations

import ast
import inspect
import json
import re
import subprocess
import tomllib
from collections.abc import Iterator
from fnmatch import fnmatchcase
from functools import cache
from operator import attrgetter
from pathlib import Path

import pytest

from shared.core import steps
from shared.core.steps import Step
from shared.settings import NAMES
from shared.work import table
from testbed.examples import ROOT
from tests.logged import fields_of
from triggers.names import Orchestrator

MOST_LINES = 400
"""A file has fewer lines than that."""

MOST_LINES_OF_APP = 40
NOT_A_NAME = {"utils", "util", "helpers", "helper", "common", "constants", "misc", "base", "lib"}
"""Module names that say nothing, and so collect everything."""

APP = ("function_app.py", "shared", "triggers")
ENVIRONMENT = "shared/services.py"
"""The one file of the app that may read the environment."""

THREADS = "shared/threads.py"
"""The one file of the app that may use threads: it sees to it that their lines arrive."""

MAKE_THREADS = ("concurrent.futures", "multiprocessing", "_thread", "threading.Thread", "threading.Timer")
RUN_IN_THREADS = {"to_thread", "run_in_executor", "start_new_thread"}

DEPLOYED = {"LICENSE", "host.json", "requirements.txt", "routes.schema.json", "routes.yaml", *APP}
"""What Azure needs. `.funcignore` names everything else at the top, so that it stays here."""

OF_FUNCTIONS = {"FUNCTIONS_WORKER_RUNTIME", "AzureWebJobsStorage", "PYTHON_THREADPOOL_THREAD_COUNT"}
"""Settings that the Functions host and its Python worker read themselves."""

PLAYED = {"apps", "deployments"}
"""Folders below tests/ with code that the local cloud runs: how slow it is, is what it is there for."""

PURE = ("local/host/durable/protocol",)
"""Where even the clock in datetime, which is no import of its own, may not be read."""

CLOCKS = {"datetime.now", "datetime.utcnow", "datetime.today", "date.today"}

NAMED_IN_A_MAP = re.compile(r"^(\w+)  +\S", re.MULTILINE)
"""`name   what it is for`, at the beginning of a line of a package's docstring."""

PLURALS = (("ies", "y"), ("ches", "ch"), ("ses", "s"), ("ss", "ss"), ("s", ""))
ALIKE = {
    ("shared/core/event.py", "triggers/events.py"): "what an event says; the functions that events are delivered to",
    ("shared/core/landing.py", "triggers/landings.py"): "what a landing is; the functions that tell of landings",
    ("shared/core/route.py", "shared/routes.py"): "what a route says; the file that has all of them",
}
"""Modules whose names differ in number only, and what one and many are there."""

SLEEPS = {"time.sleep", "asyncio.sleep"}

DOCUMENTED = re.compile(r"^\| `landfall\.([a-z_]+\.[a-z_]+)` \|", re.MULTILINE)
PLACES_IN_QUERIES = re.compile(r"landfall\.([a-z_]+\.[a-z_]+)\b")


@cache
def tree(*folders: str) -> tuple[Path, ...]:
    """The Python files that git knows, or would add."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "--", *(folders or ("*.py",))],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        timeout=30,
    ).stdout.splitlines()
    return tuple(path for name in listed if name.endswith(".py") and (path := ROOT / name).exists())


def named(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@cache
def syntax(path: Path) -> ast.Module:
    return ast.parse(path.read_text("utf-8"))


def dotted(node: ast.expr) -> str:
    """`a.b.c` of an attribute or a name, else nothing."""
    match node:
        case ast.Name(name):
            return name
        case ast.Attribute(value, name) if dotted(value):
            return f"{dotted(value)}.{name}"
    return ""


def imports(path: Path) -> Iterator[str]:
    """Everything that a file imports, by its full name."""
    for node in ast.walk(syntax(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def used(path: Path) -> set[str]:
    """Every dotted name in a file, and everything it imports."""
    names = {dotted(node) for node in ast.walk(syntax(path)) if isinstance(node, (ast.Attribute, ast.Name))}
    return names | set(imports(path))


def test_the_tree_is_seen() -> None:
    """Else every other test here would find nothing wrong."""
    seen = {named(path) for path in tree()}

    assert {"function_app.py", ENVIRONMENT, "triggers/names.py", "local/clock.py", named(Path(__file__))} <= seen
    assert len(seen) > 100


def test_every_file_can_be_read_in_one_sitting() -> None:
    long = {named(path): lines for path in tree() if (lines := len(path.read_text("utf-8").splitlines())) >= MOST_LINES}

    assert long == {}


def test_no_module_has_a_name_that_says_nothing() -> None:
    names = {named(path): {path.stem, path.parent.name if path.stem == "__init__" else path.stem} for path in tree()}

    assert {path for path, spoken in names.items() if spoken & NOT_A_NAME} == set()


def test_function_app_only_registers() -> None:
    code = [line for line in (ROOT / "function_app.py").read_text("utf-8").splitlines() if line.strip()]

    assert len(code) <= MOST_LINES_OF_APP
    assert {module.partition(".")[0] for module in imports(ROOT / "function_app.py")} == {"azure", "triggers"}


def test_what_is_deployed_is_the_app_and_nothing_else() -> None:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True, timeout=30)
    at_the_top = {name.partition("/")[0] for name in listed.stdout.splitlines()}
    ignored = (ROOT / ".funcignore").read_text("utf-8").split()

    assert {name for name in at_the_top if not any(fnmatchcase(name, pattern) for pattern in ignored)} == DEPLOYED


def test_one_file_of_the_app_reads_the_environment() -> None:
    readers = {named(path) for path in tree(*APP) if used(path) & {"os.environ", "os.getenv", "environ", "getenv"}}

    assert readers == {ENVIRONMENT}


def test_one_file_of_the_app_uses_threads() -> None:
    """The host drops what is logged from a thread that it does not know."""
    users = {named(path) for path in tree(*APP) if any(makes_threads(name) for name in used(path))}

    assert users == {THREADS}


def makes_threads(name: str) -> bool:
    return name.startswith(MAKE_THREADS) or name.rpartition(".")[2] in RUN_IN_THREADS


def test_the_durable_protocol_reads_no_clock() -> None:
    """The import contract sees modules, and datetime is one that the protocol needs."""
    readers = {named(path) for path in tree(*PURE) if used(path) & CLOCKS}

    assert len(tree(*PURE)) > 3
    assert readers == set()


def test_nothing_is_mocked() -> None:
    mocking = {
        named(path)
        for path in tree("tests")
        if any(name == "mock" or name.startswith(("unittest.mock", "mock.")) for name in imports(path))
    }

    assert mocking == set()


def test_no_test_sleeps_until_something_may_have_happened() -> None:
    """Between two looks at a condition a pause is fine, and giving way to other tasks (a sleep of 0) is no pause."""
    sleeping = {
        f"{named(path)}:{call.lineno}"
        for path in tree("tests")
        if PLAYED.isdisjoint(path.relative_to(ROOT).parts)
        for call in sleeps_outside_loops(syntax(path))
    }

    assert sleeping == set()


def sleeps_outside_loops(node: ast.AST) -> Iterator[ast.Call]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, (ast.While, ast.For, ast.AsyncFor)):
            continue
        if isinstance(child, ast.Call) and dotted(child.func) in SLEEPS and ast.unparse(child.args[0]) != "0":
            yield child
        yield from sleeps_outside_loops(child)


def test_every_module_says_what_it_is_for() -> None:
    whole = {named(path): syntax(path) for path in tree(*APP, "local", "demo", "examples")}
    silent = {name for name, module in whole.items() if module.body and not ast.get_docstring(module)}

    assert silent == set()


@pytest.mark.parametrize("package", [path for path in tree("local") if path.stem == "__init__"], ids=named)
def test_the_docstring_of_a_package_of_the_local_cloud_is_its_map(package: Path) -> None:
    inside = {path.name for path in tree("local") if path.parent == package.parent and not path.stem.startswith("__")}
    rooms = {f"{path.parent.name}/" for path in tree("local") if path.parent.parent == package.parent}

    told = (ast.get_docstring(syntax(package)) or "").split()
    assert inside | rooms <= set(told), "a module that the map leaves out is found by nobody"


def test_the_sample_settings_are_exactly_those_that_the_app_reads() -> None:
    sample = json.loads((ROOT / "local.settings.sample.json").read_text("utf-8"))
    assert sample["IsEncrypted"] is False

    in_routes = set(re.findall(r"\$\{(\w+)\}", without_comments((ROOT / "routes.yaml").read_text("utf-8"))))
    assert set(sample["Values"]) == {*NAMES, *in_routes, *settings_of_triggers(), *OF_FUNCTIONS}


def settings_of_triggers() -> set[str]:
    """`%NAME%` in the triggers' decorators, and their identity-based connections."""
    found = set()
    for path in tree("triggers"):
        for node in ast.walk(syntax(path)):
            if isinstance(node, ast.keyword) and isinstance(node.value, ast.Constant) and node.arg == "connection":
                found.add(str(node.value.value) + "__queueServiceUri")
            elif isinstance(node, ast.keyword) and isinstance(node.value, ast.Constant):
                found |= set(re.findall(r"%(\w+)%", str(node.value.value)))
    return found


def without_comments(yaml: str) -> str:
    return re.sub(r"#.*", "", yaml)


def test_every_event_that_is_logged_is_documented_and_every_documented_one_is_logged() -> None:
    assert len(fields_of()) > 20

    assert set(DOCUMENTED.findall((ROOT / "docs/monitoring.md").read_text("utf-8"))) == set(fields_of())


@pytest.mark.parametrize("page", sorted((ROOT / "docs").glob("*.md")), ids=lambda page: page.name)
def test_no_page_speaks_of_an_event_that_is_not_logged(page: Path) -> None:
    spoken = set(PLACES_IN_QUERIES.findall(page.read_text("utf-8")))

    assert spoken - set(fields_of()) == set()


def test_the_import_contracts_cover_every_package() -> None:
    """A package that is left out could import anything."""
    configured = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"]

    packages = {named(path).split("/")[0] for path in tree() if "/" in named(path)} - {"tests"}
    assert packages == set(configured["root_packages"])
    assert all(contract["broken_contract_guidance"] for contract in configured["contracts"])


def is_package(path: Path) -> bool:
    return path.stem == "__init__"


@pytest.mark.parametrize("package", [path for path in tree("shared", "triggers") if is_package(path)], ids=named)
def test_the_docstring_of_a_package_of_the_app_is_its_map(package: Path) -> None:
    app = tree("shared", "triggers")
    modules = [path.stem for path in app if path.parent == package.parent and not is_package(path)]
    rooms = [path.parent.name for path in app if path.parent.parent == package.parent and is_package(path)]

    told = NAMED_IN_A_MAP.findall(ast.get_docstring(syntax(package)) or "")
    assert sorted(told) == sorted(modules + rooms)


def test_no_two_modules_of_the_app_have_the_same_name_or_the_plural_of_it() -> None:
    """Who reads `import events` shall not have to ask which."""
    by_name: dict[str, list[str]] = {}
    for path in tree("shared", "triggers"):
        by_name.setdefault(singular(path.parent.name if is_package(path) else path.stem), []).append(named(path))

    alike = {tuple(sorted(paths)) for paths in by_name.values() if len(paths) > 1}
    assert alike == set(ALIKE)
    assert all(len({Path(path).stem for path in paths}) == len(paths) for paths in alike), "one name is one module"


def singular(name: str) -> str:
    ending, one = next(((many, one) for many, one in PLURALS if name.endswith(many)), ("", ""))
    return name.removesuffix(ending) + one


def test_whatever_carries_out_a_step_says_why_two_of_it_at_once_do_no_harm() -> None:
    """The host carries an activity out at least once, so that any of them may run beside itself."""
    carrying_out = {name: attrgetter(name)(table) for name in called_in_table()}

    assert len(carrying_out) == len(table.WORK)
    silent = {
        name for name, work in carrying_out.items() if not re.search(r"Two at once: \w", inspect.getdoc(work) or "")
    }
    assert silent == set()


def called_in_table() -> Iterator[str]:
    """The functions that the table's lambdas call, as it names them."""
    for node in syntax(ROOT / "shared/work/table.py").body:
        if isinstance(node, ast.AnnAssign) and dotted(node.target) == "WORK":
            assert isinstance(node.value, ast.Dict)
            for entry in node.value.values:
                assert isinstance(entry, ast.Lambda), ast.unparse(entry)
                assert isinstance(entry.body, ast.Call), ast.unparse(entry)
                yield dotted(entry.body.func)


def test_every_step_is_in_the_table_or_is_an_orchestrators() -> None:
    declared = [step for step in vars(steps).values() if isinstance(step, Step)]
    orchestrated = {step for step in declared if step.name in {name.rpartition("_v")[0] for name in Orchestrator}}

    assert len({step.name for step in declared}) == len(declared)
    assert set(declared) - orchestrated == set(table.WORK)
    assert orchestrated == {steps.PUBLISH, steps.SCORE}
