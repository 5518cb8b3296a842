"""Ends connections whose key was revoked, by whichever process: a key is asked for only when a
connection begins."""

from __future__ import annotations

import asyncio
import logging

from sqlalchemy.exc import SQLAlchemyError
from starlette.concurrency import run_in_threadpool

from sync.hub.hub_keys import HubKeys
from sync.signalr import Hub

SECONDS_BETWEEN_LOOKS = 1.0
REVOKED = "The key was revoked."

logger = logging.getLogger("loopai.hub")


async def end_revoked_for_ever(keys: HubKeys, hub: Hub) -> None:
    """Look every second, on the hub's event loop."""
    while True:
        try:
            revoked = await run_in_threadpool(keys.revoked_lately)
        except SQLAlchemyError as error:
            logger.error("the database failed: %s", str(error).splitlines()[0])
        else:
            for connection in list(hub.connections.values()) if revoked else ():
                if connection.identity.key_id in revoked:
                    connection.close(REVOKED)
        await asyncio.sleep(SECONDS_BETWEEN_LOOKS)
