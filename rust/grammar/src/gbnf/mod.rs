//! llama.cpp's GBNF, as a grammar in Lark.
//!
//! A grammar without recursion becomes one regular expression. In any other each lexeme is one
//! character, so that the longest match, by which `llguidance` tells lexemes apart, never decides
//! anything; parts that end by themselves, as a string in quotes does, become lexemes as a whole,
//! which is much faster.

mod lark;
mod parse;

use crate::{Error, Result};

/// The Lark grammar that allows the same texts.
///
/// # Errors
/// [`Error::Grammar`]: no rule `root`, a rule that is not defined, or a line that cannot be read.
pub(crate) fn to_lark(text: &str) -> Result<String> {
    let made = parse::parse(text).and_then(|rules| lark::write(&rules));
    made.map_err(|why| Error::Grammar { kind: "gbnf", why })
}

/// An expression of a grammar.
#[derive(Debug, Clone, PartialEq)]
enum Node {
    /// One character, as a class in the syntax of `regex`.
    Character(String),
    /// A rule, by its index.
    Rule(usize),
    /// One behind the other; none: the empty text.
    Sequence(Vec<Node>),
    /// One of them.
    Choice(Vec<Node>),
    /// So many times at least, and at most.
    Repeat(Box<Node>, u32, Option<u32>),
}

/// The rules of a grammar; the first one is `root`.
#[derive(Debug, PartialEq)]
struct Rules {
    bodies: Vec<Node>,
}
