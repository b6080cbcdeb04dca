"""For the whole suite: what drives a browser or starts servers stays on one worker each.

Random cases are the same in every run, so that a run can be trusted, and no case is late on a busy machine;
``HYPOTHESIS_PROFILE=random`` draws new ones.
"""

import os

import pytest
from hypothesis import settings

settings.register_profile("same", deadline=None, derandomize=True)
settings.register_profile("random", deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "same"))


def pytest_collection_modifyitems(items):
    for item in items:
        for marker in ("browser", "services"):
            if item.get_closest_marker(marker) and not item.get_closest_marker("xdist_group"):
                item.add_marker(pytest.mark.xdist_group(marker))
