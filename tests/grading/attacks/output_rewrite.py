"""Rewrites the displays of other cells."""

SECTION = "output"
POINTS = NOTHING
ANSWER = (
    WRONG
    + """
from IPython.display import clear_output, display, update_display

def moving(numbers, wrong=moving):
    clear_output()
    display({"text/plain": "4.0"}, raw=True, display_id="points")
    update_display({"text/plain": "4.0"}, raw=True, display_id="points")
    return wrong(numbers)
"""
)
