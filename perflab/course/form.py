"""The cells of a submission in the form of the release; who only checks a notebook needs no nbgrader for it."""

from nbformat import NotebookNode
from nbformat.v4 import new_markdown_cell

from perflab.course.grade_id import grade_id_of


def restored(submitted: list[NotebookNode], known: dict[str, NotebookNode]) -> list[NotebookNode]:
    """Return the cells of a submission with the metadata, the completeness and the uniqueness of the release.

    Parameters
    ----------
    submitted : list of NotebookNode
    known : dict
        Released cells by grade id, in order.
    """
    cells: list[NotebookNode] = []
    seen: set[str] = set()
    for cell in submitted:
        name = grade_id_of(cell)
        cell.metadata = NotebookNode()
        if name not in known:
            # A raw cell would go into a page as it is; indented it is text that nobody interprets.
            quoted = "\n".join(f"    {line}" for line in cell.source.splitlines())
            cells.append(new_markdown_cell(quoted) if cell.cell_type == "raw" else cell)
            continue
        if name in seen:
            # A second copy of a locked cell says nothing new; of an answer it may hold the learner's code.
            if not known[name].metadata.nbgrader.locked:
                cells.append(cell)
            continue
        seen.add(name)
        cell.metadata = known[name].metadata
        cells.append(cell)
    names = list(known)
    for i, name in enumerate(names):
        if name in seen:
            continue
        # Behind the nearest released cell before it; all of these are in place by now.
        before = names[i - 1] if i else None
        place = 1 + next(
            (j for j, c in enumerate(cells) if c.metadata.get("nbgrader", {}).get("grade_id") == before), -1
        )
        cells.insert(place, known[name])
    return cells
