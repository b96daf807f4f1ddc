"""`POST /v1/audio/transcriptions`: what is said in a recording."""

from __future__ import annotations

from dataclasses import dataclass

from quart import Response

from ollamars.prompts.messages import Message
from ollamars.server.asgi import current_request
from ollamars.server.calls import ChatCall, Rendered, pieces_of
from ollamars.server.chat import start_chat
from ollamars.server.context import current_context
from ollamars.server.dialects.openai.errors import Untranslatable, v1_blueprint
from ollamars.server.inference import whole_answer
from ollamars.server.responses import PLAIN_JSON, json_response, respond

blueprint = v1_blueprint("transcriptions", __name__)


@dataclass(frozen=True, slots=True)
class TranscriptionRequest:
    """The form; other fields have no effect."""

    model: str
    audio: bytes
    response_format: str = ""
    language: str = ""
    prompt: str = ""
    """What the recording is about."""


def chat_call(request: TranscriptionRequest) -> ChatCall:
    """The conversation that makes a model write down what it hears."""
    task = ["Write down every word that is spoken in the recording, and nothing else."]
    task.append("A question in it is to be written down, not answered.")
    if request.language:
        task.append(f"The language is {request.language}.")
    if request.prompt:
        task.append(f"About the recording: {request.prompt}")
    messages = [
        Message("system", " ".join(task)),
        Message("user", "Which words are spoken?", images=(request.audio,)),
    ]
    return ChatCall(model=request.model, messages=messages, options={"temperature": 0})


async def _read_form() -> TranscriptionRequest:
    """The form of the current request. Raises `Untranslatable`, and werkzeug's 413 and 408."""
    request = current_request()
    request.body.limit = current_context().config.max_body
    if request.mimetype != "multipart/form-data":
        raise Untranslatable(
            "failed to parse multipart form: request Content-Type isn't multipart/form-data"
        )
    form, files = await request.form, await request.files
    if not form.get("model"):
        raise Untranslatable("model is required")
    if "file" not in files:
        raise Untranslatable("file is required: http: no such file")
    audio = files["file"].read()
    if not audio:
        raise Untranslatable("audio file is empty")
    texts = {name: form.get(name, "") for name in ("response_format", "language", "prompt")}
    return TranscriptionRequest(form["model"], audio, **texts)


@blueprint.route("/v1/audio/transcriptions", methods=["POST"])
async def transcriptions() -> Response:
    """An object with the text; with `response_format` `text` the text alone."""
    request = await _read_form()
    call = chat_call(request)
    outcome = await start_chat(current_context(), call, current_request().on_end)
    assert not isinstance(outcome, Rendered)  # the prompt was not asked for
    answer = await whole_answer(pieces_of(outcome))
    text = answer.parts.content.strip()
    if request.response_format == "text":
        return respond(text, content_type="text/plain")
    return json_response({"text": text}, content_type=PLAIN_JSON)
