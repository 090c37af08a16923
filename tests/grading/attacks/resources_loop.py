"""Never ends, and ignores interrupts."""

SECTION = "resources"
NOT_ON_STOCK = "it takes minutes"
POINTS = NOTHING
ANSWER = """
import signal

for number in (signal.SIGINT, signal.SIGTERM, signal.SIGALRM, signal.SIGXCPU):
    signal.signal(number, signal.SIG_IGN)

def moving(numbers):
    while True:
        pass

def find(ask, n):
    while True:
        pass
"""
