"""From one exercise source to notebooks, assignments and a class.

solutions/<area>/<exercise>.py  ->  source  ->  lint  ->  notebook  ->  publish, assignments
"""

from perflab.course.errors import CourseError
from perflab.course.source import Exercise, load, read

__all__ = ["CourseError", "Exercise", "load", "read"]
