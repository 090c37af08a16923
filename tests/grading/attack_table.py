"""Run every attack here and once on a stock configuration of nbgrader, and print what each earned.

Fails if one earns more here than its honest code does.
"""

import json
import os
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Timer

from rich.console import Console
from rich.progress import track
from rich.table import Table

from perflab.judge import bubblewrap
from perflab.judge.examine import examine, forget
from perflab.judge.verdict import Verdict

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "tests"))
from attacking import HONEST_POINTS, SETTINGS, SLOW, SLOW_POINTS, Attack, attacks, submission, trusted  # noqa: E402

WORKERS = 2  # kernels at once
STOCK_SECONDS = 600
Found = dict[str, dict[str, float | None]]


def here(every: list[Attack]) -> dict[str, float]:
    """Return the points of each attack under the judge."""
    found = {}
    for attack in track(every, "here", console=Console(stderr=True)):
        found[attack.name] = Verdict.from_json(examine(trusted(), attack.text, SETTINGS.to_dict())).points
    forget()
    return found


def on_stock(every: list[Attack]) -> Found:
    """Return the points of each attack, and of its neighbor, on a stock configuration."""
    texts = {attack.name: attack.text for attack in every if not attack.stock}
    names = list(texts)
    shares = [{name: texts[name] for name in names[i::WORKERS]} for i in range(min(WORKERS, len(names)))]
    with ThreadPoolExecutor(WORKERS) as pool:
        lines = [line for part in pool.map(_contained, shares) for line in part]
    return {line.pop("name"): line for line in map(json.loads, lines)}


def _contained(texts: dict[str, str]) -> list[str]:
    """Grade a share of the attacks in a course of its own, with no network and nothing else to write to."""
    with tempfile.TemporaryDirectory(prefix="perflab-stock-") as folder:
        command = ["bwrap", "--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc", "--tmpfs", "/tmp"]
        command += ["--bind", folder, folder, "--unshare-pid", "--unshare-net", "--unshare-ipc"]
        command += ["--die-with-parent", "--new-session", "--chdir", folder]
        environment = {
            **os.environ,
            **{"HOME": folder, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"},
            **{"IPYTHONDIR": f"{folder}/ipython", "JUPYTER_RUNTIME_DIR": f"{folder}/runtime"},
            "PYTHONPATH": str(ROOT / "tests"),
        }
        (Path(folder) / "texts.json").write_text(json.dumps(texts))
        program = subprocess.Popen(
            [*command, sys.executable, str(Path(__file__).with_name("stock.py")), folder],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env=environment,
        )
        # An attack may hold its container up: what has been graded counts.
        clock = Timer(STOCK_SECONDS, program.kill)
        clock.start()
        lines = [line for line, _ in zip((line for line in program.stdout if line[0] == "{"), texts, strict=False)]
        program.kill()
        program.wait()
        clock.cancel()
        if not lines:
            raise RuntimeError("stock nbgrader graded nothing: run stock.py alone, and see why")
        return lines


def main() -> int:
    """Print the table; return the exit code."""
    if why := bubblewrap.missing():
        sys.exit(f"No sandbox, so no attack is let loose: {why}.")
    honest = Attack("honest", "none", "Solves the exercise.", HONEST_POINTS, submission(), "")
    slow = Attack("honest, slow", "none", "Solves it slowly.", SLOW_POINTS, submission(SLOW), "")
    every = [honest, slow, *attacks()]
    ours, stock = here(every), on_stock(every)
    table = Table("attack", "section", "on stock nbgrader", "here", "earned", "what it does")
    rows = []
    for attack in every:
        earned = sum(attack.points.values())
        there = stock.get(attack.name)
        row = {
            **{"name": attack.name, "section": attack.section, "earned": earned, "here": ours[attack.name]},
            **{"stock": there, "skipped": attack.stock},
        }
        rows.append(row)
        here_ = f"[bold red]{row['here']:g}[/]" if row["here"] > earned else f"{row['here']:g}"
        table.add_row(attack.name, attack.section, _said(attack, there), here_, f"{earned:g}", attack.what)
    Console(width=None if sys.stdout.isatty() else 150).print(table)
    tried = [row for row in rows if row["section"] != "none"]
    won = [row for row in tried if row["stock"] and (row["stock"]["points"] or 0) > row["earned"]]
    broken = [row for row in tried if row["stock"] and row["stock"]["points"] is None]
    lost = [row["name"] for row in rows if row["here"] > row["earned"]]
    robbed = [row["name"] for row in rows if row["section"] == "none" and row["here"] < row["earned"]]
    print(
        f"{len(tried)} attacks. On stock nbgrader {len(stock) - 2} were tried: {len(won)} got points that they "
        f"had not earned, {len(broken)} were not graded at all. Here {len(lost)} got such points{_names(lost)}."
    )
    if robbed:
        print(f"Honest code lost points here{_names(robbed)}.")
    target = ROOT / "_build" / "benchmarks" / "attacks.json"
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps(rows, indent=1))
    return 1 if lost or robbed else 0


def _said(attack: Attack, there: dict[str, float | None] | None) -> str:
    if attack.stock:
        return f"not tried: {attack.stock}"
    if there is None or there["points"] is None:
        return "no grade"
    harm = ", and a neighbor's marks" if there["neighbor"] else ""
    more = there["points"] > sum(attack.points.values())
    return f"[bold]{there['points']:g}[/]{harm}" if more else f"{there['points']:g}{harm}"


def _names(names: list[str]) -> str:
    return f": {', '.join(names)}" if names else ""


if __name__ == "__main__":
    sys.exit(main())
