"""Replaces the function that runs cells."""

SECTION = "forging"
POINTS = NOTHING
ANSWER = (
    WRONG
    + """
from IPython.core.interactiveshell import InteractiveShell

async def run_cell_async(self, source, *args, old=InteractiveShell.run_cell_async, **more):
    if "transformed_cell" in more:
        more["transformed_cell"] = "1.0"
    return await old(self, "1.0", *args, **more)

InteractiveShell.run_cell_async = run_cell_async
"""
)
