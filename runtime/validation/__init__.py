"""Whether what a program answered is right: oracles are asked, their answers compared and kept.

Nothing here is on the way of a request; an oracle that fails or is slow delays only itself.
"""
