//! The clean-up of spaces that some vocabularies ask for after detokenization.

/// Removes the space before `?`, `!`, `.` and `,`, both spaces around a lone apostrophe, and the
/// space before `'s`, `'m`, `'re` and `'ve`, each in a pass of its own, as the original does.
pub(crate) fn clean_spaces(text: &mut Vec<u8>) {
    remove_spaces(text, |rest| matches!(rest, [b'?' | b'!' | b'.' | b',', ..]));
    join_lone_apostrophes(text);
    remove_spaces(text, |rest| {
        matches!(
            rest,
            [b'\'', b's' | b'm', ..] | [b'\'', b'r' | b'v', b'e', ..]
        )
    });
}

/// Removes every space whose following text is one that `goes` names.
fn remove_spaces(text: &mut Vec<u8>, goes: impl Fn(&[u8]) -> bool) {
    let mut kept = Vec::with_capacity(text.len());
    let mut rest = text.as_slice();
    while let Some((&byte, after)) = rest.split_first() {
        if byte != b' ' || !goes(after) {
            kept.push(byte);
        }
        rest = after;
    }
    *text = kept;
}

/// Turns space, apostrophe, space into the apostrophe. Matches do not share a space.
fn join_lone_apostrophes(text: &mut Vec<u8>) {
    let mut kept = Vec::with_capacity(text.len());
    let mut rest = text.as_slice();
    loop {
        rest = match rest {
            [b' ', b'\'', b' ', after @ ..] => {
                kept.push(b'\'');
                after
            }
            [byte, after @ ..] => {
                kept.push(*byte);
                after
            }
            [] => break,
        };
    }
    *text = kept;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cleaned(text: &str) -> String {
        let mut bytes = text.as_bytes().to_vec();
        clean_spaces(&mut bytes);
        String::from_utf8(bytes).unwrap_or_default()
    }

    #[test]
    fn spaces_before_punctuation() {
        assert_eq!(cleaned("Hello , world ! ?"), "Hello, world!?");
        assert_eq!(cleaned(" ."), ".");
        assert_eq!(cleaned("a  ."), "a .");
        assert_eq!(cleaned(""), "");
        assert_eq!(cleaned("a : b"), "a : b");
    }

    #[test]
    fn apostrophes() {
        assert_eq!(
            cleaned("it 's I 'm we 're you 've"),
            "it's I'm we're you've"
        );
        assert_eq!(cleaned("don 't I 'd we 'll '"), "don 't I 'd we 'll '");
        assert_eq!(cleaned("rock ' n ' roll"), "rock'n'roll");
        assert_eq!(cleaned("a ' ' b"), "a'' b");
    }
}
