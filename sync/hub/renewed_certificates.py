"""Takes up renewed certificate files at SIGHUP; faulty ones leave those in use as they are."""

from __future__ import annotations

import logging
import signal
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from runtime.errors import LoopaiError
from runtime.tls.contexts import load_server_files
from runtime.tls.settings import ServerTls

logger = logging.getLogger("loopai.hub")


@contextmanager
def taken_up_on_sighup(context: ssl.SSLContext | None, files: ServerTls | None) -> Iterator[None]:
    """While the block runs; without certificates SIGHUP ends the process, as it always does."""
    if context is None or files is None:
        yield
        return
    served, named = context, files

    def renew(number: int, frame: FrameType | None) -> None:
        try:
            load_server_files(served, named)
        except LoopaiError as error:
            logger.error("the certificates stay as they were: %s", error)
        else:
            logger.warning("the certificate files were read again: %s", named.cert)

    before = signal.signal(signal.SIGHUP, renew)
    try:
        yield
    finally:
        signal.signal(signal.SIGHUP, before)
