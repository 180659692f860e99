"""`python -m local.identity --state DIR`: the managed identity endpoint."""

from __future__ import annotations

import argparse
import asyncio
from contextlib import AsyncExitStack
from pathlib import Path

from local import addresses, serving
from local.faults import Faults
from local.identity.asking import header_secret
from local.identity.endpoint import make_app
from local.tokens import Issuer


async def serve(state: Path, *, with_parent: bool) -> None:
    """Answer token requests until stopped."""
    app = make_app(Issuer.of(state), header_secret(state))
    Faults().install(app)
    async with AsyncExitStack() as stack:
        await serving.listen(stack, app, addresses.port_of(addresses.load(state).identity))
        serving.announce()
        await serving.until_stopped(with_parent=with_parent)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m local.identity", description=__doc__)
    parser.add_argument("--state", type=Path, required=True)
    parser.add_argument("--with-parent", action="store_true", help="stop when stdin closes")
    args = parser.parse_args()
    serving.log_to_stderr()
    asyncio.run(serve(args.state, with_parent=args.with_parent))


if __name__ == "__main__":
    main()
