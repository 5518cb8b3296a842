"""The steward: the one background process that reads what was executed and acts on it."""
