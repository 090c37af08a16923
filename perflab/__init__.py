"""Measure, count, model, check and grade: the library under the course."""
