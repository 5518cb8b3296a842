"""What a platform team looks after over HTTP: tickets, keys, and who did what."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field
from sqlalchemy import select
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from runtime.errors import InvalidInputError
from runtime.models import Model
from runtime.server.openapi_parts import ANY_OBJECT, Json, list_of, object_of
from sync.hub import tables
from sync.hub.answers import read_model
from sync.hub.hub_keys import HUB_SCOPES, Caller, HubKeys, HubScope
from sync.hub.operations import Operation, number_of, query
from sync.hub.store import Store
from sync.hub.tickets import CLOSED, OPEN, Tickets

MOST_ENTRIES = 1000
ENTRIES = 100


class NewKey(Model):
    """What a key is to be called and may do."""

    name: Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[^\x00-\x1f]*$")]
    scopes: Annotated[tuple[HubScope, ...], Field(min_length=1, max_length=len(HUB_SCOPES))]


def team_routes(store: Store, keys: HubKeys) -> list[Operation]:
    """Tickets, keys and the audit table."""
    tickets = Tickets(store)

    async def list_tickets(request: Request, caller: Caller) -> Response:
        state = request.query_params.get("state")
        if state not in (None, OPEN, CLOSED):
            raise InvalidInputError(f"A ticket's state is {OPEN} or {CLOSED}.")
        found = await run_in_threadpool(tickets.listed, caller.tenant, state)
        return JSONResponse({"tickets": found})

    async def one_ticket(request: Request, caller: Caller) -> Response:
        number = number_of(request, "number")
        return JSONResponse(await run_in_threadpool(tickets.get, caller.tenant, number))

    async def close_ticket(request: Request, caller: Caller) -> Response:
        number = number_of(request, "number")
        await run_in_threadpool(tickets.close, caller.tenant, number, caller.key_id)
        return JSONResponse({"number": number, "state": CLOSED})

    async def list_keys(request: Request, caller: Caller) -> Response:
        return JSONResponse({"keys": await run_in_threadpool(keys.listed, caller.tenant)})

    async def create_key(request: Request, caller: Caller) -> Response:
        wanted = await read_model(request, NewKey)
        identity, key = await run_in_threadpool(
            keys.create, caller.tenant, wanted.name, wanted.scopes, caller.key_id
        )
        told = {"id": identity, "name": wanted.name, "scopes": wanted.scopes, "key": key}
        return JSONResponse(told, 201, {"cache-control": "no-store"})

    async def revoke_key(request: Request, caller: Caller) -> Response:
        identity = request.path_params["key"]
        await run_in_threadpool(keys.revoke, identity, caller.tenant, caller.key_id)
        return JSONResponse({"id": identity, "revoked": True})

    async def read_audit(request: Request, caller: Caller) -> Response:
        given = request.query_params.get("limit", str(ENTRIES))
        if not given.isascii() or not given.isdecimal() or not 1 <= int(given[:9]) <= MOST_ENTRIES:
            raise InvalidInputError(f"limit is a whole number, 1 to {MOST_ENTRIES}.")
        found = await run_in_threadpool(_audit, store, caller.tenant, int(given))
        return JSONResponse({"entries": found})

    text: Json = {"type": "string"}
    whole: Json = {"type": "integer"}
    optional: Json = {"type": ["string", "null"]}
    ticket = object_of(
        {
            "number": whole,
            "task": text,
            "title": text,
            "body": text,
            "facts": ANY_OBJECT,
            "state": {"enum": [OPEN, CLOSED]},
            "opened_at": text,
            "closed_at": optional,
        }
    )
    key: Json = {"id": text, "name": text, "scopes": list_of({"enum": list(HUB_SCOPES)})}
    kept = {**key, "created_at": text, "revoked_at": optional, "tenant": text}
    entry = object_of({"at": text, "actor": text, "action": text, "facts": ANY_OBJECT})
    most = {"type": "integer", "minimum": 1, "maximum": MOST_ENTRIES}
    one = "/api/v1/tickets/{number:int}"
    look = ("read", "admin")
    return [
        Operation(
            "GET", "/api/v1/tickets", "What the hub could not solve by itself, newest first",
            list_tickets, look, object_of({"tickets": list_of(ticket)}), errors=(422,),
            parameters=[query("state", {"enum": [OPEN, CLOSED]}, "Only these.")],
        ),
        Operation("GET", one, "One ticket", one_ticket, look, ticket, errors=(404,)),
        Operation(
            "POST", one + "/close", "Close a ticket", close_ticket, ("admin",),
            object_of({"number": whole, "state": {"const": CLOSED}}), errors=(404,),
        ),
        Operation(
            "GET", "/api/v1/keys", "The tenant's keys; none can be read back", list_keys,
            ("admin",), object_of({"keys": list_of(object_of(kept))}),
        ),
        Operation(
            "POST", "/api/v1/keys", "Make a key; it is shown this once", create_key, ("admin",),
            object_of({**key, "key": text}), status=201, body=NewKey,
        ),
        Operation(
            "DELETE", "/api/v1/keys/{key}", "Refuse a key from now on", revoke_key, ("admin",),
            object_of({"id": text, "revoked": {"const": True}}), errors=(404,),
        ),
        Operation(
            "GET", "/api/v1/audit", "Who did what, newest first", read_audit, ("admin",),
            object_of({"entries": list_of(entry)}), errors=(422,),
            parameters=[query("limit", most, f"At most so many; {ENTRIES} where left out.")],
        ),
    ]  # fmt: skip


def _audit(store: Store, tenant: str, limit: int) -> list[dict[str, object]]:
    columns = tables.audit.c
    # Its number counts all tenants' entries: how busy the others are is not this one's to know.
    wanted = [columns.at, columns.actor, columns.action, columns.facts]
    with store.read() as connection:
        rows = connection.execute(
            select(*wanted)
            .where(columns.tenant == tenant)
            .order_by(columns.number.desc())
            .limit(limit)
        )
        return [dict(row._mapping) for row in rows]
