"""Hands in a file that is no notebook."""

SECTION = "notebook"
POINTS = NOTHING
TEXT = "this is no notebook"
