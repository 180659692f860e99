"""A pipeline component deployment as a user lays it out: a pipeline of three steps, with components of their own."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import Any

import yaml

PREPARE = """
    import argparse, os, time
    from pathlib import Path

    parser = argparse.ArgumentParser()
    for name in ("--data", "--prefix", "--note", "--out"):
        parser.add_argument(name)
    given = parser.parse_args()
    print("preparing", given.prefix, given.note, os.environ.get("STEP_VARIABLE"))
    files = sorted(path for path in Path(given.data).rglob("*") if path.is_file())
    if any(path.read_text() == "fail" for path in files):
        raise SystemExit(3)
    for gate in (Path(path.read_text()[5:]) for path in files if path.read_text().startswith("wait ")):
        with (gate / "entered").open("a") as entered:
            entered.write(f"{os.getpid()}\\n")
        while not (gate / "open").exists():
            time.sleep(0.02)
    for path in files:
        (Path(given.out) / path.name).write_text(f"{given.prefix}{path.read_text()}")
"""
SCORE = """
    import sys
    from pathlib import Path

    prepared, times, scores, report = sys.argv[1:]
    lines = [f"{path.name}={path.read_text() * int(times)}" for path in sorted(Path(prepared).iterdir())]
    (Path(scores) / "scores.txt").write_text("\\n".join(lines) + "\\n")
    Path(report).write_text(f"{len(lines)} files")
"""
STEPS = {
    "prepare": {
        "name": "prepare",
        "version": 1,
        "type": "command",
        "inputs": {
            "data": {"type": "uri_folder"},
            "prefix": {"type": "string", "default": "x"},
            "note": {"type": "string", "optional": True},
        },
        "outputs": {"prepared": {"type": "uri_folder"}},
        "code": "../src",
        "environment": {"image": "any"},
        "command": "python prepare.py --data ${{inputs.data}} --prefix ${{inputs.prefix}} "
        "$[[--note ${{inputs.note}}]] --out ${{outputs.prepared}}",
    },
    "score": {
        "name": "score",
        "version": 1,
        "type": "command",
        "inputs": {"prepared": {"type": "uri_folder"}, "times": {"type": "integer"}},
        "outputs": {"scores": {"type": "uri_folder"}, "report": {"type": "uri_file"}},
        "code": "../src",
        "environment": "azureml:any@latest",
        "command": "python score.py ${{inputs.prepared}} ${{inputs.times}} ${{outputs.scores}} ${{outputs.report}}",
    },
    "beside": {
        "name": "beside",
        "version": 1,
        "type": "command",
        "environment": {"image": "any"},
        "outputs": {"said": {"type": "uri_file"}},
        "command": "echo beside > ${{outputs.said}}",
    },
}
PIPELINE = {
    "name": "two_steps",
    "version": 1,
    "type": "pipeline",
    "inputs": {
        "data": {"type": "uri_folder"},
        "prefix": {"type": "string", "default": "p"},
        "times": {"type": "integer", "default": 2},
        "note": {"type": "string", "optional": True},
    },
    "outputs": {"scores": {"type": "uri_folder"}, "report": {"type": "uri_file"}, "said": {"type": "uri_file"}},
    "jobs": {
        "score_step": {
            "type": "command",
            "component": "components/score.yml",
            "inputs": {
                "prepared": "${{parent.jobs.prepare_step.outputs.prepared}}",
                "times": "${{parent.inputs.times}}",
            },
            "outputs": {"scores": "${{parent.outputs.scores}}", "report": {"path": "${{parent.outputs.report}}"}},
        },
        "prepare_step": {
            "type": "command",
            "component": "components/prepare.yml",
            "inputs": {
                "data": "${{parent.inputs.data}}",
                "prefix": "${{parent.inputs.prefix}}",
                "note": "${{parent.inputs.note}}",
            },
            "environment_variables": {"STEP_VARIABLE": "seen"},
        },
        "beside_step": {
            "type": "command",
            "component": "components/beside.yml",
            "outputs": {"said": "${{parent.outputs.said}}"},
        },
    },
}


SAID = {"said": {"type": "uri_file"}}
SAYS = "python say.py > ${{outputs.said}}"


def deploy_pipeline(root: Path, name: str, *, endpoint: str = "probe", **settings: object) -> Path:
    """Write the deployment; returns its folder. Keyword arguments go under `settings`."""
    folder = root / endpoint / name
    (folder / "components").mkdir(parents=True)
    (folder / "src").mkdir()
    (folder / "src" / "prepare.py").write_text(textwrap.dedent(PREPARE))
    (folder / "src" / "score.py").write_text(textwrap.dedent(SCORE))
    for step, described in STEPS.items():
        (folder / "components" / f"{step}.yml").write_text(yaml.safe_dump(described))
    (folder / "pipeline.yml").write_text(yaml.safe_dump({**PIPELINE, "name": f"{name}_pipeline"}))
    deployment = {
        "name": name,
        "endpoint_name": endpoint,
        "type": "pipeline",
        "component": "pipeline.yml",
        "settings": {"default_compute": "batch-cluster", **settings},
    }
    (folder / "deployment.yml").write_text(yaml.safe_dump(deployment))
    return folder


def deploy_sayer(folder: Path, word: str, *, in_place: bool) -> None:
    """A pipeline of one step, whose component has the name and version that all of them have, and says its own word."""
    (folder / "src").mkdir(parents=True)
    (folder / "src" / "say.py").write_text(f"print({word!r})\n")
    named = {"name": "say", "version": 1, "type": "command", "environment": "azureml:any@latest"}
    component = {**named, "outputs": SAID, "code": "src", "command": SAYS}
    (folder / "say.yml").write_text(yaml.safe_dump(component))
    step = {"type": "command", "component": component if in_place else "say.yml"}
    deploy_steps(folder, {"say": {**step, "outputs": {"said": "${{parent.outputs.said}}"}}}, outputs=SAID)


def deploy_steps(folder: Path, jobs: dict[str, Any], **ports: Any) -> None:
    """A deployment of a pipeline of these steps."""
    pipeline = {"name": f"{folder.name}_pipeline", "type": "pipeline", "jobs": jobs, **ports}
    (folder / "pipeline.yml").write_text(yaml.safe_dump(pipeline))
    deployment = {"name": folder.name, "endpoint_name": "probe", "type": "pipeline", "component": "pipeline.yml"}
    (folder / "deployment.yml").write_text(yaml.safe_dump(deployment))
