"""Several conversations at once: the same texts as alone, sooner than one after the other."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

from tests.served import Served

QUESTIONS = [
    "What is the capital of France?",
    "Name three colours.",
    "Write one sentence about the sea.",
    "What is 2 + 2?",
    "Say hello in Spanish.",
    "Who wrote Hamlet?",
    "List two fruits.",
    "What do bees make?",
]


def ask(server: Served, question: str) -> str:
    body = {
        "model": "smollm2:135m",
        "messages": [{"role": "user", "content": question}],
        "options": {"temperature": 0, "num_predict": 32},
    }
    return "".join(chunk["message"]["content"] for chunk in server.lines("/api/chat", body))


def test_eight_streams_say_what_each_says_alone(smol: Served) -> None:
    smol.json("POST", "/api/chat", {"model": "smollm2:135m"})
    begin = time.monotonic()
    alone = [ask(smol, question) for question in QUESTIONS]
    in_a_row = time.monotonic() - begin
    assert "Paris" in alone[0]

    begin = time.monotonic()
    with ThreadPoolExecutor(len(QUESTIONS)) as pool:
        together = list(pool.map(lambda question: ask(smol, question), QUESTIONS))
    print(f"eight in a row {in_a_row:.1f} s, at once {time.monotonic() - begin:.1f} s")
    assert together == alone


def test_a_short_answer_does_not_wait_for_a_long_one(smol: Served) -> None:
    """Continuous batching: a request that comes later and needs less ends first."""
    order: list[str] = []

    def run(name: str, tokens: int) -> None:
        body = {
            "model": "smollm2:135m",
            "prompt": "Tell me a long story.",
            "options": {"temperature": 0, "num_predict": tokens},
        }
        smol.lines("/api/generate", body)
        order.append(name)

    smol.json("POST", "/api/generate", {"model": "smollm2:135m"})
    long = threading.Thread(target=run, args=("long", 400))
    long.start()
    time.sleep(0.2)
    run("short", 2)
    long.join()
    assert order == ["short", "long"]
