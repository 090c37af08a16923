"""What a student gets back: no hidden test, no mark scheme, no live markup from a notebook."""

import html
import math
import re
from dataclasses import replace
from typing import Any

import bleach
from docutils.utils.math.latex2mathml import tex2mathml
from jinja2 import DictLoader
from nbconvert.exporters import HTMLExporter
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath
from nbformat import NotebookNode
from nbformat.v4 import new_output
from nbgrader.api import Gradebook
from nbgrader.preprocessors import ClearHiddenTests, ClearMarkScheme, NbGraderPreprocessor
from nbgrader.utils import is_grade, is_locked
from traitlets import List

from perflab.check.report import MIME, Report
from perflab.course.grade_id import grade_id_of

TAGS = (
    *("p", "br", "hr", "h1", "h2", "h3", "h4", "h5", "h6", "em", "strong", "del", "sub", "sup", "blockquote"),
    *("ul", "ol", "li", "dl", "dt", "dd", "table", "thead", "tbody", "tr", "th", "td", "pre", "code", "span"),
    *("div", "a", "details", "summary", "math"),
    *("mrow", "mi", "mo", "mn", "mtext", "mspace", "mfrac", "msqrt", "mroot", "msup", "msub", "msubsup", "mover"),
    *("munder", "munderover", "mtable", "mtr", "mtd", "mstyle", "mpadded", "mphantom", "menclose"),
)
ATTRIBUTES = {
    "math": ["display"],
    "mo": ["stretchy", "movablelimits", "fence", "form", "largeop", "accent"],
    "mi": ["mathvariant"],
    "a": ["href", "title"],
    "th": ["align"],
    "td": ["align"],
    "span": ["class"],
    "div": ["class"],
}

# What MathJax would follow, load or build such things from.
LIVE_FORMULA = re.compile(
    r"\\(href|url|require|style|class|cssId|csname|def|let|newcommand|renewcommand|unicode)\b"
)
UNGRADED = re.compile(r"Score: nan / ([\d.]+)")  # what nbgrader's template makes of no points
HIDDEN = "A case that is not shown in your notebook fails. Your answer agrees with those that are."
UNTOLD = (
    "Your answer fails. How is not said here: by then it has met cases that are not shown in your notebook, and "
    "could tell them. Run the cell in your own notebook to see more, or ask your instructor."
)
MARK = "BEGIN HIDDEN TESTS"
MOST_MARKDOWN = 20_000  # characters of one cell; the parser's time can grow with the square of them


class MarkUngraded(NbGraderPreprocessor):
    """Gives what nobody has graded yet no points in place of zero."""

    def preprocess(self, nb: NotebookNode, resources: dict[str, Any]) -> tuple[NotebookNode, dict[str, Any]]:
        """Return the notebook with NaN for points that there are none of; `Page` has a word for it."""
        about = resources["nbgrader"]
        with Gradebook(about["db_url"]) as gradebook:
            notebook = gradebook.find_submission_notebook(about["notebook"], about["assignment"], about["student"])
            ungraded = {g.name for g in notebook.grades if g.auto_score is None and g.manual_score is None}
        for cell in nb.cells:
            if grade_id_of(cell) in ungraded and "score" in cell.metadata.get("nbgrader", {}):
                cell.metadata.nbgrader.score = math.nan
        return nb, resources


class HideTests(NbGraderPreprocessor):
    """Clears hidden tests and mark schemes, and says of a failed hidden case only that there was one.

    Code that has seen the inputs of hidden cases could tell them later, in what it displays, raises or returns.
    What cells behind the first tests cell displayed is not handed back, nor is a sentence about an answer that
    fails behind the first hidden case.
    """

    def preprocess(self, nb: NotebookNode, resources: dict[str, Any]) -> tuple[NotebookNode, dict[str, Any]]:
        """Return the notebook as a student may see it."""
        tested = met = False
        for cell in nb.cells:
            if cell.cell_type != "code":
                continue
            if is_grade(cell):
                tested = True
                cell.outputs = [_after_the_deadline(output, met) for output in cell.outputs]
                met = met or MARK in cell.source
            elif tested:
                cell.outputs = []
        # What a student wrote may hold these marks by accident or in bad faith; it stays as it is.
        ours = NotebookNode({**nb, "cells": [cell for cell in nb.cells if is_locked(cell)]})
        for preprocessor in (ClearHiddenTests(parent=self), ClearMarkScheme(parent=self)):
            preprocessor.preprocess(ours, resources)
        return nb, resources


class Page(HTMLExporter):
    """Writes a page for a student that needs nothing from elsewhere, by nbgrader's own template.

    Formulas are in the page already, so that the script which would draw them is left out.
    """

    extra_loaders = List([DictLoader({"mathjax.html.j2": "{% macro mathjax(url=none) %}{% endmacro %}"})])

    def from_notebook_node(
        self, nb: NotebookNode, resources: dict[str, Any] | None = None, **options: Any
    ) -> tuple[str, dict[str, Any]]:
        """Return the page."""
        page, resources = super().from_notebook_node(nb, resources, **options)
        return UNGRADED.sub(r"Not graded yet, of \1", page), resources


def _after_the_deadline(output: NotebookNode, met: bool) -> NotebookNode:
    """Return a report without advice for another try and without hidden cases.

    Of a failure it has no word if the answer has met some before.
    """
    data = output.get("data", {}).get(MIME)
    if not data:
        return output
    report = replace(Report.of_data(data), hint=0, unsure=False)
    if data.get("hidden") or (met and data.get("failure") in ("wrong", "unwritten")):
        report = Report(report.title, report.points, report.of, HIDDEN if data.get("hidden") else UNTOLD)
    return new_output("execute_result", {"text/plain": output.data["text/plain"], **report.as_bundle()})


class _Text(IPythonRenderer):
    """Markdown without pictures, which could be anything and come from anywhere: their text stands for them.

    Formulas are MathML, which browsers draw themselves.
    """

    def block_math(self, body: str) -> str:
        """Return a formula in a line of its own."""
        return f"<p>{_formula(body, as_block=True)}</p>"

    def multiline_math(self, text: str) -> str:
        """Return a formula of several lines."""
        return self.block_math(text)

    def latex_environment(self, name: str, body: str) -> str:
        """Return a formula in an environment."""
        return self.block_math(rf"\begin{{{name}}}{body}\end{{{name}}}")

    def inline_math(self, body: str) -> str:
        """Return a formula within a line."""
        return _formula(body, as_block=False)

    def image(self, text: str, url: str, title: str | None = None) -> str:
        """Return the text of a picture."""
        return f"[{html.escape(text)}]"


def _formula(body: str, as_block: bool) -> str:
    try:
        return tex2mathml(body, as_block=as_block)
    except Exception:  # what is no formula, or none that is known
        return f"<code>{html.escape(body)}</code>"


def markdown2html(source: str) -> str:
    """Render Markdown; of markup in it only what formats text stays, and no formula of it links or defines."""
    if len(source) > MOST_MARKDOWN:
        return f"<pre>{html.escape(source)}</pre>"
    source = LIVE_FORMULA.sub(r"\\text{\1}", source)
    try:
        rendered = MarkdownWithMath(renderer=_Text(escape=False)).render(source)
    except Exception:  # e.g. nested deeper than the parser can follow; it must not stop anybody's feedback
        rendered = f"<pre>{html.escape(source)}</pre>"
    return bleach.clean(rendered, tags=TAGS, attributes=ATTRIBUTES, protocols=["http", "https", "mailto"])
