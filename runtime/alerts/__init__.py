"""Says when something is wrong with what runs here, and when it is well again."""
