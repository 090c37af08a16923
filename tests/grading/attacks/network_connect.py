"""Asks somebody outside for the answer."""

SECTION = "network"
NOT_ON_STOCK = "nobody listens here"
POINTS = NOTHING
ANSWER = """
import socket

def moving(numbers):
    with socket.create_connection(("127.0.0.1", 8765), timeout=1) as somebody:
        somebody.sendall(numbers.tobytes())
        return np.frombuffer(somebody.recv(1 << 20))

def find(ask, n):
    return 0
"""
