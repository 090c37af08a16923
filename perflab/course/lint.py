"""The rules of an exercise source, each a function from an exercise to the problems that it finds.

A rule that fails here would otherwise fail a learner: nbgrader gives full marks to a tests cell that prints
nothing, and a stripped answer that no longer runs takes its whole notebook down.
"""

import ast
import importlib.util
import io
import itertools
import re
import tokenize
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

from perflab.check.checks import LEAST_RATIO
from perflab.check.ramp import STEP
from perflab.check.seen import HINTS
from perflab.course import curriculum
from perflab.course.errors import Problem
from perflab.course.prose import COLUMNS
from perflab.course.source import AREAS, ROLES, Cell, Exercise

Rule = Callable[[Exercise], Iterator[Problem]]

POINTS_EARNED = ("correct", "counts", "faster")
NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")  # grade ids become cell ids, which end at 64 characters
BLOCKS = {"SOLUTION": "answer", "HIDDEN TESTS": "tests", "MARK SCHEME": "explain"}
DIRECTIVE = re.compile(r"^\s*(`{3,}|:{3,}|~{3,})\s*\{|\{[a-z][\w:-]*\}`")
EMOJI = re.compile("[\U0001f000-\U0001faff\u2600-\u27bf]")


def lint(exercise: Exercise, root: Path) -> list[Problem]:
    """Return every rule that `exercise` breaks, in the order of its lines.

    Parameters
    ----------
    exercise : Exercise
    root : Path
        The course, whose curriculum the header is compared with.
    """
    problems = [problem for rule in RULES for problem in rule(exercise)]
    problems += _header_rules(exercise, root / "book" / "curriculum.yml")
    return sorted(problems)


def _header_rules(exercise: Exercise, path: Path) -> Iterator[Problem]:
    header, area = exercise.header, exercise.path.parent.name
    topics, points = curriculum.topics(path), curriculum.points(path)

    def problem(message: str) -> Problem:
        return Problem(exercise.path, 1, message)

    if area not in AREAS:
        yield problem(f"the folder {area!r} is no area; the areas are {', '.join(AREAS)}")
    if not NAME.fullmatch(exercise.path.stem):
        yield problem(f"the name {exercise.path.stem!r}: use lower-case words joined by underscores")
    for name in ("title", "lever", "chapter"):
        if not isinstance(getattr(header, name), str) or not getattr(header, name).strip():
            yield problem(f"header: {name} is a line of text, not {getattr(header, name)!r}")
    if isinstance(header.stars, bool) or header.stars not in (1, 2, 3):
        yield problem(f"header: stars is 1, 2 or 3, not {header.stars!r}")
    if type(header.minutes) is not int or not 1 <= header.minutes <= 240:
        yield problem(f"header: minutes is a whole number from 1 to 240, not {header.minutes!r}")
    pages = {*topics, *(f"{page.parent.name}/{page.stem}" for page in path.parent.glob("*/*.md"))}
    if not isinstance(header.chapter, str) or header.chapter not in pages:
        yield problem(
            f"header: chapter {header.chapter!r} is no topic of book/curriculum.yml, and no page of the book"
        )
    elif header.chapter.split("/")[0] != area:
        yield problem(f"header: chapter {header.chapter!r} is in another area than the file")
    if not header.covers:
        yield problem("header: covers names at least one point of book/curriculum.yml")
    for covered in header.covers:
        if not isinstance(covered, str) or (covered not in points and covered not in topics):
            yield problem(f"header: covers {covered!r}, which is not in book/curriculum.yml")
    for module in header.forbids:
        if not isinstance(module, str) or not module.startswith("perflab."):
            yield problem(f"header: forbids modules of perflab, not {module!r}")
        elif importlib.util.find_spec(module) is None:
            yield problem(f"header: forbids {module}, which does not exist")


