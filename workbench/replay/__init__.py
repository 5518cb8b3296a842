"""A program run over what has been asked before, here or on many machines: what would change.

Work is cut into parts (`parts`), each read (`rows`), run and counted by one pure function
(`work`), wherever an engine (`engines`) puts it; counts add up in the parts' order (`tally`).
"""
