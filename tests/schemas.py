"""JSON schemas for tests, drawn from a seed: all supported keywords, nested and combined."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

Json = dict[str, Any]

OLD = "http://json-schema.org/draft-07/schema#"
NEW = "https://json-schema.org/draft/2020-12/schema"
NAMES = ["name", "age", "tags", "größe", "a b", 'qu"ote', "x-1", "id", "kind", "items"]
WORDS = ["red", "green", "", "ä ö", "🙂", 'say "hi"', "back\\slash", "line\nend", "0", "null"]
PATTERNS = [
    "^[a-z]{2,4}$",
    "^[A-Z][a-z]+( [A-Z][a-z]+)?$",
    r"^\d{3}-\d{4}$",
    "ab",
    "^x",
    "^(?:yes|no|may.be)$",
    r"^\S+@\S+\.[a-z]{2,3}$",
    r"^[^\W\d]\w{0,5}$",
    "^[[&~]*$",
    "^(/[a-z]+)+$",
]
FORMATS = [
    "date",
    "time",
    "date-time",
    "duration",
    "email",
    "idn-email",
    "hostname",
    "idn-hostname",
    "ipv4",
    "ipv6",
    "uri",
    "uri-reference",
    "iri",
    "uuid",
    "json-pointer",
    "relative-json-pointer",
    "regex",
    "uri-template",
    "no-such-format",
]
KEY_PATTERNS = ["^x-", "^[0-9]+$", "_id$"]


class Schemas:
    """Draws schemas. `$defs` collects what they refer to."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self._defs: Json = {}

    def draw(self) -> Json:
        """A whole schema."""
        self._defs = {}
        self._old = self._chance(0.1)
        schema = self._schema(3)
        if self._defs:
            schema["$defs"] = self._defs
        if self._old or self._chance(0.2):
            schema |= {"$schema": OLD if self._old else NEW, "title": "T"}
        return schema

    def _chance(self, share: float) -> bool:
        return self._random.random() < share

    def _schema(self, depth: int) -> Json:
        flat: list[Callable[[int], Json]] = [
            self._string,
            self._integer,
            self._number,
            self._enum,
            self._const,
            self._types,
        ]
        deep = [self._object, self._object, self._array, self._any_of, self._one_of, self._ref]
        more = [self._all_of, self._map, self._tuple, self._tagged, self._list]
        kinds = flat if depth == 0 else [*flat, *deep, *deep, *more]
        schema = self._random.choice(kinds)(depth - 1)
        if self._chance(0.1):
            schema["description"] = "what it is"
        return schema

    def _string(self, _: int) -> Json:
        schema: Json = {"type": "string"}
        kind = self._random.randrange(5)
        if kind == 0:
            least = self._random.randrange(4)
            schema |= {"minLength": least, "maxLength": least + self._random.randrange(6)}
        elif kind == 1:
            schema["pattern"] = self._random.choice(PATTERNS)
        elif kind == 2:
            schema["format"] = self._random.choice(FORMATS)
        elif kind == 3:
            schema["maxLength"] = self._random.randrange(1, 30)
        return schema

    def _range(self, scale: float, step: float) -> Json:
        low = round(self._random.uniform(-scale, scale) / step) * step
        high = low + round(self._random.uniform(2, scale)) * step
        lower = self._random.choice(["minimum", "exclusiveMinimum", ""])
        upper = self._random.choice(["maximum", "exclusiveMaximum", ""])
        return {name: bound for name, bound in ((lower, low), (upper, high)) if name}

    def _integer(self, _: int) -> Json:
        schema = {"type": "integer", **self._range(10 ** self._random.randrange(1, 7), 1)}
        if self._chance(0.3):
            schema["multipleOf"] = self._random.choice([2, 3, 5, 7])
            schema.pop("exclusiveMaximum", None)
        return schema

    def _number(self, _: int) -> Json:
        schema = {"type": "number", **self._range(100, self._random.choice([1, 0.5, 0.25]))}
        if self._chance(0.2):
            return {"type": "number", "multipleOf": self._random.choice([0.5, 0.25, 2])}
        return schema

    def _value(self, depth: int) -> Any:
        kind = self._random.randrange(7 if depth else 5)
        if kind == 5:
            return [self._value(depth - 1) for _ in range(self._random.randrange(3))]
        if kind == 6:
            names = self._random.sample(NAMES, self._random.randrange(3))
            return {name: self._value(depth - 1) for name in names}
        words = self._random.choice(WORDS)
        return [None, self._chance(0.5), self._random.randrange(-50, 50), 1.5, words][kind]

    def _enum(self, _: int) -> Json:
        return {"enum": [self._value(1) for _ in range(self._random.randrange(1, 5))]}

    def _const(self, _: int) -> Json:
        return {"const": self._value(2)}

    def _types(self, _: int) -> Json:
        types = ["null", "boolean", "integer", "number", "string"]
        chosen = self._random.sample(types, self._random.randrange(1, 4))
        return {"type": chosen[0] if len(chosen) == 1 else chosen, "maxLength": 9, "minimum": 3}

    def _object(self, depth: int) -> Json:
        names = self._random.sample(NAMES, self._random.randrange(1, 5))
        schema: Json = {
            "type": "object",
            "properties": {name: self._schema(depth) for name in names},
            "required": [name for name in names if self._chance(0.6)],
        }
        if self._chance(0.1):
            schema["required"].append("other")
        rest = self._random.randrange(4)
        if rest == 0:
            schema["additionalProperties"] = False
        elif rest == 1:
            schema["additionalProperties"] = self._schema(0)
        return schema

    def _array(self, depth: int) -> Json:
        schema: Json = {"type": "array", "items": self._schema(depth)}
        if self._chance(0.5):
            schema["minItems"] = self._random.randrange(3)
        if self._chance(0.5):
            schema["maxItems"] = schema.get("minItems", 0) + self._random.randrange(4)
        return schema

    def _tuple(self, depth: int) -> Json:
        parts = [self._schema(depth) for _ in range(self._random.randrange(1, 4))]
        if self._old:
            return {"type": "array", "items": parts, "additionalItems": False}
        rest: Any = False if self._chance(0.5) else self._schema(0)
        least = self._random.randrange(len(parts) + 1)
        return {"type": "array", "prefixItems": parts, "items": rest, "minItems": least}

    def _map(self, _: int) -> Json:
        """An object whose names are not known."""
        kind = self._random.randrange(4)
        if kind == 0:
            return {"type": "object", "additionalProperties": self._schema(0), "maxProperties": 3}
        if kind == 1:
            patterns = self._random.sample(KEY_PATTERNS[:2], self._random.randrange(1, 3))
            schemas = {pattern: self._schema(0) for pattern in patterns}
            return {"type": "object", "patternProperties": schemas, "additionalProperties": False}
        if kind == 2:
            return {"type": "object", "propertyNames": {"pattern": KEY_PATTERNS[2]}}
        return {"type": "object", "minProperties": 1, "additionalProperties": self._schema(0)}

    def _any_of(self, depth: int) -> Json:
        return {"anyOf": [self._schema(depth) for _ in range(self._random.randrange(1, 4))]}

    def _one_of(self, depth: int) -> Json:
        return {"oneOf": [self._string(0), self._integer(0), {"type": "null"}, self._array(depth)]}

    def _tagged(self, depth: int) -> Json:
        """A union of objects that a constant tells apart."""
        options = []
        for kind in self._random.sample(["cat", "dog", "bird"], 2):
            option = self._object(depth)
            option["properties"]["kind"] = {"const": kind}
            option["required"] = [*{*option["required"], "kind"}]
            options.append(option)
        return {"oneOf": options}

    def _all_of(self, depth: int) -> Json:
        first, second = self._object(depth), self._object(depth)
        for each in (first, second):
            each.pop("additionalProperties", None)
        for name in {*first["properties"]} & {*second["properties"]}:
            del second["properties"][name]
        return {"allOf": [first, second]}

    def _ref(self, depth: int) -> Json:
        name = f"d{len(self._defs)}"
        self._defs[name] = {}
        self._defs[name] = self._schema(depth)
        return {"$ref": f"#/$defs/{name}"}

    def _list(self, depth: int) -> Json:
        """A definition that refers to itself."""
        name = f"d{len(self._defs)}"
        self._defs[name] = {}
        self._defs[name] = {
            "type": "object",
            "properties": {"value": self._schema(depth), "next": {"$ref": f"#/$defs/{name}"}},
            "required": ["value"],
            "additionalProperties": False,
        }
        return {"$ref": f"#/$defs/{name}"}
