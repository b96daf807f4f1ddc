"""Tools, and the same call as each family writes it."""

from __future__ import annotations

from ollamars.prompts.messages import tools_from_json

TOOLS = tools_from_json(
    [
        {
            "type": "function",
            "function": {
                "name": "get_tide",
                "parameters": {
                    "type": "object",
                    "required": ["port"],
                    "properties": {"port": {"type": "string"}, "day": {"type": "integer"}},
                },
            },
        }
    ]
)
assert TOOLS is not None

_XML = (
    "<tool_call>\n<function=get_tide>\n<parameter=port>\nBrest\n</parameter>\n"
    "<parameter=day>\n2\n</parameter>\n</function>\n</tool_call>"
)
_JSON = '<tool_call>\n{"name": "get_tide", "arguments": {"port": "Brest", "day": 2}}\n</tool_call>'
_PAIRS = (
    "<tool_call>get_tide<arg_key>port</arg_key><arg_value>Brest</arg_value>"
    "<arg_key>day</arg_key><arg_value>2</arg_value></tool_call>"
)
_GEMMA4 = '<|tool_call>call:get_tide{port:<|"|>Brest<|"|>,day:2}<tool_call|>'
_LFM2 = '<|tool_call_start|>[get_tide(port="Brest", day=2)]<|tool_call_end|>'
_BLOCK = "<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>{}<｜tool▁call▁end｜><｜tool▁calls▁end｜>"

CALLS = {
    "qwen3": _JSON,
    "qwen3-thinking": _JSON,
    "qwen3.5": _XML,
    "ornith": _XML,
    "qwen3-coder": _XML,
    "qwen3-vl-instruct": _JSON,
    "qwen3-vl-thinking": _JSON,
    "ministral": '[TOOL_CALLS]get_tide[ARGS]{"port": "Brest", "day": 2}',
    "harmony": (
        "<|channel|>commentary to=functions.get_tide <|constrain|>json<|message|>"
        '{"port": "Brest", "day": 2}'
    ),
    "cogito": _BLOCK.format(
        'function<｜tool▁sep｜>get_tide\n```json\n{"port": "Brest", "day": 2}\n```'
    ),
    "deepseek3": _BLOCK.format('get_tide<｜tool▁sep｜>{"port": "Brest", "day": 2}'),
    "olmo3": '<function_calls>get_tide(port="Brest", day=2)</function_calls>',
    "nemotron-3-nano": _XML,
    "nemotron-3.5-nano": _XML,
    "functiongemma": (
        "<start_function_call>call:get_tide{port:<escape>Brest<escape>,day:2}<end_function_call>"
    ),
    "glm-4.7": _PAIRS,
    "glm-ocr": _PAIRS,
    "gemma4": _GEMMA4,
    "gemma4-no-thinking": _GEMMA4,
    "lfm2": _LFM2,
    "lfm2-thinking": _LFM2,
    "laguna": _PAIRS,
    "poolside-v1": _PAIRS,
    "cohere": (
        '<|START_ACTION|>[\n    {"tool_call_id": "0", "tool_name": "get_tide", '
        '"parameters": {"port": "Brest", "day": 2}}\n]<|END_ACTION|>'
    ),
    "glimmer": (
        ' to=get_tide<|message|><atem:function_calls>\n<atem:invoke name="get_tide">\n'
        '<atem:parameter name="port">Brest</atem:parameter>\n'
        '<atem:parameter name="day">2</atem:parameter>\n</atem:invoke>\n'
        "</atem:function_calls><|eot|>"
    ),
}
"""`get_tide(port="Brest", day=2)` by parser."""

EXTRA_TAGS = {
    "cohere": ("<|END_OF_TURN_TOKEN|>",),
    "functiongemma": ("<escape>",),
    "glimmer": ("assistant", " to=self", " to=user"),
    "harmony": ("analysis", "final", "assistant", "functions.get_tide", " to="),
}
"""Further words that mean something to a family."""
