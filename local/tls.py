"""Certificates for the parts that Azure clients insist on reaching over HTTPS."""

from __future__ import annotations

import os
import ssl
from pathlib import Path

import certifi


def ca_bundle(state: Path) -> Path:
    """A CA file for clients (SSL_CERT_FILE, REQUESTS_CA_BUNDLE): this state's authority and the public ones."""
    _ensure(state / "tls")
    return state / "tls" / "ca.pem"


def server_context(state: Path) -> ssl.SSLContext:
    """The TLS side of a server on 127.0.0.1 or localhost, also where the host name says the storage account."""
    _ensure(state / "tls")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(state / "tls" / "server.pem")
    return context


def authority(state: Path) -> Path:
    """A CA file for who talks to this state's servers alone. It loads in no time, where that with the public ones takes
    longer than a request."""
    path = state / "tls" / "authority.pem"
    if not path.exists():
        own, end, _ = ca_bundle(state).read_text("utf-8").partition("-----END CERTIFICATE-----\n")
        partial = path.with_name(f"authority.{os.getpid()}")  # parts start at the same time
        partial.write_text(own + end, "utf-8")
        partial.replace(path)
    return path


def client_context(state: Path) -> ssl.SSLContext:
    """What trusts this state's servers, and nobody else."""
    return ssl.create_default_context(cafile=str(authority(state)))


def _ensure(folder: Path) -> None:
    if (folder / "server.pem").exists():
        return
    import trustme  # slow to import, and only needed once for a state directory

    folder.mkdir(parents=True, exist_ok=True)
    authority = trustme.CA(organization_name="Landfall local cloud")
    server = authority.issue_cert("127.0.0.1", "localhost", "*.blob.localhost", "*.dfs.localhost")
    (folder / "ca.pem").write_bytes(authority.cert_pem.bytes() + Path(certifi.where()).read_bytes())
    partial = folder / "server.pem.new"
    partial.touch(mode=0o600)
    partial.write_bytes(server.private_key_and_cert_chain_pem.bytes())
    partial.rename(folder / "server.pem")  # last, because its presence says that all is there