def _roles(exercise: Exercise) -> Iterator[Problem]:
    """Known roles, each with an id of its own; how many of each, and in which order."""
    seen: Counter[str] = Counter()
    for cell in exercise.cells:
        if cell.role is None:
            if cell.kind == "code":
                yield _at(exercise, cell, f"a code cell needs a role: one of {', '.join(ROLES)}")
            if cell.grade_id or cell.points is not None:
                yield _at(exercise, cell, "a cell without a role has neither grade_id nor points")
            continue
        if cell.role not in ROLES:
            yield _at(exercise, cell, f"unknown role {cell.role!r}; the roles are {', '.join(ROLES)}")
            continue
        if (cell.kind == "markdown") != (cell.role == "explain"):
            kind = "Markdown" if cell.role == "explain" else "code"
            yield _at(exercise, cell, f"a cell of role {cell.role!r} is a {kind} cell")
        if not isinstance(cell.grade_id, str) or not NAME.fullmatch(cell.grade_id):
            yield _at(exercise, cell, f"grade_id {cell.grade_id!r}: use lower-case words joined by underscores")
        else:
            seen[cell.grade_id] += 1
            if seen[cell.grade_id] == 2:
                yield _at(exercise, cell, f"grade_id {cell.grade_id!r} is used twice; give each cell its own")
        if cell.role in ("tests", "explain"):
            if not _is_points(cell.points):
                yield _at(exercise, cell, f"points: a positive multiple of {STEP}, not {cell.points!r}")
        elif cell.points is not None:
            yield _at(exercise, cell, f"a cell of role {cell.role!r} has no points")
        if cell.hints is not None and cell.role != "tests":
            yield _at(exercise, cell, f"a cell of role {cell.role!r} has no hints; a tests cell may have")
        elif cell.hints is not None and not _is_span(cell.hints):
            yield _at(
                exercise, cell, f"hints: the first and the last, from [1, 1] to [1, {HINTS}], not {cell.hints!r}"
            )
    count = Counter(cell.role for cell in exercise.cells)
    last = exercise.cells[-1] if exercise.cells else Cell("markdown", "", 1)
    for role in ROLES:
        if count[role] == 0:
            yield _at(exercise, last, f"no cell of role {role!r}; every exercise has one")
    for role in ("predict", "show", "explain"):
        if count[role] > 1:
            yield _at(exercise, exercise.of_role(role)[1], f"a second cell of role {role!r}; one is enough")
    order = [cell for cell in exercise.cells if cell.role in ROLES and cell.role != "given"]
    for before, after in itertools.pairwise(order):
        if ROLES.index(before.role) > ROLES.index(after.role):
            yield _at(exercise, after, f"role {after.role!r} comes after {before.role!r}; the order is {ROLES}")
    if order and exercise.of_role("given") and exercise.of_role("given")[0].line > order[0].line:
        yield _at(exercise, order[0], "a cell of role 'given' comes first")


def _blocks(exercise: Exercise) -> Iterator[Problem]:
    """Markers of solutions, hidden tests and mark schemes: in their cells only, and closed."""
    for cell in exercise.cells:
        opened: str | None = None
        for line, text in enumerate(cell.source.splitlines(), cell.line):
            for block, role in BLOCKS.items():
                if f"BEGIN {block}" not in text and f"END {block}" not in text:
                    continue
                begins = f"BEGIN {block}" in text
                problem = None
                if text.strip().removeprefix("# ") != f"### {'BEGIN' if begins else 'END'} {block}":
                    problem = f"a marker stands alone on its line: `### BEGIN {block}` or `### END {block}`"
                elif cell.role != role:
                    problem = f"a {block} block belongs into a cell of role {role!r}"
                elif begins and opened:
                    problem = f"a block begins inside another; end it first with `### END {opened}`"
                elif not begins and opened != block:
                    problem = f"`### END {block}` without its beginning"
                if problem:
                    yield Problem(exercise.path, line, problem)
                opened = block if begins else None
        if opened:
            yield _at(exercise, cell, f"`### BEGIN {opened}` is never ended")
        for block in ("SOLUTION", "MARK SCHEME"):
            if cell.role == BLOCKS[block] and f"BEGIN {block}" not in cell.source:
                yield _at(exercise, cell, f"a cell of role {cell.role!r} has a block `### BEGIN {block}`")


def _answers(exercise: Exercise) -> Iterator[Problem]:
    """Answer cells hold only documented definitions, before and after stripping."""
    for cell in exercise.of_role("answer"):
        sources = (cell.source, stripped(cell.source, "SOLUTION", "pass"))
        # What is wrong in both is said once.
        yield from dict.fromkeys(p for source in sources for p in _definitions(exercise, cell, source))


def _definitions(exercise: Exercise, cell: Cell, source: str) -> Iterator[Problem]:
    tree = yield from _parsed(exercise, cell, source)
    if tree is None:
        return
    for node in tree.body:
        line = cell.line + node.lineno - 1
        if not isinstance(node, ast.FunctionDef | ast.ClassDef):
            message = "an answer cell holds only definitions, so that a stripped one still runs"
            yield Problem(exercise.path, line, message)
        elif ast.get_docstring(node) is None:
            message = f"{node.name} needs a docstring outside the solution: the learner's task"
            yield Problem(exercise.path, line, message)
    if not tree.body:
        yield _at(exercise, cell, "an answer cell defines what the learner writes")


