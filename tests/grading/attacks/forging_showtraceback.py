"""Hides every error."""

SECTION = "forging"
POINTS = NOTHING
ANSWER = (
    WRONG
    + """
from IPython.core.interactiveshell import InteractiveShell

InteractiveShell.showtraceback = lambda self, *args, **more: None
"""
)
