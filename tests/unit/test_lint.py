"""Every rule of an exercise source has a small change that breaks it, and it alone, at the right line.

`tiny` breaks no rule; each case below replaces one text in it and names what the lint has to say.
"""

import ast
import re
import sys
from pathlib import Path

import pytest

from perflab.course import lint as rules
from perflab.course.lint import lint
from perflab.course.source import read

HEADER = "# ---"  # problems of the header are reported at its first line
GIVEN, ANSWER, CORRECT = "import numpy as np", "def add(numbers):", "cases = [lambda rng"
SPEED, SHOW, EXPLAIN = "check.faster(", "check.predicted(", "# ## Interview question"
BEFORE_TESTS = '# %% role="tests" grade_id="tiny_correct" points=2\n'


def cell(marker, *source):
    """Return a new cell in front of the first tests cell, as a replacement."""
    return BEFORE_TESTS, "\n".join([f"# %% {marker}", *source, "", BEFORE_TESTS])


def without(grade_id, tiny):
    """Return the text of one cell."""
    start = tiny.index("# %%", tiny.rindex("\n", 0, tiny.index(f'grade_id="{grade_id}"')))
    end = tiny.find("\n# %%", start + 1)
    return tiny[start : end + 1 if end > 0 else len(tiny)]


def found(course, text, name="memory/tiny"):
    path = course / "solutions" / f"{name}.py"
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    return lint(read(path), course)


def line_of(text, snippet):
    """Return the line of a text's first occurrence, or given (text, n) of its n-th."""
    snippet, n = snippet if isinstance(snippet, tuple) else (snippet, 1)
    return [i for i, line in enumerate(text.splitlines(), 1) if snippet in line][n - 1]


def test_a_good_source_breaks_no_rule(course, tiny):
    assert found(course, tiny) == []


# old, new, the line at which it is reported (by a text in it), the message (one or several)
HEADERS = [
    ("lever: add each number once", "lever: 3", HEADER, "header: lever is a line of text, not 3"),
    ("lever: add each number once", "lever: ' '", HEADER, "header: lever is a line of text, not ' '"),
    ("chapter: memory/sums", "chapter: 3", HEADER, ["chapter is a line of text", "chapter 3 is no topic"]),
    ("chapter: memory/sums", "chapter: [memory/sums]", HEADER, ["chapter is a line of text", "is no topic"]),
    ("title: Tiny sums", "title: 3", HEADER, ["title is a line of text", "the first Markdown cell starts with"]),
    ("stars: 1", "stars: 4", HEADER, "header: stars is 1, 2 or 3, not 4"),
    ("stars: 1", "stars: one", HEADER, "header: stars is 1, 2 or 3, not 'one'"),
    ("minutes: 10", "minutes: 0", HEADER, "header: minutes is a whole number from 1 to 240, not 0"),
    ("minutes: 10", "minutes: 2.5", HEADER, "header: minutes is a whole number from 1 to 240, not 2.5"),
    ("minutes: 10", "minutes: 241", HEADER, "header: minutes is a whole number from 1 to 240, not 241"),
    ("chapter: memory/sums", "chapter: memory/none", HEADER, "header: chapter 'memory/none' is no topic"),
    ("chapter: memory/sums", "chapter: cpu/loops", HEADER, "header: chapter 'cpu/loops' is in another area"),
    ("[memory/sums/once]", "[]", HEADER, "header: covers names at least one point"),
    ("[memory/sums/once]", "[memory/sums/twice]", HEADER, "header: covers 'memory/sums/twice', which is not in"),
    ("[memory/sums/once]", "[[memory/sums/once]]", HEADER, "header: covers .*, which is not in"),
    ("stars: 1", "stars: 1\n#   forbids: [numpy]", HEADER, "header: forbids modules of perflab, not 'numpy'"),
    (
        "stars: 1",
        "stars: 1\n#   forbids: [perflab.none]",
        HEADER,
        "header: forbids perflab.none, which does not exist",
    ),
    ("stars: 1", "stars: true", HEADER, "header: stars is 1, 2 or 3, not True"),
    ("minutes: 10", "minutes: true", HEADER, "header: minutes is a whole number"),
    ("stars: 1", "stars: 1\n#   forbids: [3]", HEADER, "header: forbids modules of perflab, not 3"),
]

