"""The rules of a chapter that a machine can see, and how long it takes to read.

What a reader is shown fits the page, runs as it stands and comes in bites; what the prose claims can fail.
"""

import ast
import builtins
import itertools
import math
import symtable
from collections.abc import Callable, Iterator

from perflab.course.chapter import Chapter, Code, Section
from perflab.course.errors import Problem

COLUMNS = 80  # of shown code: more is cut off beside a table of contents, and on paper
LINES = 12  # of one cell that a reader sees at once
WORDS_A_MINUTE, LINES_A_MINUTE = 200, 12
MINUTES = 30  # before the questions
# Who works on a page takes longer: to run what it shows and change a number in it, to answer before looking.
MINUTES_A_CELL, MINUTES_A_QUESTION = 0.5, 2
ROUND = 5  # minutes: nobody knows it better
QUESTIONS = "Quick questions"


def lint(chapter: Chapter) -> list[Problem]:
    """Return every rule that a chapter breaks, in the order of its lines.

    Raises
    ------
    SyntaxError
        If a code cell is no Python.
    """
    return sorted(problem for rule in RULES for problem in rule(chapter))


def minutes(chapter: Chapter) -> int:
    """Return how long it takes to read a chapter as far as its questions, in whole minutes."""
    words = lines = 0
    for section in _before_questions(chapter):
        words += section.words
        lines += sum(_lines(code) for code in section.code if code.open)
    return math.ceil(words / WORDS_A_MINUTE + lines / LINES_A_MINUTE)


def minutes_of_work(chapter: Chapter) -> int:
    """Return about how long a chapter takes with its code run and its questions answered, in minutes."""
    cells = sum(code.open for code in _codes(chapter))
    questions = sum(section.answers for section in chapter.sections)
    words = sum(section.words for section in chapter.sections)
    before = sum(section.words for section in _before_questions(chapter))
    work = minutes(chapter) + (words - before) / WORDS_A_MINUTE
    return ROUND * round((work + cells * MINUTES_A_CELL + questions * MINUTES_A_QUESTION) / ROUND)


def _before_questions(chapter: Chapter) -> Iterator[Section]:
    return itertools.takewhile(lambda section: section.title != QUESTIONS, chapter.sections)


def _length(chapter: Chapter) -> Iterator[Problem]:
    if (long := minutes(chapter)) > MINUTES:
        yield Problem(chapter.path, 1, f"{long} minutes before the questions: cut it, or make it two pages")


def _columns(chapter: Chapter) -> Iterator[Problem]:
    for code in _codes(chapter):
        for line, text in enumerate(code.source.splitlines(), code.line):
            if code.shown and len(text) > COLUMNS:
                yield Problem(chapter.path, line, f"{len(text)} columns of code; a page shows {COLUMNS}")


def _bites(chapter: Chapter) -> Iterator[Problem]:
    for code in _codes(chapter):
        if code.open and (lines := _lines(code)) > LINES:
            message = f"{lines} lines at once; a cell shows {LINES}: split it, or fold what is no argument"
            yield Problem(chapter.path, code.line, message)


def _visible(chapter: Chapter) -> Iterator[Problem]:
    """Find what a shown cell uses and no reader sees: who copies the page could not run it."""
    shown: set[str] = {*dir(builtins), "display", "get_ipython"}
    removed: set[str] = set()
    for code in _codes(chapter):
        if not code.runs:
            continue
        binds, uses = _names(code)
        if code.shown:
            for name in sorted((uses - binds - shown) & removed):
                yield Problem(chapter.path, code.line, f"{name} comes from a cell that no reader sees")
            shown |= binds
        else:
            removed |= binds


def _falsifiable(chapter: Chapter) -> Iterator[Problem]:
    for code in _codes(chapter):
        for node in ast.walk(ast.parse(code.source)) if code.runs else ():
            if isinstance(node, ast.keyword) and node.arg == "noisy" and isinstance(node.value, ast.Constant):
                line = code.line + node.value.lineno - 1
                yield Problem(
                    chapter.path, line, "noisy is computed from what was measured: so no run can deny it"
                )


def _names(code: Code) -> tuple[set[str], set[str]]:
    """Return the global names that a cell binds, and those that it uses."""
    binds: set[str] = set()
    uses: set[str] = set()

    def visit(table: symtable.SymbolTable) -> None:
        top = table.get_type() == "module"
        for symbol in table.get_symbols():
            assigned = symbol.is_assigned() or symbol.is_imported() or symbol.is_namespace()
            if assigned and (top or symbol.is_declared_global()):
                binds.add(symbol.get_name())
            if symbol.is_referenced() and (top or symbol.is_global()):
                uses.add(symbol.get_name())
        for child in table.get_children():
            visit(child)

    visit(symtable.symtable(code.source, "<cell>", "exec"))
    return binds, uses


def _codes(chapter: Chapter) -> Iterator[Code]:
    for section in chapter.sections:
        yield from section.code


def _lines(code: Code) -> int:
    return sum(bool(line.strip()) for line in code.source.splitlines())


RULES: tuple[Callable[[Chapter], Iterator[Problem]], ...] = (_length, _columns, _bites, _visible, _falsifiable)
