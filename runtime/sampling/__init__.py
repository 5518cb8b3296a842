"""Which executions are looked at again, and how sure one may be of what they show together."""
