"""What of a conversation fits, tags of media, and single requests."""

from __future__ import annotations

import datetime
from collections.abc import Sequence

import pytest

from ollamars.errors import BadRequest
from ollamars.prompts.chat import chat_prompt, template_renderer
from ollamars.prompts.generate import GenerateRequest, generate_prompt
from ollamars.prompts.media import Media
from ollamars.prompts.messages import Message
from ollamars.prompts.template import ChatTemplate

TODAY = datetime.date(2025, 3, 1)
TEMPLATE = ChatTemplate.parse("{{ range .Messages }}{{ .Role }}:{{ .Content }} {{ end }}")
RENDER = template_renderer(TEMPLATE, today=TODAY)


def words(text: str) -> int:
    return len(text.split())


def talk(count: int) -> list[Message]:
    return [Message("system", "s"), *(Message("ua"[i % 2], str(i)) for i in range(count))]


def test_the_oldest_messages_go_first_and_system_stays() -> None:
    prompt = chat_prompt(talk(5), RENDER, num_ctx=3, count_tokens=words)
    assert prompt.text == "system:s a:3 u:4 "
    prompt = chat_prompt(talk(5), RENDER, num_ctx=1, count_tokens=words)
    assert prompt.text == "system:s u:4 "
    prompt = chat_prompt(talk(5), RENDER, num_ctx=1, count_tokens=words, truncate=False)
    assert words(prompt.text) == 6
    assert chat_prompt([], RENDER, num_ctx=1, count_tokens=words).text == ""


@pytest.mark.parametrize("size", [63, 64, 65, 66, 100, 1000])
def test_long_conversations(size: int) -> None:
    rendered = 0

    def render(messages: Sequence[Message]) -> str:
        nonlocal rendered
        rendered += 1
        return RENDER(messages)

    prompt = chat_prompt(talk(size), render, num_ctx=11, count_tokens=words)
    assert words(prompt.text) == 11
    assert rendered < 80


def test_media_are_numbered_and_named() -> None:
    messages = [
        Message("user", "a [img] b [img]", images=(b"\x89PNG\r\n\x1a\n",)),
        Message("assistant", "ok"),
        Message("user", "c", images=(b"RIFF1234WAVE", b"?")),
    ]
    prompt = chat_prompt(messages, RENDER, num_ctx=99, count_tokens=words)
    assert prompt.text == "user:a [img-0] b [img] assistant:ok user:[img-1][img-2]c "
    assert [item.kind for item in prompt.media] == ["image", "audio", ""]
    assert [item.id for item in prompt.media] == [0, 1, 2]
    untagged = chat_prompt(messages, RENDER, num_ctx=99, count_tokens=words, tag_media=False)
    assert untagged.text.startswith("user:a [img] b [img] ")
    assert untagged.media == prompt.media


def test_pictures_take_room_in_the_context() -> None:
    messages = [
        Message("user", "a", images=(b"x",)),
        Message("assistant", "b"),
        Message("user", "c"),
    ]
    prompt = chat_prompt(messages, RENDER, num_ctx=768, count_tokens=words, has_projector=True)
    assert prompt.text == "assistant:b user:c "
    assert prompt.media == ()


def test_a_model_that_sees_one_picture() -> None:
    message = Message("user", "a", images=(b"x", b"y"))
    with pytest.raises(BadRequest, match="only supports one image"):
        chat_prompt([message], RENDER, num_ctx=9, count_tokens=words, families=["mllama"])


def generate(request: GenerateRequest) -> tuple[str, tuple[Media, ...]]:
    prompt = generate_prompt(
        request,
        RENDER,
        template=TEMPLATE,
        today=TODAY,
        num_ctx=99,
        count_tokens=words,
        system="model",
        messages=[Message("user", "before")],
    )
    return prompt.text, prompt.media


def test_generate() -> None:
    assert generate(GenerateRequest("hi"))[0] == "system:model user:before\n\nhi "
    assert generate(GenerateRequest("hi", system="mine"))[0].startswith("system:mine ")
    assert generate(GenerateRequest("hi", context="old "))[0] == "old system:model user:hi "
    own = ChatTemplate.parse("<{{ .Prompt }}>{{ .Response }}")
    request = GenerateRequest("hi", template=own, images=(b"x",), context="")
    assert generate(request) == ("<hi>", (Media(0, b"x"),))
    fim = ChatTemplate.parse("{{ .Prompt }}~{{ .Suffix }}")
    assert generate(GenerateRequest("a", suffix="b", template=fim))[0] == "a~b"
