"""The shell of a sandbox takes what notebooks hold: magics, figures, questions to nobody."""

import pytest

from perflab.judge import bubblewrap
from perflab.judge.settings import Settings

pytestmark = pytest.mark.skipif(bubblewrap.missing() is not None, reason=f"no sandbox: {bubblewrap.missing()}")


@pytest.fixture(scope="module")
def shell():
    sandbox = Settings().starter()("notebook", ())
    sandbox.ready()
    yield lambda source: sandbox.ask({"do": "cell", "source": source})[0]
    sandbox.close()


MAGICS = [
    *(
        "matplotlib inline",
        "matplotlib",
        "pylab inline",
        "matplotlib notebook",
        "matplotlib widget",
        "matplotlib qt",
    ),
    *("autosave 60", "clear", "connect_info", "config InlineBackend.figure_format = 'retina'", "qtconsole", "gui"),
    *("gui qt", "load_ext autoreload", "man ls", "subshell", "store", "pdb on", "pdb off"),
    *("config InlineBackend.rc = {}", "xmode plain", "history", "lsmagic", "time 1 + 1", "precision 3", "who"),
]


@pytest.mark.parametrize("magic", MAGICS)
def test_what_stands_below_a_magic_runs(shell, magic):
    number = MAGICS.index(magic)
    answer = shell(f"%{magic}\n\n\ndef f():\n    return {number}")
    assert "error" not in answer, answer
    assert shell(f"assert f() == {number}").get("ok")


SETUP = """
%load_ext autoreload
%autoreload 2
%matplotlib inline
import matplotlib.pyplot as plt
import numpy as np
plt.rcParams["figure.figsize"] = (3, 2)
"""


def test_a_setup_cell_and_figures(shell):
    assert shell(SETUP).get("ok")
    for source in ("plt.plot([1, 2])", "plt.plot([1, 2]); plt.show()", "fig, ax = plt.subplots()\nax.plot([1])"):
        (picture,) = [one for one in shell(source)["outputs"] if "image/png" in one.get("data", {})]
        assert picture["data"]["text/plain"].startswith("<Figure")


def test_a_figure_needs_no_magic():
    sandbox = Settings().starter()("notebook", ())
    sandbox.ready()
    answer, _, _ = sandbox.ask({"do": "cell", "source": "import matplotlib.pyplot as plt\nplt.plot([1, 2])"})
    sandbox.close()
    assert ["image/png" in one.get("data", {}) for one in answer["outputs"]].count(True) == 1


@pytest.mark.parametrize("source", ["input()", "input('how many? ')", "import getpass\ngetpass.getpass()"])
def test_nobody_answers_a_question_and_a_sentence_says_so(shell, source):
    assert "Nobody types here while a notebook is graded" in shell(source)["error"]


@pytest.mark.parametrize("source", ["quit()", "exit", "exit()", "get_ipython().ask_exit()"])
def test_cells_go_on_after_who_wants_to_leave(shell, source):
    assert shell(source).get("ok")
    assert shell("1").get("ok")


def test_code_that_looks_for_a_notebook_finds_one(shell):
    assert shell("assert type(get_ipython()).__name__ == 'ZMQInteractiveShell'").get("ok")
    assert shell("assert get_ipython().kernel is None").get("ok")


def test_errors_are_said_and_shown(shell):
    answer = shell("1 / 0")
    assert answer["error"] == "ZeroDivisionError: division by zero"
    assert "ZeroDivisionError" in answer["outputs"][0]["text"]
    assert shell("def f(")["error"].startswith("SyntaxError: ")


def test_values_are_shown(shell):
    assert "Out[" in str(shell("6 * 7")["outputs"])
    assert "42" in str(shell("display(42)")["outputs"])
