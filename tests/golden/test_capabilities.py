"""Capabilities and the choice of templates as recorded from Ollama v0.33."""

from __future__ import annotations

from typing import Any

from ollamars.config import parse_bool
from ollamars.prompts.capabilities import (
    ModelFacts,
    capabilities,
    chat_template_capabilities,
    chat_template_has_tool_round_trip,
    missing_capabilities,
    prompt_choice,
)
from ollamars.prompts.template import ChatTemplate
from tests.unit.prompts.recorded import check


def facts_of(given: dict[str, Any]) -> ModelFacts:
    config, text, setting = given["config"], given["template"], given["go_template_env"]
    return ModelFacts(
        name=given["name"],
        format=config["model_format"],
        family=config["model_family"],
        renderer=config.get("renderer", ""),
        parser=config.get("parser", ""),
        capabilities=config.get("capabilities") or (),
        template=None if text is None else ChatTemplate.parse(text),
        gguf=given["gguf"],
        projector=given["projector"],
        go_template=parse_bool(setting) if setting else None,
    )


def run_capabilities(given: dict[str, Any]) -> dict[str, Any]:
    facts = facts_of(given)
    choice = prompt_choice(facts)
    found: dict[str, Any] = {
        "capabilities": capabilities(facts),
        "chat_mode": choice.mode,
        "template_source": choice.source,
        "prefer_chat_template": choice.prefers_chat_template,
    }
    if "want" in given:
        found["check"] = missing_capabilities(facts, given["want"])
    return found


def run_chat_template(given: dict[str, Any]) -> dict[str, Any]:
    text = given["chat_template"]
    return {
        "capabilities": chat_template_capabilities(text),
        "tool_round_trip": chat_template_has_tool_round_trip(text),
    }


def test_every_recorded_model() -> None:
    check(
        "capabilities",
        {"capabilities": run_capabilities, "chat_template_caps": run_chat_template},
    )
