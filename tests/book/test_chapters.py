"""Every page of the book keeps the rules of a chapter that a machine can see."""

import pytest
from builds import ROOT

from perflab.course import chapter, prose

PAGES = [f"{path.parent.name}/{path.stem}" for path in sorted((ROOT / "book").glob("*/*.md"))]


@pytest.mark.parametrize("page", PAGES)
def test_page_keeps_the_rules(page):
    assert [str(problem) for problem in prose.lint(chapter.read(ROOT / "book" / f"{page}.md"))] == []
