"""The commands against a scripted server."""

from __future__ import annotations

import hashlib
import os
import signal
import socket
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ollamars.version import API_VERSION, own_version
from tests.unit.cli.conftest import Run
from tests.unit.cli.scripted import SHOW, Answer, serve


def ago(**units: float) -> str:
    return (datetime.now(UTC) - timedelta(**units)).isoformat()


def test_no_server(run: Run) -> None:
    result = run(None, "list")
    assert result.code == 1
    assert result.err == (
        "Error: could not connect to ollama server, run 'ollama serve' to start it\n"
    )


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["lis"], 'unknown command "lis" for "ollama"\n\nDid you mean this?\n\tlist\n\tps\n\n'),
        (["show"], "accepts 1 arg(s), received 0\n"),
        (["run"], "requires at least 1 arg(s), only received 0\n"),
        (["list", "--nosuch"], "unknown flag: --nosuch\n"),
    ],
)
def test_bad_arguments_need_no_server(run: Run, words: list[str], text: str) -> None:
    result = run(None, *words)
    assert (result.code, result.out, result.err) == (1, "", f"Error: {text}")


def test_list(run: Run) -> None:
    models = [
        {"name": "Ab:1", "digest": "0" * 64, "size": 4_700_000_000, "modified_at": ago(days=3)},
        {"name": "c:1", "digest": "1" * 64, "size": 384, "remote_model": "c"},
    ]
    with serve(get_api_tags=Answer({"models": models})) as server:
        result = run(server, "ls")
        only = run(server, "list", "aB")
    assert result.out == (
        "NAME    ID              SIZE      MODIFIED   \n"
        "Ab:1    000000000000    4.7 GB    3 days ago    \n"
        "c:1     111111111111    -         Never         \n"
    )
    assert only.out.count("\n") == 2


def test_ps(run: Run) -> None:
    model = {"name": "a:1", "digest": "0" * 64, "size": 1000, "size_vram": 333}
    with serve(get_api_ps=Answer({"models": [model | {"expires_at": ago(seconds=1)}]})) as server:
        result = run(server, "ps")
    assert result.out.splitlines()[1] == (
        "a:1     000000000000    1 KB    67%/33% CPU/GPU    0          Stopping...    "
    )


def test_show(run: Run) -> None:
    with serve(post_api_show=Answer(SHOW)) as server:
        result = run(server, "show", "m")
        template = run(server, "show", "m", "--template")
        both = run(server, "show", "m", "--template", "--system")
    assert "    quantization    Q4_K_M    \n" in result.out
    assert template.out == "{{ .Prompt }}"
    assert both.err.startswith("Error: only one of '--license', ")


def test_server_errors(run: Run) -> None:
    with serve(get_api_tags=Answer({"error": "disk on fire"}, 500)) as server:
        assert run(server, "list").err == "Error: disk on fire\n"
    with serve(get_api_tags=Answer("<html>", 502)) as server:
        assert run(server, "list").err == "Error: <html>\n"
    with serve(get_api_tags=Answer("<html>")) as server:
        assert run(server, "list").err.startswith("Error: the server's answer is no JSON")
    with serve(get_api_tags=Answer("", 500)) as server:
        assert "please see the ollama server logs" in run(server, "list").err


def test_rm_stops_at_the_first_failure(run: Run) -> None:
    gone = Answer({"error": "model 'b' not found"}, 404)
    with serve(
        post_api_show=[Answer(SHOW), gone],
        post_api_generate=Answer(stream=[{"done": True}]),
        delete_api_delete=[Answer(), gone],
    ) as server:
        result = run(server, "rm", "a", "b", "c")
    assert result.out == "deleted 'a'\n"
    assert result.err.endswith("Error: model 'b' not found\n")
    assert server.routes.count("DELETE /api/delete") == 2


def test_cp_and_stop(run: Run) -> None:
    missing = Answer({"error": "model 'a' not found"}, 404)
    with serve(post_api_copy=Answer(), post_api_show=missing) as server:
        assert run(server, "cp", "a", "b").out == "copied 'a' to 'b'\n"
        assert run(server, "stop", "a").err.endswith('Error: couldn\'t find model "a" to stop\n')


def test_pull(run: Run) -> None:
    digest = "sha256:" + "ab" * 32
    events = [
        {"status": "pulling manifest"},
        {"status": "pulling", "digest": digest, "total": 10},
        {"status": "pulling", "digest": digest, "total": 10, "completed": 10},
        {"status": "success"},
    ]
    with serve(post_api_pull=Answer(stream=events)) as server:
        result = run(server, "pull", "m")
    assert result.code == 0
    assert "pulling abababababab: 100%" in result.err
    assert server.body("POST /api/pull")["name"] == "m"


def test_pull_of_what_exists_as_a_cloud_model(run: Run) -> None:
    failed = Answer(stream=[{"error": "pull model manifest: file does not exist"}])
    with serve(post_api_pull=failed, post_api_show=Answer(SHOW)) as server:
        result = run(server, "pull", "m")
    assert result.code == 1
    assert result.err.endswith(
        "Error: pull model manifest: file does not exist\n\n"
        '"m:cloud" is available as a cloud model. Try:\n  ollama pull m:cloud\n'
    )


