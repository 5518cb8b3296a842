"""Notebooks: Markdown files whose fenced cells make, try, judge and promote programs.

    document      a file as blocks, byte for byte      kinds         what each kind of cell is
    editing       change, add, move, delete a block     dependencies  what a cell stands on
    session       outputs kept beside the file          engine        runs cells, with no screen
    cells         one module for each kind's work       html, text    outputs for a page, a terminal

Nothing here imports the terminal screens: a notebook runs the same in CI as in the workbench.
"""
