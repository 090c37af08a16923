"""The curriculum: what the course must cover, point by point (book/curriculum.yml)."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from perflab.course.errors import CourseError

CURRICULUM = "book/curriculum.yml"


@dataclass(frozen=True)
class Point:
    """One point that the course must cover.

    Attributes
    ----------
    id, text : str
    kind : {"measured", "modelled", "explained"} or None
        None where another topic owns the point.
    see : str or None
        That topic.
    """

    id: str
    text: str
    kind: str | None = None
    see: str | None = None


@dataclass(frozen=True)
class Topic:
    """A topic, which one chapter covers."""

    id: str
    title: str
    points: tuple[Point, ...]


@cache
def topics(path: Path) -> dict[str, Topic]:
    """Return the topics of the curriculum at `path`, by id.

    Raises
    ------
    CourseError
        If the file cannot be read.
    """
    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
        return {topic.id: topic for topic in _topics(data)}
    except (OSError, UnicodeDecodeError, yaml.YAMLError, KeyError, TypeError) as error:
        raise CourseError(f"{path}: no curriculum: {error}") from error


def points(path: Path) -> dict[str, Point]:
    """Return all points of the curriculum at `path`, by id."""
    return {point.id: point for topic in topics(path).values() for point in topic.points}


def _topics(data: dict[str, Any]) -> Iterator[Topic]:
    entries = [data["opening"], *data["workflow"]]
    entries += [topic for area in data["areas"] for topic in area["topics"]]
    entries += [*data["patterns"], *data["projects"], *data["interviews"], data["closing"]]
    for entry in entries:
        lists = ("points", "requirements", "key_optimization_points")
        found = tuple(Point(**point) for name in lists for point in entry.get(name, ()))
        yield Topic(entry["id"], entry.get("title", entry["id"]), found)
