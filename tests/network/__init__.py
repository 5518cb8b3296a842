"""A network of the tests' own between two programs: slow, narrow, lossy, cut, and tapped.

`Network` is a TCP proxy to one port of loopback; `Conditions` say what it does to what passes,
and may be changed while it runs. Any test may use it, and any benchmark to shape a link:

    with Network(hub_port, Conditions(delay_seconds=0.025, bits_per_second=10e6)) as network:
        httpx.get(network.url)
"""

from tests.network.proxy import Conditions, Network
from tests.network.tap import Stream, readable

__all__ = ["Conditions", "Network", "Stream", "readable"]
