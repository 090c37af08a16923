"""The same class with its gradebook in PostgreSQL, and examined on a dask cluster."""

import subprocess

import pytest
from nbgrader.api import Gradebook, MissingEntry
from nbgrader.apps import NbGraderAPI
from postgres import PASSWORD, postgres
from quick import ANSWERS, ASSIGNMENT, POINTS, Class, environment
from tempo import NET


@pytest.fixture(scope="module")
def graded(tmp_path_factory):
    """A class graded here, into SQLite."""
    found = handed_in(tmp_path_factory.mktemp("here"))
    found.grade("--jobs", "2")
    return found


def handed_in(folder, gradebook=""):
    found = Class(folder, gradebook)
    for who, answer in ANSWERS.items():
        found.submit(who, answer)
    return found


@pytest.fixture(scope="module")
def there(tmp_path_factory):
    """The same class with another gradebook."""
    with postgres() as url:
        yield handed_in(tmp_path_factory.mktemp("postgres"), url)


def test_postgresql_holds_what_sqlite_holds(graded, there):
    said = there.grade("--jobs", "2")
    assert "4 notebooks examined now" in said
    assert there.rows() == graded.rows()
    assert there.counts() == graded.counts()
    assert (
        "0 notebooks examined now, 4 known from before. Grades written now: those of 0 students." in there.grade()
    )
    assert not (there.root / "gradebook.db").exists()


def test_nbgrader_itself_writes_there_too(graded, there):
    reply = NbGraderAPI(config=there.config).autograde(ASSIGNMENT, "ada", force=True)
    assert reply["success"], reply
    assert there.rows() == graded.rows()


def test_a_wrong_password_is_a_sentence_that_does_not_show_it(there):
    url, there.url = there.url, there.url.replace(PASSWORD, "guessed-wrong")
    try:
        said = there.grade(fails=True)
    finally:
        there.url = url
    assert "no gradebook can be opened there" in said
    assert "guessed-wrong" not in said


def test_an_assignment_that_this_gradebook_does_not_know(graded, there):
    url, graded.url = graded.url, there.url.replace("/postgres", "/template1")
    try:
        said = graded.grade(fails=True)
    finally:
        graded.url = url
    assert "the gradebook does not know week-1. Run nbgrader generate_assignment week-1" in said


def test_a_student_is_forgotten_there_too(there):
    command = [there.command()[0], "forget", "joe", "--class", str(there.root), "--gradebook", there.url, "--yes"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=NET, env=environment())
    assert done.returncode == 0, done.stderr
    with Gradebook(there.url) as gradebook, pytest.raises(MissingEntry):
        gradebook.find_student("joe")
    assert there.points() == {who: points for who, points in POINTS.items() if who != "joe"}


def test_an_existing_dask_cluster_by_its_address(graded, tmp_path):
    from dask.distributed import LocalCluster

    small = handed_in(tmp_path)
    with LocalCluster(
        n_workers=2, threads_per_worker=1, dashboard_address=None, host="127.0.0.1", scheduler_port=0
    ) as cluster:
        assert "4 notebooks examined now" in small.grade("--cluster", cluster.scheduler_address)
    assert small.rows() == graded.rows()


def test_a_dask_cluster_without_workers(tmp_path):
    from dask.distributed import LocalCluster

    small = handed_in(tmp_path)
    with LocalCluster(n_workers=0, dashboard_address=None, host="127.0.0.1", scheduler_port=0) as cluster:
        assert "the cluster has no workers" in small.grade("--cluster", cluster.scheduler_address, fails=True)
    assert not (small.root / "verdicts").exists()


def test_a_dask_cluster_of_its_own(graded, tmp_path):
    small = handed_in(tmp_path)
    assert "4 notebooks examined now" in small.grade("--cluster", "local", "--jobs", "2")
    assert small.rows() == graded.rows()
