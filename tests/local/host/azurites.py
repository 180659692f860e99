"""A storage account of Azurite, empty, for tests of queues and blobs."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from tempfile import TemporaryDirectory

from local.addresses import ACCOUNT, ACCOUNT_KEY
from local.ports import free
from tests.local.host.hosting import ROOT


@contextmanager
def storage() -> Iterator[str]:
    """The connection string of a blob and queue service."""
    blob, queue = free(2)
    ports = ("--blobPort", str(blob), "--queuePort", str(queue))
    environment = {**os.environ, "AZURITE_ACCOUNTS": f"{ACCOUNT}:{ACCOUNT_KEY}"}
    with (
        TemporaryDirectory() as folder,
        subprocess.Popen(
            ["node", "local/storage/azurite.cjs", "--location", folder, *ports, "--silent", "--skipApiVersionCheck"],
            cwd=ROOT,
            env=environment,
            stdin=subprocess.PIPE,  # it ends when this closes
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        ) as process,
    ):
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        yield (
            f"DefaultEndpointsProtocol=http;AccountName={ACCOUNT};AccountKey={ACCOUNT_KEY};"
            f"BlobEndpoint=http://127.0.0.1:{blob}/{ACCOUNT};QueueEndpoint=http://127.0.0.1:{queue}/{ACCOUNT};"
        )
