"""What a student gets back: no hidden test, no mark scheme, no live markup from a notebook."""

import html
import re
from typing import Any

import bleach
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath
from nbformat import NotebookNode
from nbformat.v4 import new_output
from nbgrader.preprocessors import ClearHiddenTests, ClearMarkScheme, NbGraderPreprocessor
from nbgrader.utils import is_grade, is_locked

from perflab.check.report import MIME, Report

TAGS = (
    *("p", "br", "hr", "h1", "h2", "h3", "h4", "h5", "h6", "em", "strong", "del", "sub", "sup", "blockquote"),
    *("ul", "ol", "li", "dl", "dt", "dd", "table", "thead", "tbody", "tr", "th", "td", "pre", "code", "span"),
    *("div", "a", "details", "summary", "math"),
)
ATTRIBUTES = {"a": ["href", "title"], "th": ["align"], "td": ["align"], "span": ["class"], "div": ["class"]}

# What MathJax would follow, load or build such things from.
LIVE_FORMULA = re.compile(
    r"\\(href|url|require|style|class|cssId|csname|def|let|newcommand|renewcommand|unicode)\b"
)
HIDDEN = "A case that is not shown in your notebook fails. Your answer agrees with those that are."
UNTOLD = (
    "Your answer fails. How is not said here: by then it has met cases that are not shown in your notebook, and "
    "could tell them. Run the cell in your own notebook to see more, or ask your instructor."
)
MARK = "BEGIN HIDDEN TESTS"
MOST_MARKDOWN = 20_000  # characters of one cell; the parser's time can grow with the square of them


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
                cell.outputs = [_without_hidden_cases(output, met) for output in cell.outputs]
                met = met or MARK in cell.source
            elif tested:
                cell.outputs = []
        # What a student wrote may hold these marks by accident or in bad faith; it stays as it is.
        ours = NotebookNode({**nb, "cells": [cell for cell in nb.cells if is_locked(cell)]})
        for preprocessor in (ClearHiddenTests(parent=self), ClearMarkScheme(parent=self)):
            preprocessor.preprocess(ours, resources)
        return nb, resources


def _without_hidden_cases(output: NotebookNode, met: bool) -> NotebookNode:
    """Return a report without hidden cases; of a failure no word if the answer has met some before."""
    report = output.get("data", {}).get(MIME)
    said_by_answer = report and report.get("failure") in ("wrong", "unwritten")
    if not report or not (report.get("hidden") or (met and said_by_answer)):
        return output
    sentence = HIDDEN if report.get("hidden") else UNTOLD
    brief = Report(report["title"], report["points"], report["of"], sentence)
    return new_output("execute_result", {"text/plain": output.data["text/plain"], **brief.as_bundle()})


class _Text(IPythonRenderer):
    """Markdown without pictures, which could be anything and come from anywhere: their text stands for them."""

    def image(self, text: str, url: str, title: str | None = None) -> str:
        """Return the text of a picture."""
        return f"[{html.escape(text)}]"


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
