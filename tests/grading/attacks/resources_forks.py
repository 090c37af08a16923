"""Forks without end."""

SECTION = "resources"
NOT_ON_STOCK = "it would stop this machine"
POINTS = NOTHING
ANSWER = """
import os

def moving(numbers):
    while True:
        os.fork()

def find(ask, n):
    return 0
"""
