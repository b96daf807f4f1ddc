//! Writing a grammar in Lark.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt::Write as _;

use llguidance::derivre::{RegexAst, RegexBuilder};

use super::{Node, Rules};

/// Bytes of the longest regular expression that a part may become.
const LONGEST_REGEX: usize = 1 << 16;
/// Work that the comparison of two parts may take.
const FUEL: u64 = 5_000;
/// Lexemes that are taken back; then each is one character.
const MOST_ROUNDS: usize = 50;
const ANYTHING: &str = "(?s:.)";

/// The grammar; its rule `start` is the first one.
pub(super) fn write(rules: &Rules) -> Result<String, String> {
    let regexes = regexes(rules);
    if let Some(Some(regex)) = regexes.first() {
        return Ok(format!("start: /{regex}/\n"));
    }
    let mut refused = HashSet::new();
    let mut compared = HashMap::new();
    for _ in 0..MOST_ROUNDS {
        let (text, lexemes) = written(rules, &regexes, Some(&refused));
        match hidden(&lexemes, &mut compared) {
            None => return Ok(text),
            Some(lexeme) => refused.insert(lexeme),
        };
    }
    Ok(written(rules, &regexes, None).0)
}

/// The rules that are used, and their lexemes. `refused` must not be lexemes as a whole; None:
/// every lexeme is a character.
fn written(
    rules: &Rules,
    regexes: &[Option<String>],
    refused: Option<&HashSet<String>>,
) -> (String, BTreeMap<String, bool>) {
    let mut writer = Writer {
        rules,
        regexes,
        refused,
        lexemes: BTreeMap::new(),
    };
    (writer.write(), writer.lexemes)
}

/// The longest of the lexemes that may begin with another one: the longest match would never take
/// that one. Refusing it changes what others there are, so that they are looked at anew.
fn hidden(
    lexemes: &BTreeMap<String, bool>,
    compared: &mut HashMap<(String, String), bool>,
) -> Option<String> {
    let mut hides = |other: &String, long: &String| {
        let pair = (other.clone(), long.clone());
        *compared.entry(pair).or_insert_with(|| begins(other, long))
    };
    let long = lexemes.iter().filter(|(_, long)| **long);
    let found = long.filter(|(long, _)| lexemes.keys().any(|other| hides(other, long)));
    found.map(|(long, _)| long.clone()).max_by_key(String::len)
}

/// The regular expression of each rule that has one: that is not recursive, and not too large.
fn regexes(rules: &Rules) -> Vec<Option<String>> {
    let mut found: Vec<Option<String>> = vec![None; rules.bodies.len()];
    // Each round finds those that need only what was found before.
    loop {
        let mut changed = false;
        for (rule, body) in rules.bodies.iter().enumerate() {
            if found.get(rule) == Some(&None)
                && let Some(regex) = regex(body, &found)
                && let Some(place) = found.get_mut(rule)
            {
                *place = Some(regex);
                changed = true;
            }
        }
        if !changed {
            return found;
        }
    }
}

fn regex(node: &Node, rules: &[Option<String>]) -> Option<String> {
    let joined = |nodes: &[Node], with: &str| {
        let parts: Option<Vec<String>> = nodes.iter().map(|node| regex(node, rules)).collect();
        parts.map(|parts| parts.join(with))
    };
    let text = match node {
        Node::Character(class) => class.clone(),
        Node::Rule(rule) => rules.get(*rule)?.clone()?,
        Node::Sequence(nodes) => format!("(?:{})", joined(nodes, "")?),
        Node::Choice(nodes) => format!("(?:{})", joined(nodes, "|")?),
        Node::Repeat(node, least, most) => {
            format!("(?:{}){}", regex(node, rules)?, times(*least, *most))
        }
    };
    (text.len() <= LONGEST_REGEX).then_some(text)
}

fn times(least: u32, most: Option<u32>) -> String {
    match (least, most) {
        (0, None) => "*".to_owned(),
        (1, None) => "+".to_owned(),
        (0, Some(1)) => "?".to_owned(),
        (least, None) => format!("{{{least},}}"),
        (least, Some(most)) => format!("{{{least},{most}}}"),
    }
}

/// Whether no text of the expression is the start of another one, and none is empty.
fn ends_by_itself(regex: &str) -> bool {
    let empty = RegexAst::And(vec![of(regex), RegexAst::EmptyString]);
    !begins(regex, regex) && is_empty(empty)
}

/// Whether a text of `b` may begin with a text of `a` and go on.
fn begins(a: &str, b: &str) -> bool {
    let more = RegexAst::Regex(format!("{ANYTHING}+"));
    let longer = RegexAst::Concat(vec![of(a), more]);
    !is_empty(RegexAst::And(vec![longer, of(b)]))
}

fn of(regex: &str) -> RegexAst {
    RegexAst::Regex(regex.to_owned())
}

