//! Measures masks over a real vocabulary; `bench/grammar.py` runs it.
//!
//! ```text
//! cargo run --release -p ollamars-grammar --example masks -- VOCABULARY.gguf < CASES
//! ```
//!
//! A case is a line of JSON: `kind` and `format` as text, and `text`, which the format allows (none:
//! tokens are drawn at random). For each a line comes out: `compile`, and of every token `mask` and
//! `accept`, in nanoseconds. The first line is `build`: the time that the vocabulary takes, once.

use std::error::Error;
use std::io::{BufRead, stdin};
use std::sync::Arc;
use std::time::Instant;

use ollamars_grammar::{Compiler, Constraint, Format, Start};
use ollamars_tokenizer::Tokenizer;
use serde_json::{Value, json};

/// Tokens of the longest text that is drawn.
const LONGEST: usize = 200;

fn main() -> Result<(), Box<dyn Error>> {
    let path = std::env::args().nth(1).ok_or("the path of a vocabulary")?;
    let tokenizer = Arc::new(Tokenizer::open(path)?);
    let begin = Instant::now();
    let compiler = Compiler::new(Arc::clone(&tokenizer))?;
    let build = nanoseconds(begin);
    println!(
        "{}",
        json!({"build": build, "tokens": tokenizer.n_tokens()})
    );
    for (seed, line) in stdin().lock().lines().enumerate() {
        let case: Value = serde_json::from_str(&line?)?;
        let text = |name: &str| case.get(name).and_then(Value::as_str);
        let kind = text("kind").ok_or("a case without its kind")?;
        let format = Format::named(kind, text("format").unwrap_or_default().to_owned())?;
        let begin = Instant::now();
        let grammar = compiler.compile(&format, Start::AtOnce)?;
        let compile = nanoseconds(begin);
        let tokens = text("text").map(|text| tokenizer.encode(text.as_bytes(), false, false));
        let walk = walk(
            &tokenizer,
            &mut Constraint::new(&grammar),
            tokens,
            seed as u64,
        )?;
        println!(
            "{}",
            json!({"compile": compile, "mask": walk.0, "accept": walk.1})
        );
    }
    Ok(())
}

/// The times of masks and of accepted tokens.
fn walk(
    tokenizer: &Tokenizer,
    constraint: &mut Constraint,
    tokens: Option<Vec<u32>>,
    seed: u64,
) -> Result<(Vec<u64>, Vec<u64>), Box<dyn Error>> {
    let (mut masks, mut accepts, mut state) = (Vec::new(), Vec::new(), seed * 2 + 1);
    for index in 0..tokens.as_ref().map_or(LONGEST, Vec::len) {
        let begin = Instant::now();
        constraint.prepare();
        masks.push(nanoseconds(begin));
        let mask = constraint.mask()?;
        let token = match tokens.as_ref().and_then(|tokens| tokens.get(index)) {
            Some(&token) => token,
            None => {
                let allowed: Vec<u32> = mask.allowed().collect();
                state = state
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1);
                let drawn = (state >> 33) as usize % allowed.len().max(1);
                *allowed.get(drawn).ok_or("no token is left")?
            }
        };
        if !mask.allows(token) {
            return Err(format!("token {index} of the text is not allowed").into());
        }
        if tokenizer.is_eog(token) {
            break;
        }
        let begin = Instant::now();
        constraint.accept(token)?;
        accepts.push(nanoseconds(begin));
    }
    Ok((masks, accepts))
}

fn nanoseconds(begin: Instant) -> u64 {
    u64::try_from(begin.elapsed().as_nanos()).unwrap_or(u64::MAX)
}
