"""One person's records: found, handed out and erased, wherever they stand."""
