//! Patterns and formats of strings.
//!
//! Patterns are those of ECMA-262, without look-around and back references; what means something
//! else in the syntax of Rust's `regex` is rewritten. A format becomes a pattern that allows the
//! usual spellings of it: every one that it allows is valid, not every valid one is allowed.

/// Line ends, which `.` does not match in ECMA-262.
const DOT: &str = r"[^\n\r\u2028\u2029]";

/// A pattern in the syntax of Rust's `regex`. The error says what it cannot have.
pub(super) fn pattern(text: &str) -> Result<String, String> {
    let mut out = String::with_capacity(text.len());
    let mut characters = text.chars().peekable();
    let mut in_class = false;
    while let Some(character) = characters.next() {
        match (character, in_class) {
            ('\\', _) => {
                let next = characters.next().ok_or("it ends in a backslash")?;
                escape(next, &mut out)?;
            }
            ('.', false) => out.push_str(DOT),
            ('[', false) => {
                in_class = true;
                out.push('[');
            }
            // These are operators in Rust's classes.
            ('[' | '&' | '~', true) => out.extend(['\\', character]),
            (']', true) => {
                in_class = false;
                out.push(']');
            }
            ('(', false) if characters.peek() == Some(&'?') => {
                characters.next();
                group(&mut characters, &mut out)?;
            }
            (other, _) => out.push(other),
        }
    }
    Ok(out)
}

fn escape(next: char, out: &mut String) -> Result<(), String> {
    match next {
        '1'..='9' => Err("back references are not supported".to_owned()),
        'b' | 'B' => Err(r"\b and \B are not supported".to_owned()),
        'c' => Err(r"\c is not supported".to_owned()),
        '0' => {
            out.push_str(r"\x00");
            Ok(())
        }
        'k' => Err("back references are not supported".to_owned()),
        other => {
            out.extend(['\\', other]);
            Ok(())
        }
    }
}

/// What follows `(?`.
fn group(
    characters: &mut std::iter::Peekable<std::str::Chars<'_>>,
    out: &mut String,
) -> Result<(), String> {
    let mut ahead = characters.clone();
    let behind = ahead.next() == Some('<') && matches!(ahead.peek(), Some('=' | '!'));
    match characters.peek() {
        Some('=' | '!') => Err("look-ahead is not supported".to_owned()),
        _ if behind => Err("look-behind is not supported".to_owned()),
        Some(':' | '<') => {
            out.push_str("(?");
            Ok(())
        }
        _ => Err("flags are not supported".to_owned()),
    }
}

const DATE: &str = concat!(
    "(",
    r"([0-9]{3}[1-9]|[0-9]{2}[1-9][0-9]|[0-9][1-9][0-9]{2}|[1-9][0-9]{3})-",
    r"((0[13578]|1[02])-(0[1-9]|[12][0-9]|3[01])",
    r"|(0[469]|11)-(0[1-9]|[12][0-9]|30)",
    r"|02-(0[1-9]|1[0-9]|2[0-8]))",
    r"|([0-9]{2}(0[48]|[2468][048]|[13579][26])|(0[48]|[2468][048]|[13579][26])00)-02-29",
    ")",
);
const TIME: &str = concat!(
    r"([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]{1,6})?",
    r"(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])",
);
const LABEL: &str = "[a-zA-Z0-9]([a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?";
const BYTE: &str = "(25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])";
const PATH: &str = r"(/[a-zA-Z0-9._~!$&'()*+,;=:@-]*)*";
const QUERY: &str = r"(\?[a-zA-Z0-9._~!$&'()*+,;=:@/?-]*)?(#[a-zA-Z0-9._~!$&'()*+,;=:@/?-]*)?";
const DAYS: &str =
    "([0-9]{1,9}Y([0-9]{1,9}M([0-9]{1,9}D)?)?|[0-9]{1,9}M([0-9]{1,9}D)?|[0-9]{1,9}D)";
const HOURS: &str =
    "T([0-9]{1,9}H([0-9]{1,9}M([0-9]{1,9}S)?)?|[0-9]{1,9}M([0-9]{1,9}S)?|[0-9]{1,9}S)";

