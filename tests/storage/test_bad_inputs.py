"""Every case of the group `storage` has a test that does what it says; this page says where."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

TESTS = Path(__file__).parents[1]

WHERE = {
    "locked_by_other_kernel": "storage/test_processes.py::test_while_another_process_holds_the_database_everything_goes_on",
    "other_config_same_process": "storage/test_processes.py::test_the_users_own_connection_in_the_same_process_goes_on_working",
    "read_only_folder": "storage/test_addresses.py::test_a_folder_that_cannot_be_written_has_its_store_in_the_state_folder",
    "nfs_or_smb": "storage/test_locks.py::test_a_file_system_without_locks_is_refused_clearly",
    "wal_bit_flip": "storage/test_damage.py::test_a_damaged_log_of_the_database_loses_nothing",
    "wal_deleted": "storage/test_damage.py::test_a_deleted_log_of_the_database_loses_nothing",
    "db_bit_flip": "storage/test_damage.py::test_a_database_damaged_anywhere_is_set_aside_and_rebuilt",
    "db_is_text": "storage/test_damage.py::test_a_text_file_is_refused_and_not_touched",
    "newer_storage_version": "storage/test_damage.py::test_a_database_of_a_newer_duckdb_is_named_so",
    "kill9_mid_commit": "storage/test_kill.py::test_a_hundred_kills_lose_nothing",
    "kill9_mid_checkpoint": "storage/test_kill.py::test_a_hundred_kills_lose_nothing",
    "fsync_lies": "storage/test_power.py::test_what_was_acknowledged_survives_a_power_cut_anywhere",
    "stale_lock_after_crash": "storage/test_processes.py::test_a_writer_that_is_gone_is_followed_at_once_at_the_right_place",
    "store_url_unknown": "storage/test_addresses.py::test_what_is_no_store_is_refused_with_what_there_is",
    "store_folder_missing": "storage/test_addresses.py::test_a_missing_folder_is_named_and_not_made",
}
ELSEWHERE = {  # they need an engine, a notebook or a server
    "postgres_failover", "mongo_doc_16mb", "ten_thousand_executions", "event_flood", "tab_closed", "notebook_shared",
    "two_notebooks_one_name",
}  # fmt: skip

CASES = [
    case["id"].removeprefix("storage.")
    for case in yaml.safe_load((TESTS / "bad_inputs.yaml").read_text())["cases"]
    if case["group"] == "storage"
]


@pytest.mark.parametrize("case", CASES)
def test_the_case_has_its_test(case: str) -> None:
    if case in ELSEWHERE:
        return
    file, name = WHERE[case].split("::")
    assert re.search(rf"^(async )?def {name}\(", (TESTS / file).read_text(), re.MULTILINE), WHERE[case]


def test_no_case_is_forgotten() -> None:
    assert set(CASES) == set(WHERE) | ELSEWHERE