ROLES = [
    (*cell("", "x = 1"), "x = 1", "a code cell needs a role: one of given, predict"),
    (
        "# %% [markdown]\n# ## Predict",
        '# %% [markdown] grade_id="x"\n# ## Predict',
        "# ## Predict",
        "a cell without a role has neither grade_id nor points",
    ),
    (
        "# %% [markdown]\n# ## Predict",
        "# %% [markdown] points=1\n# ## Predict",
        "# ## Predict",
        "a cell without a role has neither grade_id nor points",
    ),
    (*cell('role="quiz" grade_id="quiz"', "x = 1"), "x = 1", "unknown role 'quiz'; the roles are given, predict"),
    (
        *cell('[markdown] role="given" grade_id="more"', "# More."),
        "# More.",
        "a cell of role 'given' is a code cell",
    ),
    (
        '# %% [markdown] role="explain"',
        '# %% role="explain"',
        EXPLAIN,
        "a cell of role 'explain' is a Markdown cell",
    ),
    ('grade_id="tiny_given"', 'grade_id="Tiny given"', GIVEN, "grade_id 'Tiny given': use lower-case words"),
    (' grade_id="tiny_given"', "", GIVEN, "grade_id None: use lower-case words"),
    ('grade_id="tiny_given"', f'grade_id="{"x" * 65}"', GIVEN, "grade_id 'x*': use lower-case words"),
    ('grade_id="tiny_given"', "grade_id=3", GIVEN, "grade_id 3: use lower-case words"),
    (*cell('role="given" grade_id="tiny_given"', "x = 1"), "x = 1", "grade_id 'tiny_given' is used twice"),
    ('"tiny_explain" points=2', '"tiny_explain" points=0', EXPLAIN, "points: a positive multiple of 0.5, not 0"),
    (
        '"tiny_explain" points=2',
        '"tiny_explain" points=0.7',
        EXPLAIN,
        "points: a positive multiple of 0.5, not 0.7",
    ),
    ('"tiny_explain" points=2', '"tiny_explain"', EXPLAIN, "points: a positive multiple of 0.5, not None"),
    (
        '"tiny_explain" points=2',
        '"tiny_explain" points="2"',
        EXPLAIN,
        "points: a positive multiple of 0.5, not '2'",
    ),
    ('"tiny_given"', '"tiny_given" points=1', GIVEN, "a cell of role 'given' has no points"),
    ('"tiny_answer"', '"tiny_answer" hints=[1, 2]', ANSWER, "a cell of role 'answer' has no hints"),
    *(
        (
            '"tiny_correct" points=2',
            f'"tiny_correct" points=2 hints={hints}',
            CORRECT,
            "hints: the first and the last",
        )
        for hints in ("[2, 1]", "[0, 2]", "[1, 4]", "[1]", "[1.5, 2]", "2", "[true, 2]")
    ),
    ('"tiny_answer"', '"tiny_answer" points=1', ANSWER, "a cell of role 'answer' has no points"),
    (
        *cell('role="predict" grade_id="more"', "guess = None"),
        ("guess = None", 2),
        ["a second cell", "comes after"],
    ),
    (
        '# %% [markdown] role="explain"',
        '# %% role="show" grade_id="more"\ncheck.predicted(guess, "tiny_speed")\n# %% [markdown] role="explain"',
        ('check.predicted(guess, "tiny_speed")', 2),
        "a second cell of role 'show'; one is enough",
    ),
]

