"""`POST /api/create`: make a model from uploaded files or from a stored model."""

from __future__ import annotations

import base64
import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import trio
from quart import Blueprint, Response

from ollamars.described import CREATE_HOOKS
from ollamars.errors import BadRequest, OllamarsError
from ollamars.registry.progress import Emit, Event, status
from ollamars.server.asgi import current_request
from ollamars.server.body import named, read_body
from ollamars.server.context import Context, current_context
from ollamars.server.dialects.ollama.chat import ChatMessage
from ollamars.server.dialects.ollama.legacy_create import legacy_fields
from ollamars.server.responses import PLAIN_JSON, error_response, json_response, ndjson_line
from ollamars.server.streaming import produce, stream_lines
from ollamars.server.threads import in_long_thread, in_thread
from ollamars.store import create as store_create
from ollamars.store.names import Name

blueprint = Blueprint("create", __name__)


@dataclass(frozen=True, slots=True)
class CreateRequest:
    """The body; `name` and `quantization` are old names of `model` and `quantize`.

    For `modelfile` and `path` see `legacy_create`; they count where neither `from` nor `files` is.
    """

    model: str = ""
    stream: bool | None = None
    quantize: str = ""
    draft_quantize: str = ""
    from_: str = named("from", default="")
    remote_host: str = ""
    files: dict[str, str] | None = None
    draft_files: dict[str, str] | None = None
    adapters: dict[str, str] | None = None
    template: str = ""
    license: Any = None
    system: str = ""
    parameters: dict[str, Any] | None = None
    messages: list[ChatMessage] = field(default_factory=list)
    renderer: str = ""
    parser: str = ""
    requires: str = ""
    info: dict[str, Any] | None = None
    name: str = ""
    quantization: str = ""
    modelfile: Any = None
    path: Any = None


@blueprint.route("/api/create", methods=["POST"])
async def create() -> Response:
    """Progress as a stream, or with `stream: false` its last line."""
    request = await read_body(CreateRequest)
    _check(request)
    name = Name.parse(request.model or request.name)
    if not name.is_valid:
        raise BadRequest("invalid model name")
    context = current_context()
    name = await in_thread(context.store.resolve, name)
    request = await _modern(context, request)
    if request.stream is False:
        return await _create_whole(context, name, request)

    async def work(emit: Emit) -> None:
        await _run(context, name, request, emit)

    lines = produce(context.nursery, current_request().on_end, work)
    return await stream_lines(lines, ndjson_line)


async def _modern(context: Context, request: CreateRequest) -> CreateRequest:
    """The request with what its Modelfile says, where it has the older form."""
    if request.from_ or request.files is not None:
        return request
    fields = await in_long_thread(
        legacy_fields,
        request.modelfile,
        request.path,
        context.store.blobs,
        paths=context.loopback,
    )
    if fields is None:
        return request
    messages = [ChatMessage(**message) for message in fields.pop("messages", [])]
    return dataclasses.replace(request, **fields, messages=messages)


async def _create_whole(context: Context, name: Name, request: CreateRequest) -> Response:
    try:
        await _run(context, name, request, lambda _event: None)
    except OllamarsError as error:
        return error_response(error.message, error.status, content_type=PLAIN_JSON)
    return json_response({"status": "success"}, content_type=PLAIN_JSON)


async def _run(context: Context, name: Name, request: CreateRequest, emit: Emit) -> None:
    """Create in a thread; at each status line it looks whether the client has left."""

    def tell(text: str) -> None:
        trio.from_thread.check_cancelled()
        trio.from_thread.run_sync(emit, status(text))

    def pull(base: Name) -> None:
        trio.from_thread.run(_pull, context, base, emit)

    await in_long_thread(
        store_create.create_model,
        context.store,
        name,
        _store_request(request),
        dataclasses.replace(CREATE_HOOKS, pull=pull),
        tell,
        keep_unused=context.config.no_prune,
    )


async def _pull(context: Context, base: Name, emit: Emit) -> None:
    """Bring the model that another is made from; its `success` is not that of the whole."""

    def tell(event: Event) -> None:
        if event != status("success"):
            emit(event)

    transfers = await context.transfers.get()
    await transfers.pull(base, insecure=False, emit=tell)


def _store_request(request: CreateRequest) -> store_create.CreateRequest:
    fields = {each.name for each in dataclasses.fields(store_create.CreateRequest)}
    values = {key: getattr(request, key) for key in fields}
    values["quantize"] = request.quantize or request.quantization
    values["messages"] = [_message(message) for message in request.messages]
    return store_create.CreateRequest(**values)


def _message(message: ChatMessage) -> dict[str, Any]:
    """A message as it is stored: images in base64."""
    stored = dataclasses.asdict(message)
    stored["images"] = [base64.b64encode(image).decode() for image in message.images or ()]
    return stored


def _check(request: CreateRequest) -> None:
    """What is refused before the progress begins. Raises `BadRequest`."""
    for files in (request.files, request.draft_files):
        _check_files(files or {})
    if request.draft_quantize and not request.draft_files:
        raise BadRequest("--draft-quantize requires a DRAFT model")
    if not all((request.adapters or {}).values()):
        raise BadRequest("invalid digest format")


def _check_files(files: Mapping[str, str]) -> None:
    for path, digest in files.items():
        if not _is_relative(path):
            raise BadRequest("file path must be relative")
        if not digest:
            raise BadRequest("invalid digest format")


def _is_relative(path: str) -> bool:
    """Is a path clean and inside its folder?"""
    return path == "." or all(part not in ("", ".", "..") for part in path.split("/"))
