"""The rules of a chapter, each on a small page that breaks it, and the minutes that it takes."""

import pytest

from perflab.course import chapter, prose
from perflab.sphinxext.reading import taken

GOOD = """# A page

Words here.

```{code-cell}
x = 1
```

```{code-cell}
:tags: [hide-input]
print(x)
```
"""
CELL = "\n```{{code-cell}}\n{}\n```\n"
REMOVED = "\n```{{code-cell}}\n:tags: [remove-cell]\n{}\n```\n"


def problems(tmp_path, text):
    path = tmp_path / "page.md"
    path.write_text(text)
    return [(problem.line, problem.message) for problem in prose.lint(chapter.read(path))]


def test_a_sound_page(tmp_path):
    assert problems(tmp_path, GOOD) == []


@pytest.mark.parametrize(
    ("more", "line", "message"),
    [
        (CELL.format("y = '" + 80 * "a" + "'"), 15, "86 columns"),
        (CELL.format("\n".join(f"y{i} = {i}" for i in range(13))), 15, "13 lines at once"),
        (CELL.format("\n\n".join(f"y{i} = {i}" for i in range(12))), None, ""),
        (REMOVED.format("def f(): pass") + CELL.format("f()"), 20, "f comes from a cell that no reader sees"),
        (REMOVED.format("import os") + CELL.format("def g():\n    return os.name"), 20, "os comes from a cell"),
        (CELL.format("f = 2") + REMOVED.format("f = 3") + CELL.format("print(f)"), None, ""),
        (REMOVED.format("f = 3") + CELL.format("f = 2\nprint(f)"), None, ""),
        (REMOVED.format("y = '" + 80 * "a" + "'"), None, ""),
        (REMOVED.format("claim('so', x > 1,\n      noisy=True)"), 17, "noisy is computed"),
        (REMOVED.format("claim('so', x > 1, noisy=x > 0)"), None, ""),
    ],
)
def test_a_rule(tmp_path, more, line, message):
    found = problems(tmp_path, GOOD + more)
    assert [at for at, _ in found] == ([] if line is None else [line])
    assert message in "".join(text for _, text in found)


def test_minutes_are_those_before_the_questions(tmp_path):
    path = tmp_path / "page.md"
    path.write_text("# A page\n\n" + "word " * 1000 + CELL.format("x = 1\n" * 12) + REMOVED.format("y = 1\n" * 99))
    assert prose.minutes(chapter.read(path)) == 6
    path.write_text(path.read_text() + "\n## Quick questions\n\n" + "word " * 9000)
    assert prose.minutes(chapter.read(path)) == 6


def test_who_runs_the_code_and_answers_the_questions_takes_longer(tmp_path):
    path = tmp_path / "page.md"
    folded = "\n```{code-cell}\n:tags: [hide-input]\ny = 1\n```\n"
    path.write_text(
        "# A page\n\n" + "word " * 2000 + CELL.format("x = 1") * 20 + folded * 99 + REMOVED.format("y = 1")
    )
    assert (prose.minutes(chapter.read(path)), prose.minutes_of_work(chapter.read(path))) == (12, 20)
    question = (
        "\n## Quick questions\n\n" + "Why? " * 200 + "\n\n````{admonition} Answer\n:class: dropdown\nSo.\n````\n"
    )
    path.write_text(path.read_text() + question * 3)
    assert (prose.minutes(chapter.read(path)), prose.minutes_of_work(chapter.read(path))) == (12, 30)
    assert (
        taken(chapter.read(path)) == "12 minutes to read, about 30 with its code run and its questions answered."
    )


def test_a_page_that_is_too_long(tmp_path):
    assert problems(tmp_path, "# A page\n\n" + "word " * 6100) == [
        (1, "31 minutes before the questions: cut it, or make it two pages")
    ]