BLOCKS = [
    ("### BEGIN SOLUTION", "### BEGIN SOLUTION, at last", "at last", "a marker stands alone on its line"),
    ("### END SOLUTION", "## END SOLUTION", "## END SOLUTION", "a marker stands alone on its line"),
    (
        "def slow(",
        "### BEGIN SOLUTION\n### END SOLUTION\ndef slow(",
        "### BEGIN",
        ["a SOLUTION block belongs"] * 2,
    ),
    (
        "# Adding takes time.",
        "# ### BEGIN MARK SCHEME\n# ### END MARK SCHEME",
        "# ### BEGIN",
        ["a MARK SCHEME block belongs into a cell of role 'explain'"] * 2,
    ),
    (
        "    ### BEGIN SOLUTION\n",
        "    ### BEGIN SOLUTION\n    # again\n    ### BEGIN SOLUTION\n",
        ("### BEGIN SOLUTION", 2),
        "a block begins inside another; end it first with `### END SOLUTION`",
    ),
    (
        "    ### END SOLUTION",
        "    ### END SOLUTION\n    ### END SOLUTION",
        "",
        "`### END SOLUTION` without its beginning",
    ),
    ("    ### END SOLUTION\n", "", ANSWER, "`### BEGIN SOLUTION` is never ended"),
    ("# ### END MARK SCHEME\n", "", EXPLAIN, "`### BEGIN MARK SCHEME` is never ended"),
    (
        "# ### BEGIN MARK SCHEME\n# The rubric says: never.\n# ### END MARK SCHEME",
        "# End.",
        EXPLAIN,
        "a cell of role 'explain' has a block `### BEGIN MARK SCHEME`",
    ),
    (
        *cell('role="answer" grade_id="more"', "def more():", '    """Do more."""'),
        "def more",
        "a cell of role 'answer' has",
    ),
]

SOLVED = """\
    ### BEGIN SOLUTION
    secret_solution = sum(numbers)
    return secret_solution
    ### END SOLUTION
"""
ANSWERS = [
    (
        SOLVED,
        SOLVED + "    return (1\n",
        "return (1",
        ["no valid Python", *["checks a function of an answer cell"] * 2],
    ),
    (
        *cell(
            'role="answer" grade_id="more"',
            "def more():",
            "### BEGIN SOLUTION",
            "    return 1",
            "### END SOLUTION",
        ),
        ("### BEGIN SOLUTION", 2),
        ["no valid Python: expected an indented block", "more needs a docstring"],
    ),
    ("def add(numbers):", "import os\ndef add(numbers):", "import os", "an answer cell holds only definitions"),
    (SOLVED, SOLVED + "\n\nadd([])", "add([])", "an answer cell holds only definitions"),
    (SOLVED, SOLVED + '\n\nasync def more():\n    """More."""', "async", "an answer cell holds only definitions"),
    ('    """Return the sum of `numbers`."""\n', "", ANSWER, "add needs a docstring outside the solution"),
    (
        '    """Return the sum of `numbers`."""\n    ### BEGIN SOLUTION\n',
        '    ### BEGIN SOLUTION\n    """Return the sum of `numbers`."""\n',
        ANSWER,
        "add needs a docstring outside the solution",
    ),
    (
        *cell('role="answer" grade_id="more"', "### BEGIN SOLUTION", "# nothing", "### END SOLUTION"),
        ("### BEGIN SOLUTION", 2),
        ["an answer cell defines what the learner writes", "an answer cell holds only definitions"],
    ),
    ("guess = None", "guess = 3", "guess = 3", "a predict cell is `guess = None` and nothing else"),
    ("guess = None", "guess = None\nx = 1", "guess = None", "a predict cell is `guess = None` and nothing else"),
    ("guess = None", "guess =", "guess =", "no valid Python"),
]

