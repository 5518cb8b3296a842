"""The server side of SignalR: the JSON hub protocol over WebSockets, server-sent events and long
polling, as the public specifications HubProtocol and TransportProtocols have it.

It knows nothing of Loopai: a hub is a table of methods, and a message goes to one client or all.
"""

from sync.signalr.connection import Connection, Limits
from sync.signalr.endpoint import Authenticate, signalr_routes
from sync.signalr.hub import Hub, HubError
from sync.signalr.tokens import ConnectionTokens

__all__ = [
    "Authenticate",
    "Connection",
    "ConnectionTokens",
    "Hub",
    "HubError",
    "Limits",
    "signalr_routes",
]
