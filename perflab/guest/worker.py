"""The loop of a sandbox: run cells, then call functions on staged inputs.

Everything that the judge need not trust is done here. A message is a dictionary with "do"; the answer has "ok", or
"error": a sentence for the learner.
"""

import base64
import contextlib
import gc
import mmap
import os
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from perflab.check import teams
from perflab.check.bench import LocalBench, LocalCall, describe
from perflab.check.files import File
from perflab.check.oracles import Oracle
from perflab.check.questions import question
from perflab.check.signatures import never_evaluate
from perflab.guest import channel, filtering
from perflab.guest.codec import Decoder, Layout, encode, records
from perflab.guest.shells import Notebook, Plain


class Guest:
    """The state of a sandbox.

    Parameters
    ----------
    link : socket
    inbox, outbox : int
        Descriptors of the memory for arguments and for results.
    shell : Notebook or Plain
        Runs cells.
    """

    def __init__(self, link: socket.socket, inbox: int, outbox: int, shell: Notebook | Plain) -> None:
        self._link, self._inbox_file, self._outbox_file = link, inbox, outbox
        self._shell = shell
        self._inbox: mmap.mmap | None = None
        self._asked: dict[int, _Asked] = {}

    def serve(self) -> None:
        """Answer messages until the judge is gone."""
        verbs: dict[str, Callable[[dict], dict]] = {
            "cell": lambda message: self._shell.run(message["source"]),
            "alone": _alone,
            "map": self._map,
            "call": self._call,
            "count": self._count,
            "explore": self._explore,
            "race": self._race,
        }
        while True:
            try:
                message = channel.receive(self._link)
            except channel.ChannelError:
                return
            channel.send(self._link, verbs[message["do"]](message))

    def _map(self, message: dict) -> dict:
        """Map the memory for arguments, with all its pages, before any clock runs."""
        self._inbox = mmap.mmap(self._inbox_file, message["size"], flags=mmap.MAP_SHARED | mmap.MAP_POPULATE)
        return {"ok": True}

    def _decoder(self) -> Decoder:
        def array(dtype: np.dtype, shape: tuple[int, ...], order: str, offset: int) -> np.ndarray:
            if self._inbox is None or 0 in shape:
                return np.empty(shape, dtype, order=order)
            return np.ndarray(shape, dtype, self._inbox, offset, order=order)

        types = records(self._shell.names)

        def asked(number: int) -> _Asked:
            # The same object in every call: what was remembered by its identity is found again, and wrong.
            if number not in self._asked:
                self._asked[number] = _Asked(self._link, self._decoder, number)
            return self._asked[number]

        return Decoder(array, types, asked, lambda path: File(b"", Path(path)))

    def _call(self, message: dict) -> dict:
        """Call a function on the arguments in the inbox; write what it returned to the outbox."""
        name = message["name"]
        fn = self._shell.names.get(name)
        if fn is None:
            return {"error": f"{name} is not defined; run its cell and look at its error."}
        args = self._decoder()(message["args"])
        try:
            result = fn(*args)
        except (Exception, SystemExit) as error:
            return {"error": describe(fn, error)}
        return self._outcome(name, result, args, message["after"])

    def _count(self, message: dict) -> dict:
        """Count something exact in a clean room, where only the answer's definitions were loaded."""
        fn = self._shell.names.get(message["name"])
        if fn is None:
            return {"error": f"{message['name']} is not defined."}
        staged = LocalCall(self._decoder()(message["args"]))
        try:
            first = LocalCall(self._decoder()(message["first"])) if "first" in message else None
            count = LocalBench(fn).count(staged, message["metric"], first)
        except Exception as error:
            return {"error": str(error)}
        return {"count": count, **self._outcome(message["name"], staged.result, staged.args, message["after"])}

    def _explore(self, message: dict) -> dict:
        """Run all schedules of some functions in a clean room."""
        try:
            team = self._team(message)
            args = self._decoder()(message["args"])
            found = LocalBench(team[0]).explore(args, team, message["refused"])
        except Exception as error:
            return {"error": str(error)}
        layout = Layout()
        reply = {**vars(found), "outcomes": encode(found.outcomes, layout)}
        self._write(layout)
        return reply

    def _race(self, message: dict) -> dict:
        """Run some functions on real threads, with the arguments in the inbox."""
        try:
            team = self._team(message)
            args = self._decoder()(message["args"])
            raced = teams.raced(team, args, message["seconds"])
        except LookupError as error:
            return {"error": str(error)}
        except (Exception, SystemExit) as error:
            return {"error": describe(team[0], error)}
        reply = {"ended": raced.ended, "parallel": raced.parallel}
        return {**self._outcome(message["names"][0], raced.results, args, message["after"]), **reply}

    def _team(self, message: dict) -> tuple[Callable[..., Any], ...]:
        """Return the functions of threads; those of the course call what is named as their parts."""
        names = self._shell.names
        for name in (*message["parts"], *message["names"]):
            if name not in names:
                raise LookupError(f"{name} is not defined; run its cell and look at its error.")
        team = tuple(names[name] for name in message["names"])
        parts = tuple((name, names[name]) for name in message["parts"])
        return teams.bound(team, parts) if parts else team

    def _outcome(self, name: str, result: Any, args: tuple, after: bool) -> dict:
        """Write what a call returned, and if asked for what became of its arguments, to the outbox."""
        layout = Layout()
        try:
            reply = {"result": encode(result, layout)}
            if after:
                reply["after"] = encode(args, layout, _reference)
        except ValueError as error:
            return {"error": f"{name}: the result is {error}."}
        self._write(layout)
        return reply

    def _write(self, layout: Layout) -> None:
        for offset, array in layout.arrays:
            os.pwrite(self._outbox_file, array.tobytes("A"), offset)


def _alone(message: dict) -> dict:
    """Start no process from here on; nobody can take that back."""
    filtering.load(base64.b64decode(message["filter"]))
    return {"ok": True}


def _reference(value: Any) -> list | None:
    """Return the tree of what the judge knows by itself."""
    if isinstance(value, _Asked):
        return ["oracle", value.number]
    return ["file", Path(value).name] if isinstance(value, File) else None


class _Asked(Oracle):
    """Stands for an object on the judge's side; each call is a question to it."""

    __slots__ = ("_decoder", "_link", "number")

    def __init__(self, link: socket.socket, decoder: Callable[[], Decoder], number: int) -> None:
        self._link, self._decoder, self.number = link, decoder, number

    def __call__(self, /, *args: Any, **named: Any) -> Any:
        """Ask the judge."""
        asked = question(args), question(named)
        channel.send(self._link, {"ask": self.number, "args": encode(asked, Layout())})
        reply = channel.receive(self._link)
        if "raises" in reply:
            raise ValueError(reply["raises"])
        return self._decoder()(reply["answer"])


def main(link: str, inbox: str, outbox: str, shell: str) -> None:
    """Serve the judge on the descriptors that it left open; their numbers are words of a command."""
    never_evaluate()
    with contextlib.suppress(channel.ChannelError), socket.socket(fileno=int(link)) as connection:
        guest = Guest(connection, int(inbox), int(outbox), Notebook() if shell == "notebook" else Plain())
        gc.enable()
        channel.send(connection, {"ok": True})
        with open(os.devnull, "wb") as nothing:
            os.dup2(nothing.fileno(), 2)  # nobody reads it from now on: a talkative program would block
        guest.serve()