def _predictions(exercise: Exercise) -> Iterator[Problem]:
    for cell in exercise.of_role("predict"):
        tree = yield from _parsed(exercise, cell, cell.source)
        if tree and ast.unparse(tree) != "guess = None":
            yield _at(exercise, cell, "a predict cell is `guess = None` and nothing else")


def _tests(exercise: Exercise) -> Iterator[Problem]:
    """Exactly one check, the last bare expression; hidden blocks above it that only extend its cases."""
    learners = _learners_names(exercise)
    passed: set[str] = set()
    together: set[str] = set()  # parts that have passed on threads
    used: set[str] = set()
    for cell in exercise.of_role("tests"):
        tree = yield from _parsed(exercise, cell, cell.source)
        if tree is None:
            continue
        calls = [node for node in ast.walk(tree) if _check_name(node)]
        last = tree.body[-1] if tree.body else None
        if len(calls) != 1 or not isinstance(last, ast.Expr) or last.value is not calls[0]:
            yield _at(exercise, cell, "a tests cell has exactly one check, as its last bare expression")
            continue
        tokens = tokenize.generate_tokens(io.StringIO(cell.source).readline)
        if any(token.type == tokenize.OP and token.string == ";" for token in tokens):
            yield _at(exercise, cell, "a semicolon after the check hides its points: nbgrader gives full marks")
        check = _check_name(calls[0])
        if check not in POINTS_EARNED:
            yield _at(exercise, cell, f"check.{check} gives no points; use check.correct, counts or faster")
            continue
        used.add(check)
        yield from _call(exercise, cell, calls[0], check)
        subject = ast.unparse(calls[0].args[0]) if calls[0].args else ""
        if not learners.issuperset(_subjects(calls[0])):
            yield _at(exercise, cell, f"check.{check} checks a function of an answer cell first, not {subject!r}")
        on_threads = any(keyword.arg == "threads" for keyword in calls[0].keywords)
        if check == "correct":
            passed.add(subject)
            together.update(_subjects(calls[0]) if on_threads else ())
        elif subject not in passed and not (on_threads and together.issuperset(_subjects(calls[0]))):
            yield _at(exercise, cell, f"check.{check} comes after check.correct of {subject}")
        yield from _outside_the_check(exercise, cell, tree, calls[0], learners)
        yield from _hidden(exercise, cell)
    if exercise.of_role("tests") and len(used) < 2:
        yield _at(exercise, exercise.of_role("tests")[0], "points are earned in at least two ways; here in one")


def _subjects(call: ast.Call) -> list[str]:
    """Return what a check checks: one function, or for threads a tuple of them."""
    first = call.args[0] if call.args else ast.Constant(None)
    return [ast.unparse(one) for one in (first.elts if isinstance(first, ast.Tuple) else [first])]


def _call(exercise: Exercise, cell: Cell, call: ast.Call, check: str) -> Iterator[Problem]:
    """Literal arguments that can be judged without running."""
    given = {k.arg: k.value.value for k in call.keywords if isinstance(k.value, ast.Constant)}
    if given.get("points") != cell.points:
        yield _at(exercise, cell, f"points: {cell.points} on the marker, {given.get('points')} in the check")
    bounds = given.get("zero"), given.get("full")
    if check == "faster" and all(isinstance(b, int | float) for b in bounds) and bounds[0] >= bounds[1]:
        yield _at(exercise, cell, f"zero={bounds[0]} is not below full={bounds[1]}")
    than = next((k.value for k in call.keywords if k.arg == "than"), None)
    against_itself = isinstance(than, ast.Tuple)
    if against_itself and ast.unparse(than.elts[0]) in _subjects(call) and "most" not in given:
        itself = ast.unparse(than.elts[0])
        message = f"most: how many times what the reference takes may {itself} take where it is easy"
        yield _at(exercise, cell, message)
    if check == "faster" and isinstance(given.get("zero"), int | float):
        if given["zero"] < LEAST_RATIO and not against_itself:
            yield _at(exercise, cell, f"zero={given['zero']}: a timed ratio earns nothing below {LEAST_RATIO}")
        if isinstance(given.get("full"), int | float) and given["full"] < 2 and not against_itself:
            yield _at(exercise, cell, f"full={given['full']}: a gain under 2x is counted, not timed")


