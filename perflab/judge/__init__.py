"""Grading that student code cannot reach: it runs in a sandbox, tests run outside, with their own clock."""
