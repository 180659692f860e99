"""adlfs at work, for test_clients.py; a process of its own, since aiohttp reads whom to trust when imported."""

from __future__ import annotations

import json
import os
import sys

from adlfs import AzureBlobFileSystem
from azure.core.credentials import AccessToken


class Token:
    """The token that the test has issued."""

    async def get_token(self, *_scopes: str, **_options: object) -> AccessToken:
        return AccessToken(os.environ["TOKEN"], 2**33)


def main(host: str, container: str) -> None:
    files = AzureBlobFileSystem(host.partition("/")[2], account_host=host, credential=Token())
    folder = f"{container}/adlfs"

    def found() -> list[str]:
        files.invalidate_cache()
        return [name.removeprefix(f"{folder}/") for name in files.find(folder)]

    files.pipe({f"{folder}/a b.csv": b"1,2", f"{folder}/deep/x.csv": bytes(9_000_000)})
    seen = [found(), files.cat(f"{folder}/a b.csv").decode()]
    files.mv(f"{folder}/deep/x.csv", f"{folder}/moved.csv")
    seen.append(found())
    files.rm(folder, recursive=True)
    seen.append(found())
    sys.stdout.write(json.dumps(seen))


if __name__ == "__main__":
    main(*sys.argv[1:])
