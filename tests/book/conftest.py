"""Builds of the book that the tests of this folder look at, each made once and from scratch."""

import shutil

import pytest
from builds import ROOT, run_jupyter_book
from programs import require


@pytest.fixture(scope="session")
def html_build():
    """Build the HTML book from scratch: a page that is not read again does not warn again."""
    for folder in ("html", ".doctrees"):
        shutil.rmtree(ROOT / "_build" / folder, ignore_errors=True)
    return run_jupyter_book(ROOT, "--builder", "html")


@pytest.fixture(scope="session")
def html(html_build):
    """Return the folder of the HTML book."""
    if html_build.returncode:
        pytest.fail("the book does not build; see test_build.py")
    return ROOT / "_build" / "html"


@pytest.fixture(scope="session")
def tiny_book(tmp_path_factory):
    """Return a function that builds a book of one page under the configuration of the real one."""

    def build(text):
        root = tmp_path_factory.mktemp("book")
        (root / "book").mkdir()
        for shared in ("_config.yml", "requirements.txt", "book/assets", "book/latex", "book/curriculum.yml"):
            (root / shared).symlink_to(ROOT / shared)
        (root / "_toc.yml").write_text("format: jb-book\nroot: book/index\n")
        (root / "book" / "index.md").write_text(text)
        return run_jupyter_book(root, "--builder", "html")

    return build


@pytest.fixture(scope="session")
def pdf():
    """Build the PDF; return its folder, with LaTeX's files around it."""
    require(
        ["xelatex", "latexmk", "xindy", "pdftotext"],
        "texlive-xetex texlive-latex-recommended texlive-latex-extra texlive-fonts-recommended "
        "latexmk fonts-freefont-otf tex-gyre xindy poppler-utils",
    )
    output = ROOT / "_build" / "pdf"
    shutil.rmtree(output, ignore_errors=True)
    build = run_jupyter_book(ROOT, "--builder", "pdflatex", "--path-output", output)
    assert build.returncode == 0, build.stdout[-5000:]
    return output / "_build" / "latex"
