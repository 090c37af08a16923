"""Every attack gets what its code has earned, and harms nobody: the judge against hostile submissions."""

import os
import resource
from pathlib import Path

import pytest
from attack_table import on_stock
from attacking import CELLS, HONEST_POINTS, SETTINGS, SLOW, SLOW_POINTS, Attack, attacks, submission, trusted

from perflab.judge import bubblewrap, limits, scratch
from perflab.judge.examine import _examiner, examine, forget
from perflab.judge.verdict import Verdict

MOST_MEMORY = 1 << 30  # bytes that the judge itself may need more
ATTACKS = attacks()
PEAKS: dict[int, int] = {}  # bytes, of each of the judge's helpers
MEMORY_BEFORE = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024

pytestmark = pytest.mark.skipif(bubblewrap.missing() is not None, reason=f"no sandbox: {bubblewrap.missing()}")


@pytest.fixture(scope="module")
def judge():
    """Examine as a worker does: one after the other, in one process."""

    def judged(text: str) -> Verdict:
        verdict = examine(trusted(), text, SETTINGS.to_dict())
        status = Path(f"/proc/{_examiner._pid}/status").read_text()
        PEAKS[_examiner._pid] = int(status.partition("\nVmHWM:")[2].split()[0]) << 10
        return Verdict.from_json(verdict)

    yield judged
    forget()


def points(verdict: Verdict) -> dict[str, float]:
    return {cell.grade_id.removeprefix("target_"): cell.report.points for cell in verdict.cells}


def test_there_are_fifty_attacks_from_every_section():
    sections = {"notebook", "forging", "files", "resources", "network", "timing", "output", "escape", "evidence"}
    assert len(ATTACKS) >= 50
    assert {attack.section for attack in ATTACKS} == sections


def test_honest_code_earns_everything(judge):
    verdict = judge(submission())
    assert points(verdict) == HONEST_POINTS, verdict.cells


def test_stock_nbgrader_can_be_set_beside_the_judge():
    found = on_stock([Attack("honest", "none", "Solves the exercise.", HONEST_POINTS, submission(), "")])
    assert found["honest"]["points"] == sum(HONEST_POINTS.values())


def test_honest_slow_code_earns_what_it_should(judge):
    verdict = judge(submission(SLOW))
    assert points(verdict) == SLOW_POINTS, verdict.cells


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.name)
def test_attack_earns_what_its_code_has_earned(judge, attack):
    verdict = judge(attack.text)
    assert set(points(verdict)) == set(CELLS)
    assert points(verdict) == attack.points, [(c.grade_id, c.report.sentence) for c in verdict.cells]


def test_honest_code_still_earns_everything_after_all_attacks(judge):
    assert points(judge(submission())) == HONEST_POINTS


def test_no_attack_has_made_the_judge_large_or_left_anything():
    # Not one was so bad that the judge's helper had to be another.
    assert len(PEAKS) == 1
    assert max(PEAKS.values()) < MEMORY_BEFORE + MOST_MEMORY
    forget()
    ours = (os.getpid(), *PEAKS)
    left = [
        path for place in scratch.PLACES for pid in ours for path in Path(place).glob(f"{scratch.NAME}{pid}-*")
    ]
    left += [path for pid in ours for path in limits.CGROUPS.glob(f"*/{limits.GROUP}{pid}-*")]
    assert left == []
    assert not Path("/tmp/perflab-was-here").exists()
