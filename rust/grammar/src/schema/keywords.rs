//! The keywords of JSON schema, and what becomes of each.

/// How a keyword is checked and rewritten.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Keyword {
    /// `type`.
    Type,
    /// One schema.
    Schema,
    /// A list of schemas.
    Schemas,
    /// `anyOf`.
    AnyOf,
    /// `allOf`, to which other keywords add.
    AllOf,
    /// Schemas by name.
    SchemasByName,
    /// Schemas by pattern.
    SchemasByPattern,
    /// `items`: a schema, or a list of schemas in older drafts.
    Items,
    /// `oneOf`: as `anyOf`, if no two of them can hold at once.
    OneOf,
    /// A whole number that is not negative.
    Count,
    /// A number.
    Number,
    /// A bound that is a boolean in draft 4, and then about the keyword named here.
    Exclusive(&'static str),
    /// `multipleOf`.
    MultipleOf,
    /// `pattern`.
    Pattern,
    /// `format`.
    Format,
    /// `required`.
    Required,
    /// `enum`.
    Enum,
    /// `const`.
    Const,
    /// `$ref`.
    Ref,
    /// `uniqueItems`, which nothing counts.
    UniqueItems,
    /// `minProperties`.
    MinProperties,
    /// `propertyNames`.
    PropertyNames,
    /// A keyword that demands something which cannot be had.
    Refused,
}

/// Every keyword that has a say in what is valid; all others are annotations.
const KEYWORDS: &[(&str, Keyword)] = &[
    ("type", Keyword::Type),
    ("properties", Keyword::SchemasByName),
    ("patternProperties", Keyword::SchemasByPattern),
    ("additionalProperties", Keyword::Schema),
    ("propertyNames", Keyword::PropertyNames),
    ("required", Keyword::Required),
    ("minProperties", Keyword::MinProperties),
    ("maxProperties", Keyword::Count),
    ("prefixItems", Keyword::Schemas),
    ("items", Keyword::Items),
    ("minItems", Keyword::Count),
    ("maxItems", Keyword::Count),
    ("uniqueItems", Keyword::UniqueItems),
    ("allOf", Keyword::AllOf),
    ("anyOf", Keyword::AnyOf),
    ("oneOf", Keyword::OneOf),
    ("enum", Keyword::Enum),
    ("const", Keyword::Const),
    ("$ref", Keyword::Ref),
    ("minLength", Keyword::Count),
    ("maxLength", Keyword::Count),
    ("pattern", Keyword::Pattern),
    ("format", Keyword::Format),
    ("minimum", Keyword::Number),
    ("maximum", Keyword::Number),
    ("exclusiveMinimum", Keyword::Exclusive("minimum")),
    ("exclusiveMaximum", Keyword::Exclusive("maximum")),
    ("multipleOf", Keyword::MultipleOf),
    ("not", Keyword::Refused),
    ("if", Keyword::Refused),
    ("contains", Keyword::Refused),
    ("dependencies", Keyword::Refused),
    ("dependentRequired", Keyword::Refused),
    ("dependentSchemas", Keyword::Refused),
    ("unevaluatedItems", Keyword::Refused),
    ("unevaluatedProperties", Keyword::Refused),
    ("$dynamicRef", Keyword::Refused),
    ("$recursiveRef", Keyword::Refused),
];

/// What becomes of a keyword; None: it says nothing about what is valid.
pub(super) fn keyword(name: &str) -> Option<Keyword> {
    let row = KEYWORDS.iter().find(|(known, _)| *known == name);
    row.map(|(_, keyword)| *keyword)
}

/// The names of types.
pub(super) const TYPES: &[&str] = &[
    "null", "boolean", "integer", "number", "string", "array", "object",
];
