"""Read a chapter: its labelled places, the cells that run beside each, and the pages that it links to."""

import itertools
import posixpath
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import yaml
from markdown_it import MarkdownIt
from markdown_it.token import Token
from mdit_py_plugins.front_matter import front_matter_plugin

from perflab.course.errors import CourseError

DIRECTIVE = re.compile(r"\{([\w-]+)\} *(.*)")
OPTION = re.compile(r":([\w-]+): *(.*)")
LINK = re.compile(r"\{(doc|ref)\}`(?:[^`<]*<)?([^`>]+)>?`")
NOT_RUN = "skip-execution"
REMOVED = {"remove-cell", "remove-input"}
HIDDEN = {"hide-cell", "hide-input"}


@dataclass(frozen=True)
class Code:
    """A code cell of a chapter.

    Attributes
    ----------
    source : str
    line : int
        Of the chapter, counted from 1, at which the source starts.
    tags : frozenset of str
    """

    source: str
    line: int
    tags: frozenset[str]

    @property
    def runs(self) -> bool:
        """Whether it runs when the book is built."""
        return NOT_RUN not in self.tags

    @property
    def shown(self) -> bool:
        """Whether a reader can see it, be it by opening a fold."""
        return not self.tags & REMOVED

    @property
    def open(self) -> bool:
        """Whether a reader sees it at once."""
        return self.shown and not self.tags & HIDDEN


@dataclass(frozen=True)
class Place:
    """The place in a chapter that covers a point.

    Attributes
    ----------
    point : str
        Its id.
    line : int
        Counted from 1.
    by : str or None
        What the page itself defines to measure or to model the point, where no tool of the course does.
    """

    point: str
    line: int
    by: str | None = None


@dataclass(frozen=True)
class Section:
    """A heading and what follows it, up to the next heading.

    Attributes
    ----------
    level : int
        Of the heading; 0 before the first one.
    title : str
    places : tuple of Place
    code : tuple of Code
    words : int
        Of its paragraphs and lists.
    answers : int
        Boxes that hold the answer to a question.
    """

    level: int
    title: str
    places: tuple[Place, ...]
    code: tuple[Code, ...]
    words: int
    answers: int = 0

    @property
    def cells(self) -> tuple[str, ...]:
        """Sources of the code cells that run when the book is built."""
        return tuple(code.source for code in self.code if code.runs)


@dataclass(frozen=True)
class Chapter:
    """A chapter as its source tells it.

    Attributes
    ----------
    path : Path
    topic : str
        Area and topic, e.g. "memory/locality".
    sections : tuple of Section
    links : frozenset of str
        Where its ``{doc}`` lead, as topics, and the labels of its ``{ref}``.
    """

    path: Path
    topic: str
    sections: tuple[Section, ...]
    links: frozenset[str]

    @property
    def places(self) -> dict[str, Place]:
        """The labelled places, by the id of their point."""
        return {place.point: place for section in self.sections for place in section.places}

    @property
    def cells(self) -> list[str]:
        """All cells that run."""
        return [cell for section in self.sections for cell in section.cells]

    def beside(self, point: str) -> Section:
        """Return the section of a point's place, with the subsections below it that have no place of their own."""
        at = next(i for i, one in enumerate(self.sections) if point in [place.point for place in one.places])
        own, words, code = self.sections[at], 0, []
        for section in self.sections[at:]:
            if section is not own and (section.level <= own.level or section.places):
                break
            words += section.words
            code += section.code
        return Section(own.level, own.title, own.places, tuple(code), words)


@cache
def _markdown() -> MarkdownIt:
    return MarkdownIt().enable("table").use(front_matter_plugin)


def read(path: Path) -> Chapter:
    """Read the chapter at `path`, a MyST notebook.

    Raises
    ------
    CourseError
        If the file cannot be read.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise CourseError(f"{path}: cannot be read: {error}") from error
    tokens = _markdown().parse(text)
    starts = [i for i, token in enumerate(tokens) if token.type == "heading_open"]
    bounds = [0, *starts, len(tokens)]
    parts = [tokens[low:high] for low, high in itertools.pairwise(bounds)]
    topic = f"{path.parent.name}/{path.stem}"
    prose = "\n".join(token.content for token in tokens if token.type in ("inline", "fence"))
    links = frozenset(_target(kind, to.strip(), topic) for kind, to in LINK.findall(prose))
    return Chapter(path, topic, tuple(map(_section, parts)), links)


def _section(tokens: list[Token]) -> Section:
    places, code, words, answers, level, title = [], [], 0, 0, 0, ""
    for token, before in zip(tokens, [None, *tokens], strict=False):
        if token.type == "heading_open":
            level = int(token.tag[1])
        elif token.type == "inline" and before is not None:
            if before.type == "heading_open":
                title = token.content
            else:
                words += len(token.content.split())
        elif token.type == "fence" and (directive := DIRECTIVE.fullmatch(token.info.strip())):
            name, argument = directive.groups()
            options, body = _options(token.content)
            if name == "point":
                places.append(Place(argument, token.map[0] + 1, options.get("by")))
            elif name == "code-cell":
                above = len(token.content.splitlines()) - len(body.splitlines())
                tags = frozenset(_tags(options.get("tags", "")))
                code.append(Code(body, token.map[0] + 2 + above, tags))
            answers += (name, argument) == ("admonition", "Answer")
    return Section(level, title, tuple(places), tuple(code), words, answers)


def _options(content: str) -> tuple[dict[str, str], str]:
    """Return the options at the top of a directive, and the rest."""
    options, lines = {}, content.splitlines(keepends=True)
    while lines and (option := OPTION.fullmatch(lines[0].strip())):
        options[option[1]] = option[2].strip()
        del lines[0]
    return options, "".join(lines)


def _tags(text: str) -> list[str]:
    """Return the tags of a cell: MyST takes a YAML list, or words between commas."""
    found = yaml.safe_load(text) if text.startswith("[") else text.split(",")
    return [str(tag).strip() for tag in found or ()]


def _target(kind: str, to: str, topic: str) -> str:
    """Return the topic to which a ``{doc}`` of a chapter leads, or the label of a ``{ref}``."""
    if kind == "ref":
        return to
    inside = to.removeprefix("/book/") if to.startswith("/") else posixpath.join(posixpath.dirname(topic), to)
    return posixpath.normpath(inside)
