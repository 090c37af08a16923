"""Notebooks and times as nobody writes them, the same ones for each seed."""

import json
import random
from typing import Any

ANYTHING = [
    None,
    True,
    -1,
    10**30,
    1e308,
    float("nan"),
    "",
    "x" * 1000,
    "\ud800",
    "\0",
    [],
    {},
    [[]],
    [3],
    ["a", 1],
]
ANYTHING += [{"a": {}}, {"nbgrader": 3}, {"grade_id": ["a"]}, "code", "print(1)\n" * 50]
WORDS = [
    "2026",
    "11",
    "30",
    "-",
    "/",
    ":",
    " ",
    ".",
    ",",
    "T",
    "Z",
    "UTC",
    "+",
    "am",
    "pm",
    "Mon",
    "Nov",
    "m",
    "h",
    "s",
]
WORDS += [
    "1" * 80,
    "0" * 30,
    "e",
    "E9",
    "inf",
    "nan",
    "\0",
    "\u0661",
    "\u00bd",
    "\n",
    "99999",
    "-1",
    "1e400",
    "June",
    "24:00",
]


def notebook(seed: int, sound: dict) -> bytes:
    """Return a sound notebook after one to four of its values, of any depth, became anything that JSON allows."""
    rng = random.Random(seed)
    damaged = json.loads(json.dumps(sound))
    for _ in range(rng.choice((1, 1, 2, 4))):
        container, key = rng.choice(_places(damaged) or [([None], 0)])
        what = rng.randrange(8)
        if what == 0:
            del container[key]
        elif what == 1 and isinstance(container, list):
            container.insert(key, rng.choice(ANYTHING))
        elif what == 2 and isinstance(container, dict):
            container[rng.choice(["cell_type", "source", "id", "metadata", "outputs", "attachments"])] = (
                rng.choice(ANYTHING)
            )
        elif what == 3:
            container[key] = [container[key]]
        elif what == 4 and isinstance(container[key], dict):
            container[key] = list(container[key].items())
        else:
            container[key] = rng.choice(ANYTHING)
    return json.dumps(damaged).encode()


def time(seed: int) -> str:
    """Return a text that looks a little like a time."""
    rng = random.Random(seed)
    return "".join(rng.choices(WORDS, k=rng.randrange(1, 12)))


def _places(value: Any) -> list[tuple[Any, Any]]:
    """Return all places in a JSON value, as containers and keys."""
    found, queue = [], [value]
    while queue:
        one = queue.pop()
        keys = list(one) if isinstance(one, dict) else range(len(one)) if isinstance(one, list) else ()
        found += [(one, key) for key in keys]
        queue += [one[key] for key in keys]
    return found
