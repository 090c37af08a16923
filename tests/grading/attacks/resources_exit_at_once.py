"""Ends the process as soon as its cell runs."""

SECTION = "resources"
POINTS = NOTHING
ANSWER = """
import os

os._exit(0)
"""