/// The pattern that a format of the specification becomes; None: there is no such format.
pub(super) fn format_pattern(name: &str) -> Option<String> {
    let pattern = match name {
        "date" => DATE.to_owned(),
        "time" => TIME.to_owned(),
        "date-time" => format!("{DATE}T{TIME}"),
        "duration" => format!("P({DAYS}({HOURS})?|{HOURS}|[0-9]{{1,9}}W)"),
        "email" | "idn-email" => email(),
        "hostname" | "idn-hostname" => hostname(),
        "ipv4" => format!(r"({BYTE}\.){{3}}{BYTE}"),
        "ipv6" => ipv6(),
        "uri" | "iri" => uri(),
        "uri-reference" | "iri-reference" => format!("({}|{PATH}{QUERY})", uri()),
        "uri-template" => format!(
            r"[a-z]{{2,10}}://{}(/([a-z0-9._~-]+|\{{[a-z]+\}}))*",
            hostname()
        ),
        "uuid" => "[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}".to_owned(),
        "json-pointer" => "(/([a-zA-Z0-9_.-]|~[01])*)*".to_owned(),
        "relative-json-pointer" => "(0|[1-9][0-9]{0,8})(#|(/([a-zA-Z0-9_.-]|~[01])*)*)".to_owned(),
        "regex" => r"\^?([a-zA-Z0-9 _]|\[[a-z]-z\][+*?]?)*\$?".to_owned(),
        _ => return None,
    };
    Some(format!("^({pattern})$"))
}

/// Labels with a letter at the start of the last one: no other reader takes it for an address.
fn hostname() -> String {
    let last = "[a-zA-Z]([a-zA-Z0-9-]{0,30}[a-zA-Z0-9])?";
    let label = "[a-zA-Z0-9]([a-zA-Z0-9-]{0,30}[a-zA-Z0-9])?";
    format!(r"({label}\.){{0,4}}{last}")
}

fn email() -> String {
    let atom = "[a-zA-Z0-9!#$%&'*+/=?^_`{|}~-]{1,20}";
    let last = "[a-zA-Z]([a-zA-Z0-9-]{0,20}[a-zA-Z0-9])?";
    format!(r"{atom}(\.{atom}){{0,2}}@({LABEL}\.){{1,3}}{last}")
}

/// The host is a name.
fn uri() -> String {
    let host = hostname();
    format!(
        r"([a-zA-Z][a-zA-Z0-9+.-]{{0,20}}://{host}(:[0-9]{{1,4}})?{PATH}{QUERY}|urn:[a-z]{{2,20}}:[a-zA-Z0-9._~:-]+)"
    )
}

/// All eight groups, or a run of zeros left out of at most seven.
fn ipv6() -> String {
    let group = "[0-9a-fA-F]{1,4}";
    let shortened = (0..=6).map(|before| {
        let after = 6 - before;
        let left = match before {
            0 => String::new(),
            n => format!("{group}(:{group}){{{}}}", n - 1),
        };
        let right = match after {
            0 => String::new(),
            n => format!("({group}(:{group}){{0,{}}})?", n - 1),
        };
        format!("{left}::{right}")
    });
    let shortened: Vec<String> = shortened.collect();
    format!("(({group}:){{7}}{group}|{})", shortened.join("|"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_differs_from_rust_is_rewritten() {
        let dot = DOT;
        for (text, wanted) in [
            ("^a.b$", format!("^a{dot}b$")),
            (r"[.a[&&b]\.", r"[.a\[\&\&b]\.".to_owned()),
            (r"\d\/\0", r"\d\/\x00".to_owned()),
            ("(?:a)(?<n>b)", "(?:a)(?<n>b)".to_owned()),
        ] {
            assert_eq!(pattern(text), Ok(wanted));
        }
        for bad in [
            "(?=a)", "(?!a)", "(?<=a)", "(?<!a)", r"(a)\1", r"\bx", "(?i)a", "\\",
        ] {
            assert!(pattern(bad).is_err(), "{bad}");
        }
    }
}
