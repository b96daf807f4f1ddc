//! Reading GBNF.

use std::collections::HashMap;

use super::{Node, Rules};

/// Groups within groups.
const DEEPEST: usize = 24;
/// Times that something may be repeated, as in llama.cpp.
const MOST_TIMES: u32 = 2000;

type Read<T> = Result<T, String>;

/// Reads a whole grammar. The error names the line.
pub(super) fn parse(text: &str) -> Read<Rules> {
    let mut parser = Parser {
        rest: text,
        text,
        names: vec!["root".to_owned()],
        numbers: HashMap::from([("root".to_owned(), 0)]),
        depth: 0,
    };
    let mut bodies: HashMap<usize, Node> = HashMap::new();
    parser.space(true);
    while !parser.rest.is_empty() {
        let (rule, body) = parser.rule().map_err(|why| parser.here(&why))?;
        bodies.insert(rule, body);
        parser.space(true);
    }
    let names = parser.names.iter().enumerate();
    let all = names.map(|(rule, name)| {
        let body = bodies.remove(&rule);
        body.ok_or_else(|| format!("there is no rule {name:?}"))
    });
    let bodies = all.collect::<Read<Vec<Node>>>()?;
    Ok(Rules { bodies })
}

struct Parser<'a> {
    text: &'a str,
    rest: &'a str,
    names: Vec<String>,
    numbers: HashMap<String, usize>,
    depth: usize,
}

