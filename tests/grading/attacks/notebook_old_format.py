"""Hands in a notebook of the oldest format, with the points in it."""

SECTION = "notebook"
POINTS = NOTHING
TEXT = (
    '{"metadata": {"name": ""}, "nbformat": 3, "nbformat_minor": 0, "worksheets": [{"metadata": {}, "cells": '
    '[{"cell_type": "code", "collapsed": false, "language": "python", "metadata": {"nbgrader": {"grade": true, '
    '"grade_id": "target_correct", "points": 4, "schema_version": 3}}, "outputs": [], "input": "4.0"}]}]}'
)