CHECK = "check.correct(add, against=slow, on=cases, points=2)"
FASTER = "check.faster(add, than=slow, on=make, zero=1.5, full=3, points=1.5)"
ONE_CHECK = "a tests cell has exactly one check, as its last bare expression"
WITHOUT_CORRECT = ["comes after check.correct", "in at least two ways"]
TESTS = [
    (CHECK, f"points = {CHECK}", CORRECT, [ONE_CHECK, *WITHOUT_CORRECT]),
    (CHECK, f"{CHECK}\nNone", CORRECT, [ONE_CHECK, *WITHOUT_CORRECT]),
    (CHECK, f"{CHECK}\n{CHECK}", CORRECT, [ONE_CHECK, *WITHOUT_CORRECT]),
    (CHECK, "3.0", CORRECT, [ONE_CHECK, *WITHOUT_CORRECT]),
    (CHECK, f"float({CHECK})", CORRECT, [ONE_CHECK, *WITHOUT_CORRECT]),
    (CHECK, f"if True:\n    {CHECK}", CORRECT, [ONE_CHECK, *WITHOUT_CORRECT]),
    (CHECK, CHECK + ";", CORRECT, "a semicolon after the check hides its points"),
    (CHECK, CHECK + ";  # done", CORRECT, "a semicolon after the check hides its points"),
    (CHECK, CHECK + "  ;\n# done", CORRECT, "a semicolon after the check hides its points"),
    (CHECK, "check.predicted(add, 'x', points=2)", CORRECT, ["check.predicted gives no points", *WITHOUT_CORRECT]),
    (CHECK, CHECK.replace("add", "slow"), CORRECT, ["checks a function of an answer cell first", "comes after"]),
    # Of threads with functions of their own: learner's functions, all of them.
    (
        CHECK,
        CHECK.replace("add", "(add, slow)"),
        CORRECT,
        ["checks a function of an answer cell first", "comes after"],
    ),
    (CHECK, CHECK.replace("add", "(add, add)"), SPEED, "check.faster comes after check.correct of add"),
    (
        CHECK,
        CHECK.replace("add", "(add, add)").replace("on=cases", "on=on, threads=(slow, slow)"),
        SPEED,
        "check.faster comes after check.correct of add",
    ),
    (
        CHECK,
        "check.counts(add, 'calls', on=make, zero=2, full=1, points=2)",
        CORRECT,
        ["check.counts comes after check.correct of add", "check.faster comes after check.correct of add"],
    ),
    (CHECK, CHECK.replace("points=2", "points=3"), CORRECT, "points: 2 on the marker, 3 in the check"),
    (CHECK, CHECK.replace(", points=2", ""), CORRECT, "points: 2 on the marker, None in the check"),
    (CHECK, CHECK.replace("points=2", "points=1 + 1"), CORRECT, "points: 2 on the marker, None in the check"),
    ("zero=1.5", "zero=1.3", SPEED, r"zero=1\.3: a timed ratio earns nothing below 1\.34"),
    ("than=slow", "than=(add, make)", SPEED, "most: how many times what the reference takes may add take where"),
    ("zero=1.5", "zero=3", SPEED, "zero=3 is not below full=3"),
    ("full=3", "full=1.9", SPEED, r"full=1\.9: a gain under 2x is counted, not timed"),
    (CHECK, f"mine = add\n{CHECK}", "mine = add", "add is the learner's: it appears only as an argument"),
    (CHECK, f"add = slow\n{CHECK}", "add = slow", "add is the learner's: it appears only as an argument"),
    (
        CHECK,
        CHECK.replace("on=cases", "on=[lambda rng: (add([1.0]),)]"),
        "on=[lambda",
        "add is the learner's: it appears only as an argument",
    ),
    (
        CHECK,
        f"def add(numbers):\n    return 3\n{CHECK}",
        ("def add(numbers):", 2),
        "add is the learner's to define",
    ),
    (CHECK, f"print(3)\n{CHECK}", "print(3)", "above the check stand only assignments and functions"),
    (CHECK, f"import os\n{CHECK}", "import os", "above the check stand only assignments and functions"),
    (CHECK, f"3.0\n{CHECK}", "3.0", "above the check stand only assignments and functions"),
    (
        "cases += [lambda",
        "cases = [lambda",
        "cases = [lambda rng, n=n: make(rng, n) for n in (4242",
        "hidden tests only",
    ),
    (
        f"### END HIDDEN TESTS\n{CHECK}",
        f"{CHECK}\n### END HIDDEN TESTS",
        CHECK,
        r"hidden tests only extend cases: `cases \+= \[\.\.\.\]`",
    ),
    ("(0, 1, 5)]\n### BEGIN HIDDEN TESTS\n", "(0, 1, 5)\n### BEGIN HIDDEN TESTS\n]\n", CORRECT, "no valid Python"),
    (
        FASTER,
        CHECK.replace("points=2", "points=1.5"),
        "",
        ["points are earned in at least two ways; here in one", "names a cell that measures"],
    ),
    (CHECK, CHECK[:-1], "check.correct(", ["no valid Python", *WITHOUT_CORRECT]),
]

