"""The improvement engine: from what boxes tell of failures to a better version for all of them.

It runs in a process of its own beside the hub, and publishes only what is shown to be better.
"""
