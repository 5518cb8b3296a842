"""Why executions fail, over all that boxes told a hub: by task, version and slice, in words.

Rows are read from the hub's database or from files (`told`), counted in a first pass over an
engine (`counting`), and what failures have in common is counted exactly in a second (`slicing`);
`analysing` puts both together.
"""
