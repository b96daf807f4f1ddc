"""The application: routes, checks and error answers around one `Context`."""

from __future__ import annotations

import importlib
import pkgutil
from types import ModuleType

from quart import Blueprint, Response

from ollamars.durations import SECOND
from ollamars.errors import OllamarsError
from ollamars.server.compat import Checks
from ollamars.server.context import EXTENSION, Context
from ollamars.server.dialects import anthropic, jina, ollama, openai
from ollamars.server.failures import answer_failures
from ollamars.server.responses import error_response
from ollamars.server.serving import App

DIALECTS: tuple[ModuleType, ...] = (ollama, openai, anthropic, jina)
"""Packages whose modules hold the routes: one file a route, named after it, with a `blueprint`."""


def create_app(context: Context) -> App:
    """The application of a server."""
    app = App("ollamars", read_timeout=context.config.read_timeout / SECOND)
    app.extensions[EXTENSION] = context
    Checks(app, context.config.origins, loopback=context.loopback).install()
    for dialect in DIALECTS:
        for blueprint in blueprints(dialect):
            app.register_blueprint(blueprint)
    answer_failures(app, _answer)
    return app


def blueprints(dialect: ModuleType) -> list[Blueprint]:
    """The blueprints of all modules of a dialect that have one."""
    names = sorted(module.name for module in pkgutil.iter_modules(dialect.__path__))
    modules = [importlib.import_module(f"{dialect.__name__}.{name}") for name in names]
    return [module.blueprint for module in modules if hasattr(module, "blueprint")]


def _answer(error: OllamarsError) -> Response:
    return error_response(error.message, error.status)
