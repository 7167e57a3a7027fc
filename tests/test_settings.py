"""Settings: what they take, what they refuse and in which words, and that they are documented."""

from pathlib import Path
from typing import Any

import pytest

from isbitcoinlit.errors import SettingsError
from isbitcoinlit.settings import Settings, load_settings, unknown_variables, variable
from isbitcoinlit.source_settings import REMOVABLE

ROOT = Path(__file__).parents[1]
FIELDS = Settings.model_fields
SECRETS = [name for name, field in FIELDS.items() if "SecretStr" in str(field.annotation)]


def refusal(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> str:
    """The sentence with which a value is refused."""
    monkeypatch.setenv(f"ISBITCOINLIT_{name}", value)
    with pytest.raises(SettingsError) as raised:
        load_settings()
    return str(raised.value)


@pytest.mark.parametrize(
    ("name", "value", "wanted"),
    [
        ("FEED", "bitcoin", "it should be one of senticrypt, live, replay, demo"),
        ("FEED", "demo,demo", "it should be one of senticrypt, live, replay, demo"),
        ("SENTICRYPT_URL", "ftp://feed.example", "it should match pattern '^https?://"),
        ("SENTICRYPT_URL", "http://feed.example:99999/", "it should be an address such as"),
        ("SENTICRYPT_URL", "http://[feed.example/", "it should be an address such as"),
        ("KRAKEN_URL", "kraken.com", "it should match pattern"),
        ("KRAKEN_URL", "https:///0/public/Ticker", "it should be an address such as"),
        ("HEADLINE_FEEDS", "https://news.example soon", "it should hold http(s):// addresses"),
        ("REPLAY_FILE", "/nowhere/at/all.json", "it does not point to a file"),
        ("REFRESH_INTERVAL", "30s", "it should be a valid number"),
        ("REFRESH_INTERVAL", "0", "it should be greater than or equal to 0.1"),
        ("REFRESH_INTERVAL", "nan", "it should be a finite number"),
        ("SNAPSHOT_TTL", "0", "it should be greater than or equal to 1"),
        ("SNAPSHOT_TTL", "-1", "it should be greater than or equal to 1"),
        ("STALE_AFTER", "0", "it should be greater than 0"),
        ("STALE_AFTER", "inf", "it should be a finite number"),
        ("STALE_AFTER", "1e300", "it should be less than or equal to 31536000"),
        ("SERVE_STALE_FOR", "-1", "it should be greater than or equal to 0"),
        ("SERVE_STALE_FOR", "inf", "it should be a finite number"),
        ("RETENTION", "-1", "it should be greater than or equal to 0"),
        ("RETENTION", "3600", "it should be 0 or at least 172800"),
        ("RETENTION", "99999999999", "it should be less than or equal to 3153600000"),
        ("KEY_PREFIX", "a b", "it should match pattern"),
        ("KEY_PREFIX", "{btc}", "it should match pattern"),
        ("PORT", "http", "it should be a valid integer"),
        ("PORT", "65536", "it should be less than or equal to 65535"),
        ("WORKERS", "0", "it should be greater than or equal to 1"),
        ("LOG_FORMAT", "xml", "it should be 'auto', 'text' or 'json'"),
        ("LOG_LEVEL", "loud", "it should be 'debug', 'info', 'warning' or 'error'"),
    ],
)
def test_a_wrong_setting_is_refused_in_one_sentence(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, wanted: str
) -> None:
    """A refusal names the variable, says what it holds, and what it should hold."""
    sentence = refusal(monkeypatch, name, value)

    assert sentence.startswith(f"ISBITCOINLIT_{name} holds '{value}': ")
    assert wanted in sentence
    assert "\n" not in sentence


@pytest.mark.parametrize(
    ("name", "value", "wanted"),
    [
        ("REDIS_URL", "http://:hunter2@host", "should start with redis://, rediss:// or unix://"),
        ("REDIS_URL", "redis+sentinels://:hunter2@host/a", "should start with redis://"),
        ("REDIS_URL", "redis+sentinel://:hunter2@host", "should end with the name"),
        ("REDIS_URL", "redis+sentinel://:hunter2@host/a/b", "should end with the name"),
        ("REDIS_URL", "redis+sentinel://:hunter2@host:x/a", "should name its servers"),
        ("REDIS_URL", "redis+sentinel://:hunt@er2@a:1,,b:1/a", "should name its servers"),
        ("REDIS_URL", "redis+cluster://:hunter2@host/1", "should name no database"),
        ("REDIS_URL", "redis+cluster://:hunt/er2@host", "should name its servers"),
        (
            "REDIS_URL",
            "redis+cluster://:hunter2@h?pool=1",
            "should have no options but client_name",
        ),
        (
            "REDIS_URL",
            "rediss://:hunter2@h?ssl_ca_certs=/no",
            "should name files that exist, and /no",
        ),
        ("REDIS_URL", "redis://:hunt/er2@host:6379", "should be an address"),
        ("REDIS_URL", "redis://:hunter2@host:99999", "should be an address"),
        ("OPERATOR_TOKEN", "hunter2", "should have at least 16"),
    ],
)
def test_a_wrong_secret_is_not_repeated(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, wanted: str
) -> None:
    """A refusal of a secret says what it should be, and nothing of what it is."""
    sentence = refusal(monkeypatch, name, value)

    assert sentence.startswith(f"ISBITCOINLIT_{name} holds something else (it is secret): ")
    assert wanted in sentence
    assert "hunt" not in sentence


def test_every_wrong_setting_gets_its_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two wrong settings are named at once."""
    monkeypatch.setenv("ISBITCOINLIT_PORT", "x")

    sentences = refusal(monkeypatch, "WORKERS", "y").splitlines()

    assert [sentence.split()[0] for sentence in sentences] == [
        "ISBITCOINLIT_PORT",
        "ISBITCOINLIT_WORKERS",
    ]


def test_replay_needs_a_recording(monkeypatch: pytest.MonkeyPatch) -> None:
    """The feed `replay` without a file is refused, and the missing variable named."""
    assert "ISBITCOINLIT_REPLAY_FILE should name a file" in refusal(monkeypatch, "FEED", "replay")


@pytest.mark.parametrize("field", sorted(set(Settings.model_fields) - REMOVABLE))
def test_an_empty_variable_is_an_unset_one(monkeypatch: pytest.MonkeyPatch, field: str) -> None:
    """What a compose file passes on as empty leaves the default."""
    default = getattr(load_settings(), field)
    monkeypatch.setenv(variable(field), "")

    assert getattr(load_settings(), field) == default


@pytest.mark.parametrize("field", SECRETS)
def test_a_secret_may_end_with_a_line(monkeypatch: pytest.MonkeyPatch, field: str) -> None:
    """Of a secret that was read from a file the line's end and spaces around do not count."""
    monkeypatch.setenv(variable(field), " \n")
    assert getattr(load_settings(), field) is None

    value = "redis+sentinel://host1,host2/mymaster/0"
    monkeypatch.setenv(variable(field), f" {value}\r\n")
    assert getattr(load_settings(), field).get_secret_value() == value


@pytest.mark.parametrize("field", sorted(REMOVABLE))
def test_an_empty_address_removes_the_source(monkeypatch: pytest.MonkeyPatch, field: str) -> None:
    """An empty variable says that a source is not to be asked."""
    monkeypatch.setenv(variable(field), "")

    assert not getattr(load_settings(), field)


def test_an_empty_line_removes_the_source_too(tmp_path: Path) -> None:
    """So does an empty line of `.env`."""
    (tmp_path / ".env").write_text("ISBITCOINLIT_KRAKEN_URL=\nISBITCOINLIT_HEADLINE_FEEDS=\n")

    settings = load_settings()

    assert (settings.kraken_url, settings.headline_feeds) == ("", ())
    assert settings.bitstamp_url.startswith("https://")


def test_feeds_have_an_order(monkeypatch: pytest.MonkeyPatch) -> None:
    """Several feeds are kept in the order in which they are tried."""
    monkeypatch.setenv("ISBITCOINLIT_FEED", "live, demo")

    assert load_settings().feed == ("live", "demo")


@pytest.mark.parametrize("name", ["ISBITCOINLIT_REDIS_URL", "REDIS_URL"])
def test_both_names_of_the_redis_are_read(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """The address of Redis may stand in our variable or in the usual one."""
    monkeypatch.setenv(name, "redis://localhost:7000")

    url = load_settings().redis_url

    assert url is not None
    assert url.get_secret_value() == "redis://localhost:7000"


@pytest.mark.parametrize(
    ("overrides", "feed"), [({"feed": "replay", "replay_file": __file__}, "replay"), ({}, "demo")]
)
def test_flags_come_before_the_environment(
    monkeypatch: pytest.MonkeyPatch, overrides: dict[str, Any], feed: str
) -> None:
    """A flag overrides a variable, which overrides the default."""
    monkeypatch.setenv("ISBITCOINLIT_FEED", "demo")

    assert load_settings(overrides).feed == (feed,)


def test_a_file_of_settings_is_read(tmp_path: Path) -> None:
    """`.env` in the working directory holds settings too."""
    (tmp_path / ".env").write_text("ISBITCOINLIT_PORT=9000\nOTHER=1\n")

    assert load_settings().port == 9000


def test_a_misspelt_variable_is_noticed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A variable with our prefix that is no setting is named, with the likeliest one."""
    monkeypatch.setenv("ISBITCOINLIT_POTR", "10")
    (tmp_path / ".env").write_text("ISBITCOINLIT_PORT=9000\nISBITCOINLIT_FEDE=demo\nOTHER=1\n")

    assert unknown_variables() == [
        "ISBITCOINLIT_FEDE is not a setting; did you mean ISBITCOINLIT_FEED?",
        "ISBITCOINLIT_POTR is not a setting; did you mean ISBITCOINLIT_PORT?",
    ]


def test_secrets_are_not_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A printed setting shows neither the address of Redis nor the token."""
    monkeypatch.setenv("ISBITCOINLIT_REDIS_URL", "redis://:hunter2@host")
    monkeypatch.setenv("ISBITCOINLIT_OPERATOR_TOKEN", "0123456789abcdef")

    printed = f"{load_settings()!r} {load_settings()}"

    assert "hunter2" not in printed
    assert "0123456789abcdef" not in printed


def test_the_readme_has_every_setting() -> None:
    """The README's table names all settings."""
    readme = (ROOT / "README.md").read_text()

    assert [
        name for name in map(variable, Settings.model_fields) if f"`{name}`" not in readme
    ] == []


def test_the_example_has_every_setting() -> None:
    """`.env.example` names all settings, and none that does not exist."""
    lines = (ROOT / ".env.example").read_text().splitlines()
    named = {line[1:].split("=")[0] for line in lines if line.startswith("#ISBITCOINLIT_")}

    assert named == {variable(field) for field in Settings.model_fields}
