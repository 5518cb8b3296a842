"""Keeps keys out of the server's log: a browser's WebSocket has its key in the address."""

from __future__ import annotations

import logging
import re

TOKEN = re.compile(r"(access_token=)[^&\s\"']+")


class HiddenTokens(logging.Filter):
    """Lets every record pass, without its tokens."""

    def filter(self, record: logging.LogRecord) -> bool:
        message = record.getMessage()
        if "access_token=" in message:
            record.msg, record.args = TOKEN.sub(r"\1...", message), None
        return True
