from __future__ import annotations

from dataclasses import fields
from typing import Any

import pytest

from ollamars.config import DEFAULT_ORIGINS, DEFAULT_PARALLEL, VARIABLES, Config
from ollamars.durations import FOREVER, MINUTE, SECOND
from ollamars.host import parse_host


def config(**env: str) -> Config:
    return Config.from_env({"HOME": "/home/me", **env})


def test_defaults() -> None:
    found = config()
    assert found.host.url == "http://127.0.0.1:11434"
    assert found.models == "/home/me/.ollama/models"
    assert found.keep_alive == 5 * MINUTE
    assert (found.num_parallel, found.parallel) == (1, DEFAULT_PARALLEL)
    assert found.max_queue == 512
    assert found.origins == DEFAULT_ORIGINS
    assert len(DEFAULT_ORIGINS) == 17
    assert found.go_template
    assert not found.no_cloud
    assert found.warnings == ()


@pytest.mark.parametrize(
    ("text", "url", "client"),
    [
        ("", "http://127.0.0.1:11434", None),
        ("0.0.0.0", "http://0.0.0.0:11434", "http://127.0.0.1:11434"),
        ("[::]:1", "http://[::]:1", "http://[::1]:1"),
        ("::1", "http://[::1]:11434", None),
        (":8080", "http://:8080", None),
        ("https://h/p/q", "https://h:443/p/q", None),
        ("http://h", "http://h:80", None),
        ("ollama.com", "https://ollama.com:443", None),
        ("::ffff:1.2.3.4", "http://1.2.3.4:11434", None),
        ("http://h/a b?c", "http://h:80/a%20b%3Fc", None),
    ],
)
def test_host(text: str, url: str, client: str | None) -> None:
    host, bad_port = parse_host(text)
    assert (host.url, host.client_url) == (url, client or url)
    assert bad_port is None


@pytest.mark.parametrize(
    ("text", "parallel"),
    [("", DEFAULT_PARALLEL), ("-1", DEFAULT_PARALLEL), ("0", 1), ("1", 1), ("3", 3)],
)
def test_requests_at_the_same_time(text: str, parallel: int) -> None:
    assert config(OLLAMA_NUM_PARALLEL=text).parallel == parallel


def test_a_bad_value_is_told_and_leaves_the_default() -> None:
    found = config(OLLAMA_HOST="h:99999", OLLAMA_MAX_QUEUE="-1")
    assert found.host.port == "11434"
    assert found.max_queue == 512
    assert found.warnings == (
        "invalid port, using default port=99999 default=11434",
        "invalid environment variable, using default key=OLLAMA_MAX_QUEUE value=-1 default=512",
    )


@pytest.mark.parametrize(
    ("name", "text", "field", "value"),
    [
        ("OLLAMA_NUM_PARALLEL", " '4' ", "num_parallel", 4),
        ("OLLAMA_KEEP_ALIVE", "30", "keep_alive", 30 * SECOND),
        ("OLLAMA_KEEP_ALIVE", "-1", "keep_alive", FOREVER),
        ("OLLAMA_LOAD_TIMEOUT", "0", "load_timeout", FOREVER),
        ("OLLAMA_NOPRUNE", "maybe", "no_prune", True),
        ("OLLAMA_NOPRUNE", "F", "no_prune", False),
        ("OLLAMA_DEBUG", "2", "log_level", -8),
        ("OLLAMA_GO_TEMPLATE", "0", "go_template", False),
        ("OLLAMA_MODELS", "~/x", "models", "~/x"),
        ("OLLAMARS_EXEC", "candle", "executor", "candle"),
        ("OLLAMARS_EXEC", "", "executor", ""),
        ("OLLAMARS_CPU", "avx2", "executor", "cpu-avx2"),
        ("OLLAMARS_THREADS", "3", "threads", 3),
    ],
)
def test_variable(name: str, text: str, field: str, value: Any) -> None:
    assert getattr(config(**{name: text}), field) == value


def test_cloud_is_off_by_variable_or_file() -> None:
    env = {"HOME": "/home/me", "OLLAMA_NO_CLOUD": "1"}
    settings = b'{"disable_ollama_cloud": true}'
    assert Config.from_env(env).no_cloud_source == "env"
    assert Config.from_env({}, settings=settings).no_cloud_source == "config"
    assert Config.from_env(env, settings=settings).no_cloud_source == "both"
    assert Config.from_env({}, settings=b"{broken").no_cloud_source == "none"


def test_every_row_of_the_table_has_a_field() -> None:
    rows = {row.field for row in VARIABLES}
    assert rows <= {field.name for field in fields(Config)}
    assert len(rows) == len(VARIABLES) == len({row.name for row in VARIABLES})