/// Whether it is certain that an expression matches nothing.
fn is_empty(ast: RegexAst) -> bool {
    let mut builder = RegexBuilder::new();
    let Ok(expression) = builder.mk(&ast) else {
        return false;
    };
    let regex = builder.to_regex_limited(expression, FUEL);
    regex.is_ok_and(|mut regex| regex.always_empty())
}

struct Writer<'a> {
    rules: &'a Rules,
    regexes: &'a [Option<String>],
    /// What must not be a lexeme as a whole; None: nothing may.
    refused: Option<&'a HashSet<String>>,
    /// The lexemes that were written, and whether they are longer than a character.
    lexemes: BTreeMap<String, bool>,
}

impl Writer<'_> {
    /// Writes the rules that are used.
    fn write(&mut self) -> String {
        let mut out = String::from("start: r0\n");
        let (mut waiting, mut seen) = (vec![0], HashSet::from([0]));
        while let Some(rule) = waiting.pop() {
            let Some(body) = self.rules.bodies.get(rule) else {
                continue;
            };
            let mut used = Vec::new();
            let text = self.node(body, &mut used);
            // Writing to a string does not fail.
            let _ = writeln!(out, "r{rule}: {text}");
            waiting.extend(used.into_iter().filter(|&rule| seen.insert(rule)));
        }
        out
    }

    fn node(&mut self, node: &Node, used: &mut Vec<usize>) -> String {
        match node {
            Node::Character(class) => self.lexeme(class.clone(), false),
            Node::Rule(rule) => {
                used.push(*rule);
                format!("r{rule}")
            }
            Node::Choice(nodes) => {
                let options: Vec<String> = nodes.iter().map(|node| self.node(node, used)).collect();
                format!("({})", options.join(" | "))
            }
            Node::Repeat(node, least, most) => {
                format!("({}){}", self.node(node, used), times(*least, *most))
            }
            Node::Sequence(nodes) => self.sequence(nodes, used),
        }
    }

    fn sequence(&mut self, nodes: &[Node], used: &mut Vec<usize>) -> String {
        let mut items = Vec::new();
        let mut rest = nodes;
        while let Some((first, after)) = rest.split_first() {
            if let Some((regex, size)) = self.longest_run(rest) {
                items.push(self.lexeme(regex, true));
                rest = rest.get(size..).unwrap_or_default();
            } else {
                items.push(self.node(first, used));
                rest = after;
            }
        }
        match items.is_empty() {
            true => "\"\"".to_owned(),
            false => items.join(" "),
        }
    }

    fn lexeme(&mut self, regex: String, long: bool) -> String {
        let text = format!("/{regex}/");
        self.lexemes.insert(regex, long);
        text
    }

    /// The longest start of a sequence, of two items or more, that ends by itself: its expression
    /// and how many items it has.
    fn longest_run(&self, nodes: &[Node]) -> Option<(String, usize)> {
        let refused = self.refused?;
        let mut text = String::new();
        let mut longest = None;
        for (index, node) in nodes.iter().enumerate() {
            let Some(next) = regex(node, self.regexes) else {
                break;
            };
            text.push_str(&next);
            if text.len() > LONGEST_REGEX {
                break;
            }
            // Only one character is a clear end.
            let ends = index > 0 && matches!(node, Node::Character(_));
            if ends && !refused.contains(&text) && ends_by_itself(&text) {
                longest = Some((text.clone(), index + 1));
            }
        }
        longest
    }
}

#[cfg(test)]
mod tests {
    use super::super::parse::parse;
    use super::*;

    fn lark(text: &str) -> String {
        write(&parse(text).expect("a grammar")).expect("a grammar in Lark")
    }

    #[test]
    fn without_recursion_it_is_one_expression() {
        assert_eq!(
            lark("root ::= \"a\" x?\nx ::= [^b-d] | .{2,3}"),
            "start: /(?:[\\x{61}](?:(?:[^\\x{62}-\\x{64}]|(?:(?s:.)){2,3}))?)/\n"
        );
    }

    #[test]
    fn what_ends_by_itself_is_a_lexeme() {
        // Keys and strings are alike, and a comma stands alone, too.
        let text = lark(
            "root ::= \"{\" m (\",\" m)* \"}\" | s | \"[\" root (\",\" root)* \"]\"\n\
             m ::= \"'\" [a-z]* \"'\" \":\" root\ns ::= \"'\" [^']* \"'\"",
        );
        assert!(
            text.contains("/[\\x{27}](?:[\\x{61}-\\x{7a}])*[\\x{27}]/ /[\\x{3a}]/"),
            "{text}"
        );
        let text = lark("root ::= \"(\" root \")\" | \"'\" [^']* \"'\" \" \"*");
        assert!(
            text.contains("/[\\x{27}](?:[^\\x{27}])*[\\x{27}]/ (/[\\x{20}]/)*"),
            "{text}"
        );
        // The quote alone is a lexeme, too: both begin alike.
        let text = lark("root ::= \"(\" root \")\" | \"'\" [^']* \"'\" | \"'\"");
        assert!(
            text.contains("/[\\x{27}]/ (/[^\\x{27}]/)* /[\\x{27}]/"),
            "{text}"
        );
    }
}
