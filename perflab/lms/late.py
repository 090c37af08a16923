"""What a late submission loses, as the class decides."""

import math

from nbgrader.plugins import LateSubmissionPlugin
from traitlets import Enum, Float

SECONDS = {"hour": 3600, "day": 86_400}


class PercentPerUnit(LateSubmissionPlugin):
    """Takes some percent of the points earned for each day, or hour, that has begun after a time of grace.

    In class/settings.py:

        c.PercentPerUnit.percent = 10       # of the points earned, for each day that has begun
        c.PercentPerUnit.unit = "day"       # or "hour"
        c.PercentPerUnit.grace_hours = 2    # so late is not late
        c.PercentPerUnit.most = 50          # percent that are taken at most

    nbgrader computes it when it grades a submission; `perflab grade` computes it anew each time, so that a due
    date may move afterwards.
    """

    percent = Float(0.0, min=0.0, max=100.0, help="Percent of the points earned for each unit begun.").tag(
        config=True
    )
    unit = Enum(list(SECONDS), "day", help="What is counted.").tag(config=True)
    grace_hours = Float(0.0, min=0.0, help="Hours after the due date that cost nothing.").tag(config=True)
    most = Float(100.0, min=0.0, max=100.0, help="Percent that are taken at most.").tag(config=True)

    def late_submission_penalty(self, student_id: str, score: float, total_seconds_late: float) -> float | None:
        """Return the points that are taken, or None if the submission is not late enough to lose any.

        Parameters
        ----------
        student_id : str
            Not looked at: all are treated alike.
        score : float
            Points earned for the notebook.
        total_seconds_late : float
        """
        late = total_seconds_late - 3600 * self.grace_hours
        if late <= 0 or not self.percent:
            return None
        units = math.ceil(late / SECONDS[self.unit])
        return score * min(self.percent * units, self.most) / 100
