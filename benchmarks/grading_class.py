"""Grade a class of `soa_vs_aos`, all defences on, against stock nbgrader on the same notebooks.

Asked for: at least 4 times the submissions a minute of stock nbgrader 0.9.6 on two cores, in the same run, with
half of stock's turn before ours and half of it after; two workers gain at least 0.9 of what two spinning processes
do where nothing is timed; a dask cluster on this machine loses at most 10 % against the process pool; seconds and
peak memory for 200 students with 5 exercises each, and what that says of 10,000 on a cluster.

    python benchmarks/grading_class.py [stock] [workers] [dask] [parts] [--students 40]
"""

import argparse
import json
import multiprocessing
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import nbformat
from nbgrader.api import Gradebook
from rich.console import Console
from rich.table import Table

from perflab import machine
from perflab.course import read
from perflab.course.classroom import class_config
from perflab.course.gates import mutants
from perflab.course.notebook import instructor, to_bytes
from perflab.judge import batch
from perflab.judge.examine import examine
from perflab.judge.pool import LOCAL, Pool, cluster, local_pool
from perflab.judge.sample import submissions
from perflab.judge.settings import Settings
from perflab.judge.verdict import Verdict

ROOT = Path(__file__).parents[1]
EXERCISE, ASSIGNMENT = "memory/soa_vs_aos", "memory-locality"
NAME = f"{Path(EXERCISE).name}.ipynb"
BIN = Path(sys.executable).parent
SPEED = "soa_vs_aos_speed"
# nbgrader as it comes: its own kernel, its own lists, no sandbox.
STOCK = """c = get_config()
c.CourseDirectory.root = {root!r}
c.CourseDirectory.course_id = "stock"
c.ExecutePreprocessor.timeout = 120
"""