PREDICTED = 'check.predicted(guess, "tiny_speed")'
SHOWS = [
    (PREDICTED, "print(guess)", "print(guess)", r"a show cell calls check\.predicted\(guess, grade_id\) once"),
    (PREDICTED, f"{PREDICTED}\n{PREDICTED}", SHOW, r"a show cell calls check\.predicted"),
    (PREDICTED, f"{FASTER}\n{PREDICTED}", "", r"a show cell calls check\.predicted"),
    (
        PREDICTED,
        PREDICTED.replace("tiny_speed", "tiny_given"),
        SHOW,
        r"check\.predicted names a cell that measures",
    ),
    (PREDICTED, PREDICTED.replace("tiny_speed", "tiny_correct"), SHOW, "names a cell that measures"),
    (PREDICTED, "check.predicted(guess)", SHOW, r"check\.predicted names a cell that measures"),
    (PREDICTED, "check.predicted(guess, measured=3)", SHOW, r"check\.predicted names a cell that measures"),
    (PREDICTED, "check.predicted(guess, name)", SHOW, r"check\.predicted names a cell that measures"),
    (PREDICTED, PREDICTED[:-1], SHOW, "no valid Python"),
]

LOCKED = [
    (
        "from perflab import check",
        "from perflab import check\nadd = sum",
        "add = sum",
        "add is the learner's to define",
    ),
    (
        "from perflab import check",
        "from perflab import check\ndef add(): pass",
        "def add(): pass",
        "the learner's",
    ),
    ("from perflab import check", "from perflab import check\n%timeit 1", "%timeit", "no valid Python"),
]

IMPORTS = [
    ("from perflab import check", f"from perflab import check\n{line}", GIVEN, "no notebook imports perflab.judge")
    for line in ("import perflab.judge", "from perflab import judge", "from perflab.judge import sandbox")
] + [("from perflab import check", "from perflab import check, judge", GIVEN, "no notebook imports perflab.judge")]

TEXT = "# Adding takes time."
RAW = "no MyST directives or roles: Jupyter shows them raw"
PROSE = [
    (TEXT, "# ```{note}\n# Adding.\n# ```", "{note}", RAW),
    (TEXT, "# :::{note}\n# Adding.\n# :::", "{note}", RAW),
    (TEXT, "# See {doc}`other`.", "{doc}", RAW),
    ("# ## Predict", "# ### Predict", "# ### Predict", "heading level 3 skips a level"),
    (TEXT, "# Adding takes time \N{ROCKET}.", "time \N{ROCKET}", "no emoji: they break the print edition"),
    (TEXT, "# Adding takes time \N{WARNING SIGN}.", "time \N{WARNING SIGN}", "no emoji"),
    (TEXT, "# Adding takes time!", "time!", "no exclamation marks"),
    (TEXT, "# Adding! It takes time.", "Adding!", "no exclamation marks"),
    ("# # Tiny sums", "# # Big sums", "# # Big sums", "the first Markdown cell starts with `# Tiny sums`"),
    ("# # Tiny sums\n# Adding takes time.\n", "", "", ["the first Markdown cell starts", "skips a level"]),
    ("Hint 2", "A hint", "# # Tiny sums", "hints: .* to Hint 3, in order; found Hint 1, A hint, Hint 3"),
    ("Hint 2", "Hint 3", "# # Tiny sums", "hints: .* found Hint 1, Hint 3, Hint 3"),
]

COLUMNS = [(CHECK, f"{CHECK}  # {80 * 'x'}", 80 * "x", ["columns of code; a page shows 80"])]
CASES = HEADERS + ROLES + BLOCKS + ANSWERS + TESTS + LOCKED + SHOWS + IMPORTS + PROSE + COLUMNS


def assert_reports(problems, text, snippet, messages):
    messages = [messages] if isinstance(messages, str) else messages
    said = [problem.message for problem in problems]
    assert len(said) == len(messages), said
    for message in messages:
        assert any(re.search(message, one) for one in said), said
    if snippet:
        assert line_of(text, snippet) in {problem.line for problem in problems}, problems


@pytest.mark.parametrize(("old", "new", "snippet", "messages"), CASES)
def test_a_broken_rule_is_reported_where_it_is_broken(course, tiny, old, new, snippet, messages):
    assert old in tiny
    text = tiny.replace(old, new, 1)
    assert_reports(found(course, text), text, snippet, messages)


