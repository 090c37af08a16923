"""Ends the process in each of the ways that it can end."""

SECTION = "resources"
POINTS = NOTHING
ANSWER = """
import os

def moving(numbers):
    os._exit(200)

def find(ask, n):
    os.kill(os.getpid(), 50)
"""
