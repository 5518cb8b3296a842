"""Messages of the JSON hub protocol, from and to bytes; does no I/O.

Each is one JSON object that ends with a record separator (0x1E).
"""

from __future__ import annotations

from typing import Any

import msgspec

SEPARATOR = b"\x1e"
INVOCATION, STREAM_ITEM, COMPLETION, STREAM_INVOCATION = 1, 2, 3, 4
CANCEL_INVOCATION, PING, CLOSE, ACK, SEQUENCE = 5, 6, 7, 8, 9
PROTOCOL = "json"
PROTOCOL_VERSION = 1
MAX_ID = 128

Message = dict[str, Any]


class ProtocolError(Exception):
    """The client sent something that is not of this protocol; its text may be told to it."""


def encode(message: Message) -> bytes:
    """One message with its separator."""
    return msgspec.json.encode(message) + SEPARATOR


PING_MESSAGE = encode({"type": PING})


def invocation(target: str, arguments: tuple[Any, ...]) -> bytes:
    """A call that wants no answer."""
    return encode({"type": INVOCATION, "target": target, "arguments": arguments})


def stream_item(invocation_id: str, item: Any) -> bytes:
    return encode({"type": STREAM_ITEM, "invocationId": invocation_id, "item": item})


def completion(invocation_id: str, result: Any) -> bytes:
    """The end of a call that went well; a null result is told as one."""
    return encode({"type": COMPLETION, "invocationId": invocation_id, "result": result})


def stream_end(invocation_id: str) -> bytes:
    return encode({"type": COMPLETION, "invocationId": invocation_id})


def failure(invocation_id: str, error: str) -> bytes:
    return encode({"type": COMPLETION, "invocationId": invocation_id, "error": error})


def close(error: str | None, allow_reconnect: bool) -> bytes:
    message: Message = {"type": CLOSE}
    if error:
        message["error"] = error
    if allow_reconnect:
        message["allowReconnect"] = True
    return encode(message)


def handshake_response(error: str | None) -> bytes:
    return encode({"error": error} if error else {})


def check_handshake(record: bytes) -> str | None:
    """What is wrong with a handshake request, None when it is one of ours.

    Raises ProtocolError when it is no handshake at all.
    """
    message = _decode(record)
    if "protocol" not in message or "type" in message:
        raise ProtocolError("The first message must be a handshake request.")
    if message["protocol"] != PROTOCOL:
        return f"The protocol '{_short(message['protocol'])}' is not supported."
    version = message.get("version")
    # Some public clients send 0, and the reference server takes whatever is not newer.
    if not isinstance(version, int) or not 0 <= version <= PROTOCOL_VERSION:
        return f"The server does not support version {_short(message.get('version'))}."
    return None


def decode_message(record: bytes) -> Message:
    """One checked message without its separator. Raises ProtocolError."""
    message = _decode(record)
    kind = message.get("type")
    if not isinstance(kind, int) or isinstance(kind, bool):
        raise ProtocolError("A message has no type.")
    if kind in (INVOCATION, STREAM_INVOCATION):
        _require(message, "target", str)
        _require(message, "arguments", list)
        _check_stream_ids(message)
    if kind in (STREAM_ITEM, COMPLETION, STREAM_INVOCATION, CANCEL_INVOCATION):
        _require(message, "invocationId", str)
    if kind == COMPLETION and message.get("error") is not None and "result" in message:
        raise ProtocolError("A completion has both an error and a result.")
    invocation_id = message.get("invocationId")
    if invocation_id is not None and not isinstance(invocation_id, str):
        raise ProtocolError("An invocationId is no text.")
    if isinstance(invocation_id, str) and len(invocation_id) > MAX_ID:
        raise ProtocolError(f"An invocationId is longer than {MAX_ID} characters.")
    return message


def _check_stream_ids(message: Message) -> None:
    stream_ids = message.get("streamIds") or []
    if not isinstance(stream_ids, list) or not all(isinstance(one, str) for one in stream_ids):
        raise ProtocolError("streamIds are no list of texts.")


def _require(message: Message, name: str, kind: type) -> None:
    if not isinstance(message.get(name), kind):
        raise ProtocolError(f"A message of type {message['type']} has no {name}.")


def _decode(record: bytes) -> Message:
    try:
        message = msgspec.json.decode(record)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        raise ProtocolError("A message is not JSON.") from None
    if not isinstance(message, dict):
        raise ProtocolError("A message is no JSON object.")
    return message


def _short(value: Any) -> str:
    return str(value)[:40]
