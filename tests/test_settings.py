"""What a person may set, and how a mistake is named."""

import pytest

from nbflow.settings import DEFAULT_STORE, Settings, SettingsError, settings


@pytest.fixture(autouse=True)
def alone(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    settings.cache_clear()
    yield
    settings.cache_clear()


def test_everything_has_a_default():
    chosen = settings()
    assert chosen.store == DEFAULT_STORE
    assert chosen.pools == {}
    assert chosen.env_allow == ()


@pytest.mark.parametrize(
    ("name", "text", "field", "value"),
    [
        ("NBFLOW_STORE", "memory:", "store", "memory:"),
        ("NBFLOW_POOLS", "gpu=1, disk=4", "pools", {"gpu": 1, "disk": 4}),
        ("NBFLOW_POOLS", '{"gpu": 2}', "pools", {"gpu": 2}),
        ("NBFLOW_RATES", "openai=60/min,mail=5/s", "rates", {"openai": 1.0, "mail": 5.0}),
        ("NBFLOW_KEEP", "30d", "keep", 30 * 86400.0),
        ("NBFLOW_KEEP_SIZE", "1.5 GB", "keep_size", 1_500_000_000),
        ("NBFLOW_ENV_ALLOW", "HOME, LANG", "env_allow", ("HOME", "LANG")),
        ("NBFLOW_AGENT_MODEL", "openai/gpt-5-mini", "agent_model", "openai/gpt-5-mini"),
        ("NBFLOW_UNBOUNDED_LOOPS", "true", "unbounded_loops", True),
    ],
)
def test_the_environment_sets(monkeypatch, name, text, field, value):
    monkeypatch.setenv(name, text)
    assert getattr(settings(), field) == value


def test_the_project_file_sets_and_the_environment_wins(tmp_path, monkeypatch):
    (tmp_path / "pyproject.toml").write_text(
        '[tool.nbflow]\nstore = "memory:"\nconcurrency = 5\n[tool.nbflow.pools]\ngpu = 3\n'
    )
    monkeypatch.setenv("NBFLOW_CONCURRENCY", "7")
    chosen = settings()
    assert (chosen.store, chosen.concurrency, chosen.pools) == ("memory:", 7, {"gpu": 3})


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("NBFLOW_POOLS", "gpu"),
        ("NBFLOW_POOLS", "gpu=many"),
        ("NBFLOW_RATES", "openai=60"),
        ("NBFLOW_CONCURRENCY", "0"),
    ],
)
def test_a_mistake_is_named(monkeypatch, name, text):
    monkeypatch.setenv(name, text)
    with pytest.raises(SettingsError, match=name):
        settings()


def test_a_setting_nobody_knows_is_refused(tmp_path):
    (tmp_path / "pyproject.toml").write_text("[tool.nbflow]\nstor = 'memory:'\n")
    with pytest.raises(SettingsError, match="STOR"):
        settings()


def test_settings_do_not_change_once_read():
    with pytest.raises(ValueError, match="frozen"):
        Settings().store = "memory:"