def _outside_the_check(
    exercise: Exercise, cell: Cell, tree: ast.Module, call: ast.Call, learners: set[str]
) -> Iterator[Problem]:
    """Allow a learner's name only as an argument of the check, and nothing else to show a result."""
    arguments = [*call.args, *(k.value for k in call.keywords)]
    allowed = {id(node) for a in arguments for node in ([a, *a.elts] if isinstance(a, ast.Tuple) else [a])}
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and node.id in learners and id(node) not in allowed:
            line = cell.line + node.lineno - 1
            message = f"{node.id} is the learner's: it appears only as an argument of the check"
            yield Problem(exercise.path, line, message)
        if isinstance(node, ast.FunctionDef) and node.name in learners:
            yield Problem(exercise.path, cell.line + node.lineno - 1, f"{node.name} is the learner's to define")
    for node in tree.body[:-1]:
        if not isinstance(node, ast.Assign | ast.AugAssign | ast.FunctionDef):
            line = cell.line + node.lineno - 1
            yield Problem(exercise.path, line, "above the check stand only assignments and functions")


def _hidden(exercise: Exercise, cell: Cell) -> Iterator[Problem]:
    """Hidden tests only extend lists that stand in the open: the released cell runs without them."""
    outside = stripped(cell.source, "HIDDEN TESTS", "")
    if not (yield from _parsed(exercise, cell, outside)):
        return
    inside = False
    for line, text in enumerate(cell.source.splitlines(), cell.line):
        if "HIDDEN TESTS" in text:
            inside = "BEGIN" in text
        elif inside and text.strip() and not text.startswith((" ", ")", "]")) and " += " not in text:
            yield Problem(exercise.path, line, "hidden tests only extend cases: `cases += [...]`")


def _shows(exercise: Exercise) -> Iterator[Problem]:
    """Ask a show cell to compare the guess with the measurement of a tests cell that exists."""
    # A correctness cell measures nothing that a guess could be compared with.
    tests = {cell.grade_id for cell in exercise.of_role("tests") if "check.correct(" not in cell.source}
    for cell in exercise.of_role("show"):
        tree = yield from _parsed(exercise, cell, cell.source)
        if tree is None:
            continue
        calls = [n for n in ast.walk(tree) if _check_name(n)]
        if [_check_name(call) for call in calls] != ["predicted"]:
            yield _at(
                exercise, cell, "a show cell calls check.predicted(guess, grade_id) once, and no other check"
            )
            continue
        if len(calls[0].args) == 1 and {one.arg for one in calls[0].keywords} == {"measured", "of"}:
            continue  # the show cell has measured it itself
        target = calls[0].args[1] if len(calls[0].args) == 2 else None
        if not isinstance(target, ast.Constant) or target.value not in tests:
            yield _at(
                exercise, cell, f"check.predicted names a cell that measures: one of {sorted(map(str, tests))}"
            )


