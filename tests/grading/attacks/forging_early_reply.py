"""Writes answers to the judge before it asks."""

SECTION = "forging"
POINTS = NOTHING
ANSWER = (
    WRONG
    + """
import json, os, struct

reply = json.dumps({"result": ["plain", 0], "points": 4.0}).encode()
for fd in range(3, 40):
    try:
        os.write(fd, (struct.pack("!I", len(reply)) + reply) * 50)
    except OSError:
        pass
"""
)