def test_create_uploads_each_file_once(run: Run, tmp_path: Path) -> None:
    weights = b"GGUF" + bytes(20)
    digest = "sha256:" + hashlib.sha256(weights).hexdigest()
    (tmp_path / "Modelfile").write_text("FROM ./w.gguf\nSYSTEM hi\nPARAMETER mirostat 1\n")
    (tmp_path / "w.gguf").write_bytes(weights)
    with serve(post_api_create=Answer(stream=[{"status": "success"}])) as server:
        server.answers[f"POST /api/blobs/{digest}"] = [Answer("", 201)]
        result = run(server, "create", "m")
    assert result.code == 0
    assert result.out == "warning: parameter mirostat is deprecated\n"
    assert server.body(f"POST /api/blobs/{digest}") == weights
    assert server.body("POST /api/create") == {
        "model": "m",
        "system": "hi",
        "files": {"w.gguf": digest},
        "name": "",
    }


def test_create_without_modelfile_takes_the_folder(run: Run, tmp_path: Path) -> None:
    with serve(post_api_create=Answer(stream=[{"status": "success"}])) as server:
        nothing = run(server, "create", "m")
        named = run(server, "create", "m", "-f", "nofile")
    for result in (nothing, named):
        assert result.err.endswith("Error: no Modelfile or safetensors files found\n")
    assert "POST /api/create" not in server.routes


def test_create_says_which_file_cannot_be_read(run: Run, tmp_path: Path) -> None:
    (tmp_path / "Modelfile").mkdir()
    with serve() as server:
        assert run(server, "create", "m").err.endswith("Error: open Modelfile: is a directory\n")


def test_version(run: Run) -> None:
    with serve(get_api_version=Answer({"version": "9.9.9"})) as server:
        result = run(server, "-v")
    assert result.code == 0
    assert result.out.startswith("ollama version is 9.9.9\nWarning: client version is ")
    assert run(None, "-v").out.startswith("Warning: could not connect to a running Ollama")


def test_help_needs_nothing(run: Run) -> None:
    assert "  serve " in run(None).out
    assert "--keepalive string" in run(None, "run", "--help").out
    assert "Unknown help topic [`nosuch`]" in run(None, "help", "nosuch").err


def test_launch_is_refused(run: Run) -> None:
    assert run(None, "launch", "x").err.startswith("Error: launch is not supported")


@pytest.mark.parametrize(
    ("host", "text"),
    [
        ("ftp://h", 'Head "ftp://h:11434/": unsupported protocol scheme "ftp"'),
        ("http://u:p@h:1", 'parse "http://[u:p%40h:1]:80/": invalid URL escape "%40"'),
    ],
)
def test_bad_hosts(run: Run, monkeypatch: pytest.MonkeyPatch, host: str, text: str) -> None:
    from ollamars.cli.client import check_server
    from ollamars.cli.errors import CommandError
    from ollamars.config import Config

    with pytest.raises(CommandError) as caught:
        check_server(Config.from_env({"OLLAMA_HOST": host}))
    assert str(caught.value) == text


def test_a_command_imports_neither_server_nor_core() -> None:
    code = (
        "import sys, ollamars.cli.main, ollamars.cli.models, ollamars.cli.run\n"
        "heavy = {'quart', 'trio', 'hypercorn', 'numpy', 'prompt_toolkit', 'httpx', 'msgspec',"
        " 'ollamars._core', 'ollamars.server'}\n"
        "print(sorted(heavy & set(sys.modules)))\n"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.stdout == "[]\n", result.stderr


def test_an_interrupt_ends_a_pull_as_a_signal_does(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        env = {**os.environ, "OLLAMA_HOST": f"127.0.0.1:{silent.getsockname()[1]}"}
        command = [sys.executable, "-m", "ollamars", "pull", "m"]
        process = subprocess.Popen(
            command,
            env=env,
            stderr=subprocess.PIPE,
            # A shell's background job would ignore it.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )
        connection, _ = silent.accept()
        connection.recv(1)  # the program waits for an answer
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=20)
        connection.close()
    assert process.returncode == -signal.SIGINT
    assert b"Traceback" not in err


@pytest.mark.parametrize(
    ("server", "warned"), [(API_VERSION, False), (own_version(), False), ("9.9.9", True)]
)
def test_the_version_of_our_server_is_no_surprise(run: Run, server: str, warned: bool) -> None:
    with serve(get_api_version=Answer({"version": server})) as scripted:
        result = run(scripted, "-v")
    warning = f"Warning: client version is {own_version()}\n" if warned else ""
    assert result.out == f"ollama version is {server}\n{warning}"


def test_ps_verbose_tells_what_runs_a_model(run: Run) -> None:
    model = {"name": "a:1", "digest": "0" * 64, "size": 1000, "size_vram": 0, "context_length": 64}
    with serve(get_api_ps=Answer({"models": [model | {"executor": "cpu-vnni/cpu"}]})) as server:
        plain = run(server, "ps")
        verbose = run(server, "ps", "--verbose")
    assert "EXECUTOR" not in plain.out
    head, row = verbose.out.splitlines()
    assert head.split()[-1] == "EXECUTOR"
    assert row.split()[-1] == "cpu-vnni/cpu"
