"""Replaces the code that carries results."""

SECTION = "forging"
POINTS = NOTHING
ANSWER = (
    WRONG
    + """
import sys

for name, module in list(sys.modules.items()):
    if name.startswith("perflab.guest") and hasattr(module, "encode"):
        module.encode = lambda value, layout, *more: ["array", "<i8", [1 << 40], "C", 0]
"""
)
