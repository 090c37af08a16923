"""What of the curriculum the course covers: chapter by chapter, point by point, each in its kind.

A point is *measured* where the section of its place runs a cell that measures, *modelled* where one runs a model,
*explained* where it has prose and some cell runs beside it; a point that another topic owns is linked to there.

A topic's chapter is the page that is named after it, `book/<area>/<topic>.md`. A page of another name that labels
points of the topic is a further page of that chapter.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from perflab.course import chapter, curriculum, source
from perflab.course.chapter import Chapter
from perflab.course.curriculum import CURRICULUM, Point, Topic
from perflab.course.errors import Problem
from perflab.course.evidence import Evidence

SEE = "see"
KINDS = ("measured", "modelled", "explained", SEE)
WANTED = {
    "measured": "runs an instrument, such as timing.compare or counters.count",
    "modelled": "runs a model, such as those of perflab.models",
    "explained": "explains it beside something that runs",
}
BY = ", or name the page's own function that does, by the option `:by: NAME` of the place"


@dataclass(frozen=True)
class Covered:
    """How a point is covered.

    Attributes
    ----------
    id : str
    kind : {"measured", "modelled", "explained", "see"}
    state : {"covered", "missing", "not its kind", "open"}
        Open as long as its topic, or for a `see` the topic that owns it, has no chapter.
    line : int or None
        Of its place in the chapter, if it has one.
    exercises : tuple of str
        Those whose header says that they cover it, or its topic.
    """

    id: str
    kind: str
    state: str
    line: int | None
    exercises: tuple[str, ...]


@dataclass(frozen=True)
class Coverage:
    """How a topic is covered.

    Attributes
    ----------
    id, title : str
    chapter : Path or None
        None where it has none yet.
    pages : tuple of Path
        The chapter, and its further pages.
    points : tuple of Covered
    problems : tuple of Problem
        What its chapter lacks, each with what to do.
    """

    id: str
    title: str
    chapter: Path | None
    pages: tuple[Path, ...]
    points: tuple[Covered, ...]
    problems: tuple[Problem, ...]

    def count(self, kind: str) -> tuple[int, int]:
        """Return how many points of a kind are covered, and how many there are."""
        states = [point.state for point in self.points if point.kind == kind]
        return states.count("covered"), len(states)


def coverage(root: Path) -> list[Coverage]:
    """Return how the course at `root` covers each topic of its curriculum, in the curriculum's order.

    Raises
    ------
    CourseError
        If the curriculum, a chapter or the header of an exercise cannot be read.
    """
    topics = curriculum.topics(root / CURRICULUM)
    owners = {point.id: topic.id for topic in topics.values() for point in topic.points}
    paths = {name: path for name in topics if (path := root / "book" / f"{name}.md").is_file()}
    covers = {e.name: e.header.covers for e in source.read_all(root / "solutions")}

    def exercises(point: Point) -> tuple[str, ...]:
        return tuple(name for name, ids in covers.items() if point.id in ids or owners[point.id] in ids)

    further = _further(root, owners, topics)
    rows = []
    for name, topic in topics.items():
        pages = [chapter.read(paths[name]), *further.get(name, ())] if name in paths else []
        found = [*_judged(topic, pages, frozenset(paths))] if pages else [("open", None)] * len(topic.points)
        points = tuple(
            Covered(point.id, point.kind or SEE, state, _line(pages, point), exercises(point))
            for point, (state, _) in zip(topic.points, found, strict=True)
        )
        problems = [problem for _, problem in found if problem]
        problems += [problem for page in pages for problem in _strangers(page, topic)]
        files = tuple(page.path for page in pages)
        rows.append(Coverage(name, topic.title, paths.get(name), files, points, tuple(sorted(problems))))
    return rows


def _further(root: Path, owners: dict[str, str], topics: dict[str, Topic]) -> dict[str, list[Chapter]]:
    """Return the pages that are named after no topic, by the topic whose points they label."""
    found: dict[str, list[Chapter]] = {}
    for path in sorted((root / "book").glob("*/*.md")):
        if f"{path.parent.name}/{path.stem}" in topics:
            continue
        page = chapter.read(path)
        if owner := next((owners[name] for name in page.places if name in owners), None):
            found.setdefault(owner, []).append(page)
    return found


def _judged(topic: Topic, pages: list[Chapter], written: frozenset[str]) -> Iterator[tuple[str, Problem | None]]:
    """Yield for each point its state, and what is wrong."""
    links = frozenset().union(*(page.links for page in pages))
    for point in topic.points:
        page = next((page for page in pages if point.id in page.places), pages[0])
        place = page.places.get(point.id)
        if point.see is not None:
            if any(link == point.see or link.startswith(f"{point.see}/") for link in links):
                yield "covered", None
            elif point.see not in written:
                yield "open", None
            else:
                message = f"{point.id} belongs to {point.see}: link to that chapter and say why it matters here"
                yield "missing", Problem(page.path, place.line if place else 1, message)
            continue
        if place is None:
            message = f"{point.id} has no place: label the one that covers it, ```{{point}} {point.id}"
            yield "missing", Problem(page.path, 1, message)
            continue
        beside, evidence = page.beside(point.id), Evidence(page.cells)
        looks = {
            "measured": lambda b=beside, p=place, e=evidence: e.measures(b.cells, p.by),
            "modelled": lambda b=beside, p=place, e=evidence: e.models(b.cells, p.by),
            "explained": lambda b=beside: bool(b.cells and b.words),
        }
        if looks[point.kind]():
            yield "covered", None
        else:
            how = f"no cell of its section {WANTED[point.kind]}; move the place there{BY}"
            if point.kind == "explained":
                how = f"its section has no prose beside a cell that runs: one {WANTED[point.kind]}"
            yield "not its kind", Problem(page.path, place.line, f"{point.id} is {point.kind}, but {how}")


def _strangers(page: Chapter, topic: Topic) -> list[Problem]:
    """Return the places that label no point of the chapter's topic."""
    own = {point.id for point in topic.points}
    return [
        Problem(page.path, place.line, f"{name} is no point of {topic.id}: copy the id from {CURRICULUM}")
        for name, place in page.places.items()
        if name not in own
    ]


def _line(pages: list[Chapter], point: Point) -> int | None:
    return next((page.places[point.id].line for page in pages if point.id in page.places), None)
