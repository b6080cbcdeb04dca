"""For the whole suite: who shares a worker, and which random cases are drawn.

Random cases are the same in every run, so that a run can be trusted, and no case is late on a busy machine;
``HYPOTHESIS_PROFILE=random`` draws new ones.
"""

import os

from hypothesis import settings

settings.register_profile("same", deadline=None, derandomize=True)
settings.register_profile("random", deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "same"))


# Tests that share a server, a browser or a kernel run one after the other, on one worker. (The groups that pytest-xdist
# has for this go unseen since pytest 9.)
TOGETHER = ("tests/browser", "tests/services")


def pytest_xdist_make_scheduler(config, log):
    from xdist.scheduler import LoadScopeScheduling

    class Rooms(LoadScopeScheduling):
        """One room for each of `TOGETHER`, one for each file that talks to kernels, and one for any other test."""

        def _split_scope(self, nodeid):
            file = nodeid.partition("::")[0]
            room = next((folder for folder in TOGETHER if file.startswith(f"{folder}/")), nodeid)
            return file if file.startswith("tests/notebooks/") else room

    return Rooms(config, log)