def answers(count: int) -> dict[str, str]:
    """Return distinct answers by student: three of five solve it, the others are broken twins in turns."""
    exercise = read(ROOT / "solutions" / f"{EXERCISE}.py")
    solved = next(cell.source for cell in exercise.of_role("answer"))
    twins = [answer for answer, _ in mutants(ROOT / "tests" / "exercises" / f"{EXERCISE}.py").values()]
    found = {}
    for i in range(count):
        text = solved if i % 5 < 3 else twins[(i // 5 * 2 + i % 5 - 3) % len(twins)]
        found[f"s{i:03}"] = f"{text}\n\nANSWER = {i}\n"
    return found


def new_class(folder: Path, config: str) -> Path:
    """Make a class with the assignment released."""
    root = folder / "class"
    (root / "source" / ASSIGNMENT).mkdir(parents=True)
    notebook = instructor(read(ROOT / "solutions" / f"{EXERCISE}.py"))
    (root / "source" / ASSIGNMENT / NAME).write_bytes(to_bytes(notebook))
    (folder / "nbgrader_config.py").write_text(config.format(root=str(root)))
    command(folder, "nbgrader", "generate_assignment", ASSIGNMENT)
    return root


def command(folder: Path, program: str, *arguments: str) -> float:
    """Run a program of the environment; return the seconds."""
    start = time.perf_counter()
    done = subprocess.run(
        [str(BIN / program), *arguments],
        cwd=folder,
        env={**os.environ, "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(done.stdout + done.stderr)
    return time.perf_counter() - start


def hand_in(root: Path, who: str, notebook: nbformat.NotebookNode) -> None:
    path = root / "submitted" / who / ASSIGNMENT / NAME
    path.parent.mkdir(parents=True)
    nbformat.write(notebook, path)


def notebooks(count: int) -> dict[str, nbformat.NotebookNode]:
    found = submissions(read(ROOT / "solutions" / f"{EXERCISE}.py"), answers(count))
    return {who: notebook for who, notebook in found.items() if who.startswith("s0")}


def points(root: Path) -> dict[str, float]:
    with Gradebook(f"sqlite:///{root / 'gradebook.db'}") as gradebook:
        return {s.student.id: s.score for s in gradebook.assignment_submissions(ASSIGNMENT)}


def against_stock(folder: Path, count: int) -> dict:
    """Grade a class by `perflab grade --jobs 2`; before and after it a half of it by `nbgrader autograde`."""
    ours = new_class(folder / "ours", OURS)
    stock = new_class(folder / "stock", STOCK)
    handed_in = list(notebooks(count).items())
    half = -(-count // 2)
    seconds: dict[str, list[float]] = {"perflab": [], "stock": []}
    turns = ("stock", handed_in[:half]), ("perflab", handed_in), ("stock", handed_in[half:])
    for side, some in turns:
        root = ours if side == "perflab" else stock
        for who, notebook in some:
            hand_in(root, who, notebook)
        if side == "perflab":
            spent = command(folder / "ours", "perflab", "grade", ASSIGNMENT, "--jobs", "2")
        else:
            spent = command(folder / "stock", "nbgrader", "autograde", ASSIGNMENT, "--create")
        seconds[side].append(spent)
        Console(stderr=True).print(f"{side}, {len(some)} submissions: {spent:.1f} s")
    again = command(folder / "ours", "perflab", "grade", ASSIGNMENT, "--jobs", "2")
    rates = {side: 60 * count / sum(spent) for side, spent in seconds.items()}
    return {
        "submissions": count,
        "seconds": seconds,
        "a_minute": rates,
        "times": rates["perflab"] / rates["stock"],
        "second_run_seconds": again,
        "points": {"perflab": points(ours), "stock": points(stock)},
    }


OURS = """from pathlib import Path
from perflab.course.classroom import class_config
c = get_config()
c.merge(class_config(Path({root!r})))
"""


def untimed(notebook: nbformat.NotebookNode) -> str:
    """Return the instructor's notebook without the cell that is timed: that one takes turns on purpose."""
    kept = [cell for cell in notebook.cells if cell.metadata.get("nbgrader", {}).get("grade_id") != SPEED]
    return nbformat.writes(nbformat.NotebookNode({**notebook, "cells": kept}))


def spin(seconds: float) -> int:
    """Count as far as one comes in some seconds."""
    end, turns = time.perf_counter() + seconds, 0
    while time.perf_counter() < end:
        turns += 1
    return turns


def spinning(context: multiprocessing.context.BaseContext) -> float:
    """Return how many times more two spinning processes do than one."""
    with context.Pool(2) as pool:
        pool.map(spin, [0.1, 0.1])
        one = pool.apply(spin, (1.5,))
        both = sum(pool.map(spin, [1.5, 1.5], chunksize=1))
    return both / one


def timed_pool(pool: Pool, trusted: str, texts: list[str], settings: Settings) -> float:
    """Return the seconds of a pool for some examinations, its start and a first one left out."""
    with pool.open() as opened:
        first = [opened.submit(examine, trusted, texts[0], settings.to_dict()) for _ in range(2 * pool.workers)]
        for future in first:
            future.result()
        start = time.perf_counter()
        verdicts = [opened.submit(examine, trusted, text, settings.to_dict()) for text in texts]
        done = [Verdict.from_json(future.result()) for future in verdicts]
        seconds = time.perf_counter() - start
    # What the machinery could not examine is quick, and says nothing.
    assert not any(verdict.problem for verdict in done), done[0].flags
    return seconds


def workers(count: int) -> dict:
    """Compare one worker with two where nothing is timed, and two spinning processes with one, in turns."""
    context = multiprocessing.get_context("spawn")
    settings = Settings()
    trusted = untimed(instructor(read(ROOT / "solutions" / f"{EXERCISE}.py")))
    texts = [nbformat.writes(notebook) for notebook in notebooks(count).values()]
    gains, spins = [], []
    for _ in range(2):
        spins.append(spinning(context))
        one, two = (timed_pool(local_pool(jobs), trusted, texts, settings) for jobs in (1, 2))
        gains.append(one / two)
    gain, most = sum(gains) / len(gains), sum(spins) / len(spins)
    return {"gains": gains, "spinning": spins, "share": gain / most, "seconds_each_one_worker": one / count}


def dask(count: int) -> dict:
    """Compare a running dask cluster of two workers with a process pool of two, in turns."""
    settings = Settings()
    trusted = untimed(instructor(read(ROOT / "solutions" / f"{EXERCISE}.py")))
    texts = [nbformat.writes(notebook) for notebook in notebooks(count).values()]
    pool, there = [], []
    with cluster(LOCAL, 2) as running:
        for _ in range(2):
            pool.append(timed_pool(local_pool(2), trusted, texts, settings))
            there.append(timed_pool(running, trusted, texts, settings))
    return {"pool_seconds": pool, "dask_seconds": there, "loss": sum(there) / sum(pool) - 1}


def parts(folder: Path, count: int) -> dict:
    """Measure what grading a submission consists of: the examination, its turn in the lane, the gradebook."""
    root = new_class(folder / "parts", OURS)
    settings = Settings()
    for who, notebook in notebooks(count).items():
        hand_in(root, who, notebook)
    start = time.perf_counter()
    work = batch.collect(root, ASSIGNMENT, settings).work
    collecting = (time.perf_counter() - start) / count
    config = class_config(root)
    batch.grade(root, ASSIGNMENT, config, settings, local_pool(2), lambda done, of: None)
    verdicts = [batch.Store(root / batch.VERDICTS).get(one.key) for one in work]
    shutil.rmtree(root / "autograded")
    start = time.perf_counter()
    batch.grade(root, ASSIGNMENT, config, settings, local_pool(2), lambda done, of: None)
    writing = (time.perf_counter() - start) / count
    trusted, text = work[0].trusted, work[0].submitted
    short = untimed(nbformat.reads(trusted, as_version=4))
    examine(trusted, text, settings.to_dict())
    examine(short, text, settings.to_dict())
    spent = {}
    for what, notebook in (("all", trusted), ("untimed", short)):
        examine(notebook, text, settings.to_dict())
        begun = time.perf_counter()
        for one in work[:3]:
            examine(notebook, one.submitted, settings.to_dict())
        spent[what] = (time.perf_counter() - begun) / 3
    lane = spent["all"] - spent["untimed"]
    assert not any(verdict is None or verdict.problem for verdict in verdicts)
    children = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    return {
        "collect": collecting,
        "write": writing,
        "examine": spent["all"],
        "untimed": spent["untimed"],
        "lane": lane,
        "seconds_in_verdicts": sum(v.seconds for v in verdicts if v) / count,
        "worker_peak_mib": children / 1024,
        "writer_peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def extrapolated(part: dict) -> dict:
    """Say what the parts add up to for 200 x 5 here, and for 10,000 x 5 on a cluster of two-core machines."""
    found = {}
    for students, machines in ((200, 1), (10_000, 1), (10_000, 10), (10_000, 50)):
        notebooks = 5 * students
        of = {
            "lane": part["lane"] * notebooks / machines,
            "cores": part["examine"] * notebooks / (2 * machines),
            "gradebook": (part["write"] + part["collect"]) * notebooks,
        }
        slowest = max(of, key=lambda name: of[name])
        found[f"{students} x 5 on {machines}"] = {"seconds": of[slowest], "bottleneck": slowest, "parts": of}
    return found


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("what", nargs="*", default=list(PARTS))
    parser.add_argument("--students", type=int, default=40)
    asked = parser.parse_args()
    out = Console()
    target = ROOT / "_build" / "benchmarks" / f"{Path(__file__).stem}.json"
    target.parent.mkdir(parents=True, exist_ok=True)
    report = json.loads(target.read_text()) if target.is_file() else {}
    report["machine"] = machine.describe().cpu
    with tempfile.TemporaryDirectory() as name:
        for what, measure in PARTS.items():
            if what in asked.what:
                report[what] = measure(Path(name), asked.students, out)
                # Each part is kept as soon as it is there: they take minutes.
                target.write_text(json.dumps(report, indent=2))


def show_stock(folder: Path, students: int, out: Console) -> dict:
    found = against_stock(folder, students)
    table = Table("", "submissions a minute", "seconds, block by block", title="perflab grade --jobs 2")
    for side, rate in found["a_minute"].items():
        table.add_row(side, f"{rate:.1f}", ", ".join(f"{s:.1f}" for s in found["seconds"][side]))
    out.print(table)
    out.print(
        f"{found['times']:.2f} times stock nbgrader. The baseline's sandbox, where the course's own code runs, is "
        "reused from one submission to the next; each student's is fresh. A second run, with nothing to examine, "
        f"takes {found['second_run_seconds']:.1f} s."
    )
    return found


def show_workers(_: Path, students: int, out: Console) -> dict:
    found = workers(min(students, 10))
    out.print(
        f"Two workers against one, nothing timed: {found['gains']}; two spinning processes against one: "
        f"{found['spinning']}. Share: {found['share']:.2f}."
    )
    return found


def show_dask(_: Path, students: int, out: Console) -> dict:
    found = dask(min(students, 16))
    out.print(f"A dask cluster on this machine loses {found['loss']:.1%} against the process pool.")
    return found


def show_parts(folder: Path, students: int, out: Console) -> dict:
    found = parts(folder, min(students, 8))
    table = Table("part", "seconds a submission", title="Where time goes")
    for part in ("collect", "untimed", "lane", "write"):
        table.add_row(part, f"{found[part]:.3f}")
    out.print(table)
    found["extrapolated"] = extrapolated(found)
    table = Table("class, machines of two cores", "minutes", "bottleneck", title="Extrapolated")
    for case, of in found["extrapolated"].items():
        table.add_row(case, f"{of['seconds'] / 60:.1f}", of["bottleneck"])
    out.print(table)
    out.print(
        f"Peak memory: {found['worker_peak_mib']:.0f} MiB a worker, {found['writer_peak_mib']:.0f} the writer."
    )
    return found


PARTS = {"stock": show_stock, "workers": show_workers, "dask": show_dask, "parts": show_parts}


if __name__ == "__main__":
    main()
