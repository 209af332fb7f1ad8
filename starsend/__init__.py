"""Starsend: the film pipeline. Blocking primitives, usable from a plain script with no event loop."""
