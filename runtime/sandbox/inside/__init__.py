"""What runs inside a worker process; imports nothing of ours but its own siblings."""
