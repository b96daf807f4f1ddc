//! `{% generation %}` marks the model's own text for training; to a prompt it means nothing.

const OPENING: &str = "generation";
const CLOSING: &str = "endgeneration";
const DELIMITERS: [(&str, &str); 3] = [("{%", "%}"), ("{{", "}}"), ("{#", "#}")];

/// The template with `{% generation %}` blocks turned into blocks that always apply.
///
/// White space around the tags is treated as before, and no line moves.
pub(crate) fn without_generation(template: &str) -> String {
    let mut out = String::with_capacity(template.len());
    let mut rest = template;
    while let Some((before, tag, after)) = next_tag(rest) {
        out.push_str(before);
        match tag.trim_matches(|char: char| "{}%-+".contains(char)).trim() {
            OPENING if tag.starts_with("{%") => out.push_str(&tag.replace(OPENING, "if true")),
            CLOSING if tag.starts_with("{%") => out.push_str(&tag.replace(CLOSING, "endif")),
            _ => out.push_str(tag),
        }
        rest = after;
    }
    out.push_str(rest);
    out
}

/// The first tag, expression or comment, with what stands before and behind it.
fn next_tag(text: &str) -> Option<(&str, &str, &str)> {
    let openings = DELIMITERS
        .iter()
        .filter_map(|(open, close)| Some((text.find(open)?, *close)));
    let (start, close) = openings.min()?;
    let (before, tag) = text.split_at(start);
    let end = tag.find(close)? + close.len();
    let (tag, after) = tag.split_at(end);
    Some((before, tag, after))
}
