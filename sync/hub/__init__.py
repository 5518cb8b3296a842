"""The shared hub: programs out to the boxes, what they choose to tell in, a tenant each for itself.

It needs the extra `[hub]`; an edge box imports nothing of it.
"""
