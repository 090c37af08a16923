"""Hands in JSON that is nested ten thousand deep."""

SECTION = "notebook"
POINTS = NOTHING
TEXT = "[" * 10_000 + "]" * 10_000
