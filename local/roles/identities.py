"""Who may ask: the identities of the local tenant, with ids as stable as Azure's."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Identity:
    """An identity by the name that roles.yaml calls it, with its object id and the client id of its application."""

    name: str
    object_id: str
    client_id: str


APP = Identity("landfall-app", "33333333-3333-4333-8333-000000000001", "33333333-3333-4333-8333-333333333333")
"""The managed identity of the function app."""
COMPUTE = Identity("compute", "44444444-4444-4444-8444-000000000001", "44444444-4444-4444-8444-444444444444")
"""The managed identity of the compute cluster, which reads inputs and writes outputs."""
WORKSPACE = Identity("workspace", "55555555-5555-4555-8555-000000000001", "55555555-5555-4555-8555-555555555555")
"""The managed identity of the Azure ML workspace, which keeps logs and fetches models and code."""
USER = Identity("local-user", "66666666-6666-4666-8666-000000000001", "66666666-6666-4666-8666-666666666666")
"""The developer."""
KNOWN = (APP, COMPUTE, WORKSPACE, USER)


def by_name(name: str) -> Identity:
    """The identity that roles.yaml means; a name that is none of the known ones is an object id."""
    return next((one for one in KNOWN if one.name == name), Identity(name, name, name))


def by_object_id(object_id: str) -> Identity:
    """The identity with an object id; one that nobody knows holds only the roles that its id is given."""
    found = (one for one in KNOWN if one.object_id == object_id.lower())
    return next(found, Identity(object_id, object_id, object_id))


def by_client_id(client_id: str) -> Identity:
    """The identity of an application; one that nobody knows has its client id for an object id."""
    found = (one for one in KNOWN if one.client_id == client_id.lower())
    return next(found, Identity(client_id, client_id, client_id))
