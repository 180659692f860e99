"""`python -m local`: the cloud on one machine, for development and tests."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from local import azure, beginning, chosen, doctor, explaining, jobs, naming, registering
from local.clock import clock_rate
from local.commands import CommandFailed, drop, files_in, place_of, runs, table, wait
from local.python import own_python
from local.serving import StateRefused
from local.stack import DEPLOYMENTS, Options, StateInUse, run
from local.storage.settings import SettingsRefused
from local.supervisor import CHECKOUT

DEFAULT_STATE = Path(".local")


def parser() -> argparse.ArgumentParser:
    """The command line."""
    top = argparse.ArgumentParser(prog="python -m local", description=__doc__)
    commands = top.add_subparsers(required=True, metavar="COMMAND")

    up = _command(commands, "up", "start everything; Ctrl-C stops it", _up)
    up.add_argument("--app", type=Path, default=CHECKOUT, help="the function app (default: this checkout)")
    up.add_argument("--routes", type=Path, help="a routes file to use instead of the app's")
    up.add_argument("--deployments", type=Path, default=DEPLOYMENTS, help="default: the demo's")
    up.add_argument("--clock-rate", type=clock_rate, help="clock speed; 1 is real time")
    up.add_argument("--quiet", action="store_true", help="do not tell of problems, and how far each run is")
    _building(up)
    azure.add_argument(up)
    _name(up)

    one_more: dict[str, Any] = {"action": "append", "metavar": "ACCOUNT"}
    up.add_argument("--hierarchical", **one_more, help="storage account with a hierarchical namespace; repeatable")
    up.add_argument("--firewall", **one_more, help="storage account that refuses server-side copies; repeatable")

    dropping = _command(commands, "drop", "upload a file or a folder", _drop)
    dropping.add_argument("source", type=Path, metavar="SRC")
    dropping.add_argument("target", metavar="CONTAINER/PREFIX")

    listing = _command(commands, "runs", "list the ledger, newest first", _runs)
    listing.add_argument("--json", action="store_true", help="as one JSON array")

    waiting = _command(commands, "wait", "wait until no run is under way and no landing is waiting", _wait)
    waiting.add_argument("--timeout", type=float, metavar="S", help="give up after S seconds (exit 1)")

    asking = _command(commands, "explain", "why a file is scored, or is not", _explain)
    asking.add_argument("path", metavar="PATH", help="CONTAINER/PATH, the blob's https URL, or PATH alone")

    begin = commands.add_parser("init", help="write a route, a deployment and data that work at once")
    begin.add_argument("name", metavar="NAME", help="of the route and the endpoint")
    begin.add_argument("--to", type=Path, metavar="DIR", help="default: a folder of that name")
    begin.set_defaults(carry_out=_init)

    trying = commands.add_parser("score", help="run one deployment on a folder or a file, and show the result")
    trying.add_argument("deployment", type=Path, metavar="DEPLOYMENT.yml")
    trying.add_argument("data", type=Path, metavar="DATA")
    trying.add_argument("--to", type=Path, metavar="DIR", help="also write the outputs there")
    trying.set_defaults(carry_out=_score)

    attempt = commands.add_parser("try", help="run an app's folder, or a folder of deployments, through a checklist")
    attempt.add_argument("folder", type=Path, metavar="FOLDER")
    attempt.add_argument("--input", type=Path, metavar="DATA", help="a folder or file for the deployments' jobs")
    attempt.set_defaults(carry_out=_try)

    checking = commands.add_parser("check", help="say what is wrong with a routes file, and in which line")
    checking.add_argument("file", type=Path, metavar="FILE")
    checking.set_defaults(carry_out=_check)

    doctor.add_arguments(_command(commands, "doctor", "check everything that an app's routes need", doctor.run))

    azureml = _command(commands, "azureml", "Azure ML alone, with the storage and identity it needs", _azureml)
    of_one = "of one that runs: its jobs, a job's log, or register a model, an environment or a component there"
    azureml.add_argument("act", nargs="?", choices=("jobs", "logs", "register"), help=of_one)
    azureml.add_argument("what", nargs="?", metavar="JOB|PATH", help="the job of a log; what to register")
    registering.add_arguments(azureml)
    azureml.add_argument("--follow", action="store_true", help="show the log until the job has ended")
    azureml.add_argument("--json", action="store_true", help="the jobs as one JSON array")
    azureml.add_argument("--deployments", type=Path, help="to start one: a folder per endpoint")
    azureml.add_argument("--port", type=int)
    azureml.add_argument("--pace", default="local", choices=("local", "cluster"), help="how quickly jobs start and end")
    azureml.add_argument("--nodes", type=int, default=8, help="nodes of the compute; jobs that do not fit wait")
    _building(azureml)
    azure.add_argument(azureml)
    _name(azureml)

    commands.add_parser("host", help="the Functions host alone, for any Python v2-model app", add_help=False)
    return top


def _command(
    commands: argparse._SubParsersAction[argparse.ArgumentParser],
    name: str,
    text: str,
    carry_out: Callable[[argparse.Namespace], int],
) -> argparse.ArgumentParser:
    one = commands.add_parser(name, help=text, description=text)
    one.add_argument("--state", type=Path, default=DEFAULT_STATE, help=f"state directory (default: {DEFAULT_STATE})")
    one.set_defaults(carry_out=carry_out)
    return one


def _building(command: argparse.ArgumentParser) -> None:
    words = "install what the conda files of environments ask of pip, once each, for the jobs that ask for them"
    command.add_argument("--build-environments", action="store_true", help=words)


def _building_flags(args: argparse.Namespace) -> tuple[str, ...]:
    return ("--build-environments",) if args.build_environments else ()


def _name(command: argparse.ArgumentParser) -> None:
    words = "SUBSCRIPTION/GROUP/NAME, a workspace's id, or a YAML or JSON file of names; kept in the state directory"
    command.add_argument("--workspace", metavar="NAMES", help=words)


def _under_own_names(args: argparse.Namespace, arguments: Sequence[str]) -> None:
    """Go on as a process that has the names of the state directory. Raises NamesRefused."""
    given = naming.parse(args.workspace) if getattr(args, "workspace", None) else None
    names = naming.chosen(naming.load(args.state), given, args.state)
    if names != naming.OWN:
        command = (sys.executable, "-m", "local", *arguments)
        os.execve(sys.executable, command, {**os.environ, **naming.environment(names)})  # noqa: S606  # no shell


def _up(args: argparse.Namespace) -> int:
    for path in filter(None, (args.app, args.routes, args.deployments)):
        if not path.exists():
            _say(f"{path} does not exist.")
            return 2
    return _run_stack(
        Options(
            state=args.state.resolve(),
            app=args.app.resolve(),
            deployments=args.deployments.resolve(),
            routes=args.routes.resolve() if args.routes else None,
            clock_rate=args.clock_rate,
            azure=args.azure or chosen.load(args.state),
            azureml_flags=_building_flags(args),
            hierarchical=tuple(args.hierarchical or ()),
            firewalls=None if args.firewall is None else tuple(args.firewall),
            tells=not args.quiet,
        )
    )


def _azureml(args: argparse.Namespace) -> int:
    if args.act == "jobs":
        found = jobs.listed(args.state)
        print(json.dumps(found, indent=1) if args.json else jobs.table(found), flush=True)  # noqa: T201
        return 0
    if args.act == "logs":
        if args.what is None:
            raise CommandFailed(f"Which job? '{own_python()} -m local azureml jobs' lists them.")
        return jobs.logs(args.state, args.what, lambda line: print(line, flush=True), follow=args.follow)  # noqa: T201
    if args.act == "register":
        if args.what is None:
            raise CommandFailed("What is to be registered? Name a model's folder or file, or a YAML file.")
        print(registering.register(args.state, registering.wanted(args)), flush=True)  # noqa: T201
        return 0
    if args.deployments is None:
        raise CommandFailed("--deployments is missing: the folder with a folder per endpoint, to start Azure ML on.")
    if not args.deployments.is_dir():
        _say(f"The folder {args.deployments} does not exist.")
        return 2
    return _run_stack(
        Options(
            state=args.state.resolve(),
            deployments=args.deployments.resolve(),
            azure=args.azure or chosen.load(args.state),
            azureml_port=args.port,
            azureml_flags=(
                *("--pace", args.pace, "--nodes", str(args.nodes)),
                *_building_flags(args),
            ),
            tells=True,
        )
    )


def _run_stack(options: Options) -> int:
    try:
        return run(options, _say)
    except (StateInUse, StateRefused, SettingsRefused) as error:
        _say(str(error))
        return 2


def _drop(args: argparse.Namespace) -> int:
    print(drop(args.source, args.target, args.state), flush=True)  # noqa: T201
    blobs = [blob for _, blob in files_in(args.source, args.target)]
    for line in explaining.warnings(args.state, place_of(args.target)[0], blobs):
        _say(line)
    return 0


def _explain(args: argparse.Namespace) -> int:
    print(explaining.explanation(args.state, args.path))  # noqa: T201
    return 0


def _init(args: argparse.Namespace) -> int:
    folder = args.to or Path(args.name)
    for path in beginning.begin(args.name, folder):
        print(path)  # noqa: T201
    _say(beginning.next_steps(args.name, folder))
    return 0


def _score(args: argparse.Namespace) -> int:
    from local import scoring  # needs what Azure ML does, which the other commands do without

    return scoring.score(args.deployment, args.data, args.to, lambda text: print(text, flush=True))  # noqa: T201


def _try(args: argparse.Namespace) -> int:
    from local.trying.command import try_out  # needs what Azure ML does, too

    return try_out(args.folder.resolve(), args.input, lambda text: print(text, flush=True))  # noqa: T201


def _check(args: argparse.Namespace) -> int:
    # By the command line beside it, in a process of its own: the app's rules are not known here.
    return subprocess.run([sys.executable, "-m", "landfall", "check", str(args.file)], check=False).returncode


def _runs(args: argparse.Namespace) -> int:
    listed = runs(args.state)
    print(json.dumps(listed, indent=1) if args.json else table(listed))  # noqa: T201
    return 0


def _wait(args: argparse.Namespace) -> int:
    return wait(args.state, args.timeout)


def _host(arguments: Sequence[str]) -> int:
    from local.host import cli  # needs the app's own dependencies, which the other commands do without

    own = argparse.ArgumentParser(prog="python -m local host", description=cli.__doc__)
    cli.add_arguments(own)
    return cli.run(own.parse_args(arguments))


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)  # noqa: T201


def main(arguments: Sequence[str]) -> int:
    if arguments[:1] == ["host"]:
        return _host(arguments[1:])
    args = parser().parse_args(arguments)
    try:
        if "state" in args:
            _under_own_names(args, arguments)
        code: int = args.carry_out(args)
    except (CommandFailed, azure.UnknownAnswer, naming.NamesRefused) as error:
        _say(str(error))
        return 2
    return code


if __name__ == "__main__":
    try:
        try:
            sys.exit(main(sys.argv[1:]))
        finally:
            sys.stdout.flush()  # now, and not when nobody catches it any more
    except BrokenPipeError:  # of `head`, say
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
