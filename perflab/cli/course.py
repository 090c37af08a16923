"""Commands for authors, and about this machine: exercises | class | sample | doctor.

What they need takes seconds to import. It is imported where it is used: `perflab --help` needs none of it.
"""

from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from perflab.cli.screen import Root, app, out, steps, table_of
from perflab.course.errors import CourseError

if TYPE_CHECKING:
    from perflab import machine
    from perflab.course.source import Exercise

NAIVE, WRONG = "naive", "wrong_but_fast"  # the broken twins that take part in a sample class


@app.command()
def exercises(
    root: Root = Path("."),
    check: Annotated[bool, typer.Option("--check", help="Write nothing; fail if something would change.")] = False,
) -> None:
    """Check solutions/ and write exercises/ from it."""
    from perflab.course import publish

    if not check:
        for path in publish.generate(root):
            out.print(f"{'wrote' if path.exists() else 'removed'} {path}", markup=False, soft_wrap=True)
        return
    files = publish.released(publish.sources(root))
    folder = root / "exercises"
    drifted = [path for path, data in files.items() if publish.content(folder / path) != data]
    on_disk = (path.relative_to(folder) for path in folder.glob("*/*.ipynb"))
    drifted += [path for path in on_disk if path not in files]
    if drifted:
        names = ", ".join(map(str, sorted(drifted)))
        raise CourseError(f"exercises/ does not match solutions/: {names}. Run `make exercises` and commit.")


@app.command(name="class")
def class_(
    root: Root = Path("."),
    renewed: Annotated[
        str,
        typer.Option("--renew", metavar="ASSIGNMENT", help="A released one that you release anew."),
    ] = "",
) -> None:
    """Build the nbgrader course in class/ from solutions/ and assignments.yml."""
    from perflab.course import publish
    from perflab.course.assignments import assignments, build

    assigned = assignments(root / "assignments.yml", publish.sources(root))
    if renewed:
        _check_renewal(root / "class", renewed, assigned)
    table = table_of("assignment", "exercises", "points", "class/source", title="class/")
    for one in build(root / "class", assigned, renewed):
        points = f"{one.points:g}" + (f", {one.by_hand:g} by hand" if one.by_hand else "")
        table.add_row(one.name, "\n".join(one.exercises), points, one.state)
    out.print(table)
    if renewed:
        out.print(f"Next: nbgrader generate_assignment {renewed} --force, then perflab grade {renewed}.")
    else:
        out.print(
            "Next: nbgrader generate_assignment NAME, or the formgrader in JupyterLab, started in this folder."
        )


def _check_renewal(folder: Path, name: str, assigned: "dict[str, list[Exercise]]") -> None:
    """See that an assignment can be released anew, before anything of it changes."""
    from perflab.course.classroom import configured
    from perflab.course.notebook import instructor
    from perflab.course.results import open_notebook
    from perflab.judge.agreement import check_renewal
    from perflab.judge.gradebook import url_of

    if name not in assigned:
        raise CourseError(f"There is no assignment {name}; there are {', '.join(assigned)}.")
    if (folder / "release" / name).exists():
        folder = folder.resolve()
        notebooks = {exercise.path.stem: instructor(exercise) for exercise in assigned[name]}
        # Notebooks of the instructor's own stay.
        stems = {exercise.path.stem for members in assigned.values() for exercise in members}
        own = (path for path in (folder / "source" / name).glob("*.ipynb") if path.stem not in stems)
        notebooks |= {path.stem: open_notebook(path) for path in own}
        check_renewal(notebooks, name, url_of(folder, configured(folder)))


