"""Deployments that behave as their input tells them to."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import Any

import yaml

from tests.local.azureml.pipelines import deploy_pipeline

ECHO = """
    from pathlib import Path

    def init():
        pass

    def run(mini_batch):
        return [f"{Path(path).name}={Path(path).read_text()}" for path in mini_batch]
"""

FRAME = """
    from pathlib import Path

    import pandas

    def init():
        pass

    def run(mini_batch):
        names = [Path(path).name for path in mini_batch]
        return pandas.DataFrame({"file": names, "text": ["two words"] * len(names), "number": 0.5}, index=names)
"""

MOODY = """
    import os, time
    from pathlib import Path

    def init():
        pass

    def run(mini_batch):
        print("trying", *[Path(path).name for path in mini_batch])
        rows = []
        for path in mini_batch:
            mood = Path(path).read_text()
            flag = Path(f"{Path(path).name}.tried")
            if mood == "fail" or (mood == "fail once" and not flag.exists()):
                flag.touch()
                raise ValueError("this file cannot be read")
            if mood == "crash" or (mood == "crash once" and not flag.exists()):
                flag.touch()
                os._exit(3)
            if mood == "killed once" and not flag.exists():
                flag.touch()
                os.kill(os.getpid(), 9)  # as the system does when memory runs out
            if mood == "greedy once" and not flag.exists():
                flag.touch()
                bytearray(1 << 60)
            if mood == "hang" or (mood == "hang once" and not flag.exists()):
                flag.touch()
                time.sleep(3600)
            if mood == "number":
                return 7
            if mood == "logs":
                from azureml_user.parallel_run import EntryScript
                EntryScript().logger.info("said to the logger")
            if mood == "odd words":
                raise ValueError("\\ud800 is half a letter")
            if mood == "changes its model":
                (weights,) = Path(os.environ["AZUREML_MODEL_DIR"]).glob("*/weights.txt")
                with weights.open("a") as file:
                    file.write("0")
                rows.append(f"weights={weights.read_text()}")
                continue
            if mood != "skip":
                rows.append(Path(path).name)
        return rows
"""

NO_INIT = """
    def init():
        raise RuntimeError("no model today")

    def run(mini_batch):
        return mini_batch
"""

WAITS = """
    import os, time
    from pathlib import Path

    def init():
        pass

    def run(mini_batch):
        gate = Path(os.environ["PROBE_GATE"])
        with (gate / "entered").open("a") as entered:
            entered.write(f"{os.getpid()}\\n")
        print("seen", *[Path(path).name for path in mini_batch])
        while not (gate / "open").exists():
            time.sleep(0.01)
        return [Path(path).name for path in mini_batch]
"""

SURROUNDINGS = """
    import os, sys
    from pathlib import Path

    def init():
        print("init here")
        print("and a complaint", file=sys.stderr)

    def run(mini_batch):
        models = sorted(path.name for path in Path(os.environ["AZUREML_MODEL_DIR"]).glob("*/*.txt"))
        return [f"{len(mini_batch)} {models} {os.environ['PROBE_VARIABLE']} {sys.argv[1:]}"] * len(mini_batch)
"""

SUMMARY = """
    import os
    from pathlib import Path

    def init():
        pass

    def run(mini_batch):
        for path in mini_batch:
            target = Path(os.environ["AZUREML_BI_OUTPUT_PATH"]) / f"{Path(path).name}.upper"
            target.write_text(Path(path).read_text().upper())
        return mini_batch
"""


def deploy(root: Path, name: str, script: str, *, endpoint: str = "probe", **settings: Any) -> Path:
    """Write a deployment as a user would; returns its folder. Keyword arguments go under `settings`."""
    folder = root / endpoint / name
    (folder / "code").mkdir(parents=True)
    (folder / "model").mkdir()
    (folder / "model" / "weights.txt").write_text("1")
    (folder / "code" / "score.py").write_text(textwrap.dedent(script))
    described = {
        "name": name,
        "endpoint_name": endpoint,
        "type": "model",
        "model": {"path": "model"},
        "code_configuration": {"code": "code", "scoring_script": "score.py"},
        "environment": {"image": "any", "conda_file": "environment/conda.yaml"},
        "compute": "azureml:batch-cluster",
        "resources": {"instance_count": settings.pop("instance_count", 1)},
        "settings": {"mini_batch_size": 2, **settings},
    }
    (folder / "deployment.yml").write_text(yaml.safe_dump(described))
    (root / endpoint / "endpoint.yml").write_text(
        yaml.safe_dump({"name": endpoint, "auth_mode": "aad_token", "defaults": {"deployment_name": "echo"}})
    )
    return folder


def deploy_all(root: Path) -> None:
    """Every deployment that the tests over HTTP use, on the endpoint `probe`."""
    deploy(root, "echo", ECHO)
    deploy(root, "frame", FRAME)
    deploy(root, "moody", MOODY, mini_batch_size=1, retry_settings={"max_retries": 3, "timeout": 30})
    deploy(root, "broken-init", NO_INIT)
    deploy(root, "surroundings", SURROUNDINGS, environment_variables={"PROBE_VARIABLE": "seen"})
    deploy(root, "summary", SUMMARY, output_action="summary_only")
    deploy_pipeline(root, "steps")
    (root / "probe" / "broken-yaml").mkdir()
    (root / "probe" / "broken-yaml" / "deployment.yml").write_text("name: [")