def _locked(exercise: Exercise) -> Iterator[Problem]:
    """Given and show cells are valid Python and define nothing that is the learner's."""
    learners = _learners_names(exercise)
    for cell in exercise.of_role("given", "show"):
        if cell.kind != "code":
            continue
        # What is wrong with a show cell's Python another rule says.
        tree = (yield from _parsed(exercise, cell, cell.source)) if cell.role == "given" else _tree(cell)
        for node in tree.body if tree else ():
            bound = {n.id for n in ast.walk(node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
            if isinstance(node, ast.FunctionDef | ast.ClassDef):
                bound = {node.name}
            for name in sorted(bound & learners):
                message = f"{name} is the learner's to define; a {cell.role} cell must not"
                yield Problem(exercise.path, cell.line + node.lineno - 1, message)


def _judge(exercise: Exercise) -> Iterator[Problem]:
    for cell in exercise.cells:
        if cell.kind == "code" and any(name.startswith("perflab.judge") for name in _imported(cell)):
            yield _at(exercise, cell, "no notebook imports perflab.judge")


def _prose(exercise: Exercise) -> Iterator[Problem]:
    """Markdown that Jupyter shows as it is: headings in order, no MyST directives; hints; style."""
    level, fenced = 0, False
    text_cells = [cell for cell in exercise.cells if cell.kind == "markdown"]
    for cell in text_cells:
        for line, text in enumerate(cell.source.splitlines(), cell.line):
            if DIRECTIVE.search(text):
                yield Problem(exercise.path, line, "no MyST directives or roles: Jupyter shows them raw")
            fenced ^= text.lstrip().startswith(("```", "~~~"))
            if fenced:
                continue
            heading = re.match(r"(#{1,6}) +\S", text)
            if heading and not text.startswith("### BEGIN ") and not text.startswith("### END "):
                if len(heading[1]) > level + 1:
                    yield Problem(exercise.path, line, f"heading level {len(heading[1])} skips a level")
                level = len(heading[1])
            if EMOJI.search(text):
                yield Problem(exercise.path, line, "no emoji: they break the print edition")
            if re.search(r"[A-Za-z]!(\s|$)", text):
                yield Problem(exercise.path, line, "no exclamation marks")
    if text_cells and text_cells[0].source.split("\n")[0] != f"# {exercise.header.title}":
        yield _at(exercise, text_cells[0], f"the first Markdown cell starts with `# {exercise.header.title}`")
    prose = "\n".join(cell.source for cell in text_cells)
    hints = re.findall(r"<details>\s*<summary>(.*?)</summary>", prose)
    if hints != [f"Hint {i}" for i in range(1, HINTS + 1)]:
        found = ", ".join(hints) or "none"
        message = f"hints: <details><summary>Hint 1</summary>... to Hint {HINTS}, in order; found {found}"
        yield Problem(exercise.path, exercise.cells[0].line if exercise.cells else 1, message)


def _columns(exercise: Exercise) -> Iterator[Problem]:
    """Find code that a page would cut off."""
    for cell in exercise.cells:
        for line, text in enumerate(cell.source.splitlines(), cell.line):
            if cell.kind == "code" and len(text) > COLUMNS:
                yield Problem(exercise.path, line, f"{len(text)} columns of code; a page shows {COLUMNS}")


RULES: tuple[Rule, ...] = (
    _roles,
    _blocks,
    _answers,
    _predictions,
    _tests,
    _locked,
    _shows,
    _judge,
    _prose,
    _columns,
)


def stripped(source: str, block: str, stub: str) -> str:
    """Return `source` with `stub` in place of each block of that kind, indented as its beginning; lines stay."""
    out, inside = [], False
    for text in source.splitlines():
        begins, ends = f"### BEGIN {block}" in text, f"### END {block}" in text
        inside = begins or (inside and not ends)
        if begins:
            out.append(text[: len(text) - len(text.lstrip())] + stub)
        else:
            out.append("" if inside or ends else text)
    return "\n".join(out)


def _at(exercise: Exercise, cell: Cell, message: str) -> Problem:
    return Problem(exercise.path, cell.line, message)


def _parsed(exercise: Exercise, cell: Cell, source: str) -> Iterator[Problem]:
    """Parse a code cell; a generator that returns the tree, or None after its problem."""
    try:
        return ast.parse(source)
    except SyntaxError as error:
        yield Problem(exercise.path, cell.line + (error.lineno or 1) - 1, f"no valid Python: {error.msg}")
        return None


def _is_points(points: object) -> bool:
    return type(points) in (int, float) and points > 0 and float(points / STEP).is_integer()


def _is_span(hints: object) -> bool:
    if not isinstance(hints, list) or len(hints) != 2 or any(type(one) is not int for one in hints):
        return False
    return 1 <= hints[0] <= hints[1] <= HINTS


def _check_name(node: ast.AST) -> str | None:
    """Return the name of the check that `node` calls, if it calls one."""
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
        return None
    owner = node.func.value
    if not isinstance(owner, ast.Name) or owner.id != "check":
        return None
    return node.func.attr if node.func.attr in (*POINTS_EARNED, "predicted") else None


def _tree(cell: Cell) -> ast.Module | None:
    """Return the parsed source of a cell, or None if it is no valid Python."""
    try:
        return ast.parse(cell.source)
    except SyntaxError:
        return None


def _learners_names(exercise: Exercise) -> set[str]:
    """Return the names that answer cells define."""
    trees = [tree for cell in exercise.of_role("answer") if (tree := _tree(cell))]
    return {node.name for tree in trees for node in tree.body if hasattr(node, "name")}


def _imported(cell: Cell) -> set[str]:
    """Return the dotted names that a code cell imports."""
    nodes = list(ast.walk(_tree(cell) or ast.Module([], [])))
    names = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    froms = [node for node in nodes if isinstance(node, ast.ImportFrom) and node.module]
    return names | {f"{node.module}.{alias.name}" for node in froms for alias in node.names}
