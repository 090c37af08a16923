"""Hands in a notebook whose cells are not what they should be."""

SECTION = "notebook"
POINTS = NOTHING
TEXT = '{"cells": [{"cell_type": "code", "source": 5, "metadata": [], "outputs": 7}, 3], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}'