impl Parser<'_> {
    fn here(&self, why: &str) -> String {
        let read = self.text.len() - self.rest.len();
        let before = self.text.get(..read).unwrap_or_default();
        format!("line {}: {why}", before.matches('\n').count() + 1)
    }

    fn peek(&self) -> Option<char> {
        self.rest.chars().next()
    }

    fn next(&mut self) -> Option<char> {
        let mut characters = self.rest.chars();
        let next = characters.next();
        self.rest = characters.as_str();
        next
    }

    /// Takes `token` if it comes next.
    fn take(&mut self, token: &str) -> bool {
        let rest = self.rest.strip_prefix(token);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    /// Skips white space and comments; line ends, too, where a rule cannot end.
    fn space(&mut self, lines: bool) {
        loop {
            let blank = |c: char| c == ' ' || c == '\t' || (lines && (c == '\n' || c == '\r'));
            self.rest = self.rest.trim_start_matches(blank);
            if !self.rest.starts_with('#') {
                return;
            }
            let end = self.rest.find(['\n', '\r']).unwrap_or(self.rest.len());
            self.rest = self.rest.get(end..).unwrap_or_default();
        }
    }

    fn name(&mut self) -> Option<usize> {
        let is_other = |c: char| !(c.is_ascii_alphanumeric() || c == '-' || c == '_');
        let end = self.rest.find(is_other).unwrap_or(self.rest.len());
        let (name, rest) = self.rest.split_at_checked(end).filter(|_| end > 0)?;
        self.rest = rest;
        if let Some(&number) = self.numbers.get(name) {
            return Some(number);
        }
        let number = self.names.len();
        self.names.push(name.to_owned());
        self.numbers.insert(name.to_owned(), number);
        Some(number)
    }

    fn rule(&mut self) -> Read<(usize, Node)> {
        let rule = self.name().ok_or("the name of a rule is expected")?;
        self.space(false);
        if !self.take("::=") {
            return Err("'::=' is expected behind the name of a rule".to_owned());
        }
        self.space(true);
        let body = self.choice(false)?;
        match self.peek() {
            None | Some('\n' | '\r') => Ok((rule, body)),
            Some(other) => Err(format!("{other:?} is not expected here")),
        }
    }

    fn choice(&mut self, nested: bool) -> Read<Node> {
        let mut options = vec![self.sequence(nested)?];
        while self.take("|") {
            self.space(true);
            options.push(self.sequence(nested)?);
        }
        Ok(match options.len() {
            1 => options.swap_remove(0),
            _ => Node::Choice(options),
        })
    }

    fn sequence(&mut self, nested: bool) -> Read<Node> {
        let mut items = Vec::new();
        while let Some(first) = self.peek() {
            let mut added = match first {
                '"' => self.literal()?,
                '[' => vec![self.class()?],
                '.' => {
                    self.next();
                    vec![Node::Character("(?s:.)".to_owned())]
                }
                '(' => vec![self.group()?],
                '<' | '!' => return Err("tokens by name are not supported".to_owned()),
                _ => match self.name() {
                    Some(rule) => vec![Node::Rule(rule)],
                    None => break,
                },
            };
            self.space(nested);
            while let Some((least, most)) = self.times(nested)? {
                // What is repeated is the whole literal.
                let item = match added.len() {
                    1 => added.swap_remove(0),
                    _ => Node::Sequence(added),
                };
                added = vec![Node::Repeat(Box::new(item), least, most)];
            }
            items.append(&mut added);
        }
        Ok(match items.len() {
            1 => items.swap_remove(0),
            _ => Node::Sequence(items),
        })
    }

    fn group(&mut self) -> Read<Node> {
        self.next();
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(format!("more than {DEEPEST} groups within each other"));
        }
        self.space(true);
        let inner = self.choice(true)?;
        self.depth -= 1;
        match self.take(")") {
            true => Ok(inner),
            false => Err("')' is expected".to_owned()),
        }
    }

    fn times(&mut self, nested: bool) -> Read<Option<(u32, Option<u32>)>> {
        let found = match self.peek() {
            Some('*') => (0, None),
            Some('+') => (1, None),
            Some('?') => (0, Some(1)),
            Some('{') => {
                self.next();
                let found = self.range()?;
                self.space(nested);
                return Ok(Some(found));
            }
            _ => return Ok(None),
        };
        self.next();
        self.space(nested);
        Ok(Some(found))
    }

    /// What stands between braces.
    fn range(&mut self) -> Read<(u32, Option<u32>)> {
        self.space(true);
        let least = self.number()?;
        self.space(true);
        let range = if self.take(",") {
            self.space(true);
            (least.unwrap_or(0), self.number()?)
        } else {
            let times = least.ok_or("a number is expected")?;
            (times, Some(times))
        };
        self.space(true);
        match (self.take("}"), range) {
            (false, _) => Err("'}' is expected".to_owned()),
            (true, (least, Some(most))) if most < least => {
                Err(format!("{{{least},{most}}} is the wrong way round"))
            }
            (true, range) => Ok(range),
        }
    }

    fn number(&mut self) -> Read<Option<u32>> {
        let end = self.rest.find(|c: char| !c.is_ascii_digit());
        let (digits, rest) = self.rest.split_at(end.unwrap_or(self.rest.len()));
        self.rest = rest;
        if digits.is_empty() {
            return Ok(None);
        }
        let number = digits.parse().ok().filter(|&n| n <= MOST_TIMES);
        let number = number.ok_or_else(|| format!("{digits} is above {MOST_TIMES}"))?;
        Ok(Some(number))
    }

    fn literal(&mut self) -> Read<Vec<Node>> {
        self.next();
        let mut characters = Vec::new();
        loop {
            match self.peek() {
                None | Some('\n') => return Err("a text without its closing '\"'".to_owned()),
                Some('"') => break,
                Some(_) => {
                    let character = self.character()?;
                    characters.push(Node::Character(format!("[{}]", spelled(character))));
                }
            }
        }
        self.next();
        // An empty text is one item, too, that may be repeated.
        if characters.is_empty() {
            characters.push(Node::Sequence(Vec::new()));
        }
        Ok(characters)
    }

    fn class(&mut self) -> Read<Node> {
        self.next();
        let mut class = String::from(if self.take("^") { "[^" } else { "[" });
        let begin = class.len();
        while !self.take("]") {
            let first = self.character()?;
            class.push_str(&spelled(first));
            let mut ahead = self.rest.chars();
            if ahead.next() == Some('-') && ahead.next().is_some_and(|next| next != ']') {
                self.next();
                let last = self.character()?;
                if last < first {
                    return Err(format!("{first:?}-{last:?} is the wrong way round"));
                }
                class.push('-');
                class.push_str(&spelled(last));
            }
        }
        if class.len() == begin {
            return Err("a class without characters".to_owned());
        }
        class.push(']');
        Ok(Node::Character(class))
    }

    /// A character of a literal or a class.
    fn character(&mut self) -> Read<char> {
        match self.next() {
            None => Err("']' or '\"' is expected".to_owned()),
            Some('\\') => self.escaped(),
            Some(character) => Ok(character),
        }
    }

    fn escaped(&mut self) -> Read<char> {
        match self.next() {
            Some('x') => self.hexadecimal(2),
            Some('u') => self.hexadecimal(4),
            Some('U') => self.hexadecimal(8),
            Some('t') => Ok('\t'),
            Some('r') => Ok('\r'),
            Some('n') => Ok('\n'),
            Some(same @ ('\\' | '"' | '[' | ']' | '-' | '^' | '/')) => Ok(same),
            other => Err(format!("an unknown escape: {other:?}")),
        }
    }

    fn hexadecimal(&mut self, digits: usize) -> Read<char> {
        let number = self.rest.get(..digits);
        let number = number.and_then(|text| u32::from_str_radix(text, 16).ok());
        self.rest = self.rest.get(digits..).unwrap_or_default();
        let character = number.and_then(char::from_u32);
        character.ok_or_else(|| format!("{digits} hexadecimal digits of a character are expected"))
    }
}

/// A character in the syntax of `regex`, whatever it means there.
fn spelled(character: char) -> String {
    format!("\\x{{{:x}}}", u32::from(character))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_are_named_with_their_line() {
        for (text, why) in [
            ("", "there is no rule \"root\""),
            ("root ::= a\n", "there is no rule \"a\""),
            ("a ::= \"x\"\nroot = a", "line 2: '::=' is expected"),
            ("root ::= \"x", "line 1: a text without its closing"),
            ("root ::= (\n\"x\"", "line 2: ')' is expected"),
            ("root ::= [z-a]", "line 1: 'z'-'a' is the wrong way round"),
            (
                "root ::= \"x\"{3,2}",
                "line 1: {3,2} is the wrong way round",
            ),
            ("root ::= \"x\"{99999}", "line 1: 99999 is above 2000"),
            ("root ::= \"\\q\"", "line 1: an unknown escape"),
            ("root ::= <think>", "line 1: tokens by name"),
            ("root ::= []", "line 1: a class without characters"),
            ("root ::= )", "line 1: ')' is not expected"),
        ] {
            let error = parse(text).expect_err(text);
            assert!(error.starts_with(why), "{text:?}: {error}");
        }
        let deep = format!("root ::= {}\"x\"", "(".repeat(10_000));
        assert!(
            parse(&deep)
                .expect_err("too deep")
                .contains("groups within")
        );
    }
}
