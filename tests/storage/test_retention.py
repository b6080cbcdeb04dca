"""What a store lets go, as a rule over ends and sizes."""

from nbflow.storage.retention import Ended, doomed

DAY = 86_400.0


def test_no_size_takes_what_a_workflow_says_to_keep() -> None:
    rows = [Ended("mine", 0.0, 100, "keep: 30d\nname: w"), Ended("other", 1.0, 100, "name: w")]
    assert doomed(rows, now=DAY, size=0, present=200) == ["other"]
    assert doomed(rows, now=31 * DAY, size=200, present=200) == ["mine"]