@pytest.mark.parametrize(
    ("grade_id", "more"),
    [
        ("tiny_given", []),
        ("tiny_guess", []),
        ("tiny_answer", ["checks a function of an answer cell"] * 2),
        ("tiny_show", []),
        ("tiny_explain", []),
    ],
)
def test_no_role_may_be_missing(course, tiny, grade_id, more):
    text = tiny.replace(without(grade_id, tiny), "")
    assert grade_id not in text
    last = max(i for i, line in enumerate(text.splitlines(), 1) if line.startswith("# %%")) + 1
    problems = found(course, text)
    assert_reports(problems, text, "", ["no cell of role '.*'; every exercise has one", *more])
    assert last in {problem.line for problem in problems}


def test_there_are_tests(course, tiny):
    text = tiny.replace(without("tiny_correct", tiny), "").replace(without("tiny_speed", tiny), "")
    assert_reports(found(course, text), text, "", ["no cell of role 'tests'", "names a cell that measures"])


def test_roles_come_in_order(course, tiny):
    show = without("tiny_show", tiny)
    text = tiny.replace(show, "").replace(BEFORE_TESTS, show + BEFORE_TESTS)
    assert_reports(found(course, text), text, CORRECT, "role 'tests' comes after 'show'; the order is")


def test_given_comes_first(course, tiny):
    given = without("tiny_given", tiny)
    text = tiny.replace(given, "").replace(BEFORE_TESTS, given + BEFORE_TESTS)
    assert_reports(found(course, text), text, "guess = None", "a cell of role 'given' comes first")


@pytest.mark.parametrize(
    ("name", "messages"),
    [
        ("nowhere/tiny", ["the folder 'nowhere' is no area; the areas are workflow, cpu", "is in another area"]),
        ("memory/Tiny", "the name 'Tiny': use lower-case words"),
        ("memory/tiny-sums", "the name 'tiny-sums': use lower-case words"),
    ],
)
def test_a_path_that_breaks_a_rule(course, tiny, name, messages):
    assert_reports(found(course, tiny, name), tiny, HEADER, messages)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        # Things that look like broken rules and are none.
        (TEXT, "# ```python\n# # a comment, no heading\n# print('Wow! ')\n# ```"),
        (TEXT, "# Use `a != b`."),
        (SOLVED, SOLVED + '\n\nclass More:\n    """More."""'),
        ("zero=1.5, full=3", "zero=1.5, full=2"),
        ("than=slow, on=make, zero=1.5, full=3", "than=(add, make), most=2,\n    on=make, zero=0.3, full=0.8"),
        (CHECK, "check.correct(\n    add, against=slow, on=cases, points=2\n)"),
        (CHECK, CHECK + "  # a comment; nothing else"),
        (CHECK, f"def helper():\n    return 3\n{CHECK}"),
        ("[memory/sums/once]", "[memory/sums]"),
        *[cell('role="given" grade_id="more"', "x = 1")],
    ],
)
def test_what_is_allowed_is_not_reported(course, tiny, old, new):
    assert old in tiny
    assert found(course, tiny.replace(old, new, 1)) == []


def test_problems_come_in_the_order_of_lines(course, tiny):
    text = tiny.replace("stars: 1", "stars: 9").replace("time.", "time!").replace("guess = None", "guess = 1")
    problems = found(course, text)
    assert len(problems) == 3
    assert [p.line for p in problems] == sorted(p.line for p in problems)
    assert str(problems[0]).endswith("tiny.py:1: header: stars is 1, 2 or 3, not 9")


def test_no_rule_is_without_a_case(course, tiny):
    """Run all cases and see that every line of the lint that says something has said it."""
    path = Path(rules.__file__)
    speaking = {
        node.lineno
        for node in ast.walk(ast.parse(path.read_text()))
        if (isinstance(node, ast.Yield) and isinstance(node.value, ast.Call))
        or (isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) in ("message", "problem"))
    }
    assert len(speaking) > 40
    spoken = set()

    def trace(frame, event, _):
        if frame.f_code.co_filename != str(path):
            return None
        if event == "line":
            spoken.add(frame.f_lineno)
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        for old, new, *_ in CASES:
            found(course, tiny.replace(old, new, 1))
        for role in ("tiny_given", "tiny_guess"):
            found(course, tiny.replace(without(role, tiny), ""))
        given = without("tiny_given", tiny)
        found(course, tiny.replace(given, "").replace(BEFORE_TESTS, given + BEFORE_TESTS))
        found(course, tiny, "nowhere/Tiny")
    finally:
        sys.settrace(before)
    assert speaking <= spoken, sorted(speaking - spoken)