@app.command()
def sample(
    source: Annotated[Path, typer.Argument(help="An exercise source.")],
    twins: Annotated[Path, typer.Argument(help="Its mutants: a Python file that defines MUTANTS.")],
    root: Annotated[Path, typer.Argument(help="A throwaway course root.")],
) -> None:
    """Grade a sample class of one exercise through nbgrader and show the points and why."""
    from perflab.course import read
    from perflab.course.gates import mutants
    from perflab.judge import sample as sample_class

    broken = mutants(twins)
    if missing := {NAIVE, WRONG} - set(broken):
        raise CourseError(
            f"{twins}: MUTANTS has no {' and no '.join(sorted(missing))}; a sample class needs both."
        )
    answers = {NAIVE: broken[NAIVE][0], "wrong": broken[WRONG][0]}
    with steps() as step:
        rows, fresh = sample_class.run(read(source), answers, root, step)
    table = table_of("submission", "points", "tests cell", "", "why", title=f"Sample class: {source.stem}")
    for row in rows:
        table.add_section()
        said = ""
        for i, (cell, points, of, why) in enumerate(row.why):
            first = (row.student, f"{row.score:g} of {row.of:g}") if i == 0 else ("", "")
            table.add_row(*first, cell, f"{points:g}/{of:g}", "the same" if why == said else why)
            said = why
    out.print(table)
    if not fresh:
        out.print("Nothing changed since these were graded.")
    if sample_class.sandbox() == "none":
        out.print("Graded without a sandbox: these four notebooks are the course's own.")
    out.print(f"Gradebook: {root / 'gradebook.db'}\nGraded notebooks: {root / 'autograded'}", soft_wrap=True)


@app.command()
def doctor(
    fresh: Annotated[bool, typer.Option("--fresh", help="Measure again what is remembered.")] = False,
) -> None:
    """Show what this machine is, what it can do, and what it can and cannot measure."""
    from perflab import machine

    here = machine.describe()
    out.print(_about(here))
    with steps() as step:
        step("measure the ceilings of one core")
        measured = [machine.ceilings(fresh=fresh)]
        if here.cores > 1:
            step(f"measure the ceilings of {here.cores} cores")
            measured.append(machine.ceilings(cores=here.cores, fresh=fresh))
        step("measure latencies and throughput")
        numbers = machine.numbers(fresh=fresh)
        step("try the instruments")
        abilities = machine.abilities()
    out.print(_ceilings_table(measured))
    if any(together.slower_than(measured[0]) for together in measured[1:]):
        out.print(
            "All cores together were slower than one: other programs had the rest. Close them, then measure again "
            "by perflab doctor --fresh.",
            soft_wrap=True,
        )
    table = table_of("what", "time", "quickest = 1", "how", title="Latency numbers of this machine")
    for row in numbers.cells():
        table.add_row(*row)
    out.print(table)
    table = table_of("instrument", "", "what was found, and what to do", title="What this machine can measure")
    for one in abilities:
        table.add_row(one.what, "yes" if one.works else "no", one.note)
    out.print(table)


def _about(here: "machine.Machine") -> Table:
    about = table_of("machine", "", title="This machine")
    for field in fields(here):
        value = getattr(here, field.name)
        if field.name == "caches":
            for cache in value:
                about.add_row(f"L{cache.level} {cache.kind}", f"{cache.bytes / 2**10:,.0f} KiB")
        elif field.name == "memory" and value is not None:
            about.add_row("memory", f"{value / 2**30:.1f} GiB")
        else:
            about.add_row(field.name, "unknown" if value is None else str(value))
    return about


def _ceilings_table(measured: "list[machine.Ceilings]") -> Table:
    """Return the best rates of one core, and of all."""
    heads = [f"{one.cores} core{'s' if one.cores > 1 else ''}" for one in measured]
    table = table_of("ceiling", *heads, "", title="Ceilings: best of several")
    units = dict.fromkeys(("write", "copy", "triad"), "GB/s, with lines fetched before a write")
    names = {"flops32": "float32 in vectors", "flops64": "float64 in vectors", "scalar": "float64 one by one"}
    for name in ("read", "write", "copy", "triad", "flops32", "flops64", "scalar"):
        values = [f"{getattr(one, name).best / 1e9:.1f}" for one in measured]
        unit = "GFLOP/s" if name in names else units.get(name, "GB/s")
        table.add_row(names.get(name, name), *values, unit)
    return table
