"""Damage 500 notebooks at random and grade them between honest ones: every one must end in a verdict.

    python benchmarks/grading_damaged.py [--count 500] [--seed 1] [--jobs 2]

Each is an honest submission with one to four of the damages below, among them: bytes flipped, cut or doubled,
structure replaced by anything that JSON allows, cells and metadata lost, retyped, repeated and swapped.
"""

import argparse
import json
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from perflab import machine
from perflab.judge import batch
from perflab.judge.pool import local_pool
from perflab.judge.settings import Settings

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "tests" / "grading")]

from quick import ASSIGNMENT, NAME, SLOW, SOLVED, Class, submission, write  # noqa: E402

HONEST = {"ada": (SOLVED, 4.0), "bob": (SLOW, 2.0)}
ANYTHING = [None, True, -1, 1e308, "", "x" * 1000, [], {}, [[]], {"a": {}}, "\ud800", "\0", "print(1)\n" * 50]
CODES = [
    "1/0",
    "raise SystemExit",
    "import os; os._exit(0)",
    "def find(",
    "find = None",
    "%%bash\necho",
    "\0",
    "é" * 99,
]


def flip(data: bytes, rng: random.Random) -> bytes:
    changed = bytearray(data)
    for _ in range(rng.choice((1, 10, 1000))):
        changed[rng.randrange(len(changed))] = rng.randrange(256)
    return bytes(changed)


def cut(data: bytes, rng: random.Random) -> bytes:
    return data[: rng.randrange(len(data))]


def double(data: bytes, rng: random.Random) -> bytes:
    start = rng.randrange(len(data))
    return data[:start] + data[start : start + 500] * 2 + data[start + 500 :]


def places(value: Any, above: list | None = None) -> list[tuple[Any, Any]]:
    """Return all places in a JSON value, as containers and keys."""
    found = [] if above is None else above
    keys = value.keys() if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    for key in keys:
        found.append((value, key))
        places(value[key], found)
    return found


def structure(change: Callable[[Any, random.Random], None]) -> Callable[[bytes, random.Random], bytes]:
    """Return a damage to bytes that changes what they say, if they still say something."""

    def damage(data: bytes, rng: random.Random) -> bytes:
        try:
            notebook = json.loads(data)
            change(notebook, rng)
        except (ValueError, KeyError, IndexError, TypeError, AttributeError):
            return data
        return json.dumps(notebook).encode()

    return damage


def replace_anything(notebook: Any, rng: random.Random) -> None:
    container, key = rng.choice(places(notebook))
    container[key] = rng.choice(ANYTHING)


def lose_anything(notebook: Any, rng: random.Random) -> None:
    container, key = rng.choice(places(notebook))
    del container[key]


def rewrite_code(notebook: Any, rng: random.Random) -> None:
    rng.choice(notebook["cells"])["source"] = rng.choice(CODES)


def retype(notebook: Any, rng: random.Random) -> None:
    rng.choice(notebook["cells"])["cell_type"] = rng.choice(["code", "markdown", "raw", "heading", "evil", 3])


def repeat(notebook: Any, rng: random.Random) -> None:
    notebook["cells"] += notebook["cells"] * rng.choice((1, 5))


def shuffle(notebook: Any, rng: random.Random) -> None:
    rng.shuffle(notebook["cells"])


def flags(notebook: Any, rng: random.Random) -> None:
    for cell in notebook["cells"]:
        about = cell["metadata"].get("nbgrader", {})
        about[rng.choice(["grade_id", "points", "schema_version", "grade", "task", "solution", "checksum"])] = (
            rng.choice(ANYTHING)
        )
        cell["metadata"]["nbgrader"] = about


def version(notebook: Any, rng: random.Random) -> None:
    notebook[rng.choice(["nbformat", "nbformat_minor"])] = rng.choice([0, 1, 2, 3, 5, 99, -1, "4", None])


def deep(notebook: Any, rng: random.Random) -> None:
    value: Any = {}
    for _ in range(900):
        value = [value]
    notebook["metadata"]["deep"] = value


DAMAGES = [flip, cut, double]
DAMAGES += map(
    structure, (replace_anything, lose_anything, rewrite_code, retype, repeat, shuffle, flags, version, deep)
)


def damaged(rng: random.Random) -> bytes:
    """Return a submission after one to four damages."""
    data = submission(rng.choice((SOLVED, SLOW)))
    for damage in rng.choices(DAMAGES, k=rng.choice((1, 1, 2, 4))):
        data = damage(data, rng) or b"\n"
    return data


def run(folder: Path, count: int, seed: int, jobs: int, report: batch.Report = lambda done, of: None) -> dict:
    """Grade damaged submissions between honest ones; return what came of it.

    Raises
    ------
    AssertionError
        If one has no verdict, or a neighbor's grade is another one.
    """
    rng = random.Random(seed)
    found = Class(folder)
    for who, (answer, _) in HONEST.items():
        found.submit(who, answer)
    for i in range(count):
        # Names before, between and behind those of honest students.
        write(found.root / "submitted" / f"{'abz'[i % 3]}x{i:03}" / ASSIGNMENT / NAME, damaged(rng))
    start = time.perf_counter()
    outcome = batch.grade(found.root, ASSIGNMENT, found.config, Settings(), local_pool(jobs), report)
    seconds = time.perf_counter() - start
    verdicts = {student: verdict for (student, _), verdict in outcome.verdicts.items()}
    points = found.points()
    problems = [student for student, verdict in verdicts.items() if verdict.problem]
    missing = [student for student in verdicts if student not in points]
    assert len(verdicts) == count + len(HONEST)
    assert not problems, problems
    assert not outcome.failed, outcome.failed
    assert not missing, missing
    assert {who: points[who] for who in HONEST} == {who: right for who, (_, right) in HONEST.items()}
    return {
        "count": count,
        "seed": seed,
        "seconds": seconds,
        "points": Counter(points[student] for student in verdicts if student not in HONEST),
        "for_a_human": sum(bool(verdict.flags) for verdict in verdicts.values()),
        "not_readable": sum("cannot be read" in " ".join(verdict.flags) for verdict in verdicts.values()),
    }


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--count", type=int, default=500)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=2)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        found = run(Path(name), asked.count, asked.seed, asked.jobs)
    table = Table("points", "damaged notebooks", title=f"{asked.count} damaged notebooks, seed {asked.seed}")
    for points, count in sorted(found["points"].items()):
        table.add_row(f"{points:g} of 4", str(count))
    out = Console()
    out.print(table)
    out.print(
        f"All have a verdict, in {found['seconds']:.0f} s. {found['for_a_human']} wait for a human, "
        f"{found['not_readable']} of them since they are no notebooks any more. Their honest neighbors have what "
        "they have earned."
    )
    target = ROOT / "_build" / "benchmarks" / f"{Path(__file__).stem}.json"
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps({"machine": machine.describe().cpu, **found}, indent=2))


if __name__ == "__main__":
    main()
