"""For the whole suite: what drives a browser or starts servers stays on one worker each."""

import pytest


def pytest_collection_modifyitems(items):
    for item in items:
        for marker in ("browser", "services"):
            if item.get_closest_marker(marker) and not item.get_closest_marker("xdist_group"):
                item.add_marker(pytest.mark.xdist_group(marker))
