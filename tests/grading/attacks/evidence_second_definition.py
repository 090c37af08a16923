"""Shows the instrument one definition, and the clock another."""

import textwrap

SECTION = "evidence"
POINTS = SLOW_POINTS
ANSWER = HONEST + "\nif True:\n" + textwrap.indent(SLOW, "    ")
