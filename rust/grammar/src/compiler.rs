//! From a format to a grammar, in bounded time.

use std::sync::Arc;
use std::time::Duration;

use llguidance::api::TopLevelGrammar;
use llguidance::toktrie::InferenceCapabilities;
use llguidance::{Matcher, ParserFactory, TokenParser};
use ollamars_tokenizer::Tokenizer;

use crate::bounded::bounded;
use crate::constraint::next_mask;
use crate::format::{Format, LONGEST_FORMAT};
use crate::thinking::Marks;
use crate::{Error, Result, gbnf, schema, vocabulary};

/// How long a format may take.
const LIMIT: Duration = Duration::from_secs(10);
/// States of a lexer, at 1 to 2 kB each.
const MOST_LEXER_STATES: usize = 50_000;

/// Makes grammars for one vocabulary, whose tree it holds. Shared freely between threads.
pub struct Compiler {
    tokenizer: Arc<Tokenizer>,
    factory: Arc<ParserFactory>,
}

impl Compiler {
    /// Prepares a vocabulary: some 100 ms where it is large.
    ///
    /// # Errors
    /// [`Error::Vocabulary`]: it has too many tokens.
    pub fn new(tokenizer: Arc<Tokenizer>) -> Result<Self> {
        let tokens = vocabulary::tokens(&tokenizer)?;
        let slices = llguidance::earley::SlicedBiasComputer::json_slices();
        let capabilities = InferenceCapabilities::default();
        let mut factory = ParserFactory::new(&tokens, capabilities, &slices)
            .map_err(|error| Error::Vocabulary(error.to_string()))?;
        factory.quiet();
        let limits = factory.limits_mut();
        limits.max_lexer_states = MOST_LEXER_STATES;
        limits.verbose_errors = false;
        Ok(Self {
            tokenizer,
            factory: Arc::new(factory),
        })
    }

    /// Compiles a format on a thread of its own; blocks, ten seconds at most.
    ///
    /// # Errors
    /// What is wrong with the format, by keyword or line; [`Error::TooSlow`]; [`Error::Busy`].
    pub fn compile(&self, format: &Format, start: Start) -> Result<Grammar> {
        let bytes = format.text().len();
        if bytes > LONGEST_FORMAT {
            let most = LONGEST_FORMAT;
            return Err(Error::TooLong { bytes, most });
        }
        let (format, factory) = (format.clone(), Arc::clone(&self.factory));
        let matcher = bounded(LIMIT, move || matcher(&factory, &format))?;
        let tokenizer = Arc::clone(&self.tokenizer);
        Ok(Grammar {
            matcher: Arc::new(matcher),
            marks: Marks::of(&tokenizer, start).map(Arc::new),
            tokenizer,
        })
    }
}

/// Compiles a format, and sees that the vocabulary can begin a text of it.
fn matcher(factory: &ParserFactory, format: &Format) -> Result<Matcher> {
    let mut matcher = Matcher::new(Ok(parser(factory, format)?));
    next_mask(&mut matcher)?;
    Ok(matcher)
}

fn parser(factory: &ParserFactory, format: &Format) -> Result<TokenParser> {
    match format {
        Format::Json => schema::compile(factory, r#"{"type":"object"}"#),
        Format::Schema(text) => schema::compile(factory, text),
        Format::Regex(text) => grammar(factory, "regex", TopLevelGrammar::from_regex(text)),
        Format::Lark(text) => grammar(factory, "lark", TopLevelGrammar::from_lark(text.clone())),
        Format::Gbnf(text) => {
            let lark = gbnf::to_lark(text)?;
            grammar(factory, "gbnf", TopLevelGrammar::from_lark(lark))
        }
    }
}

fn grammar(
    factory: &ParserFactory,
    kind: &'static str,
    grammar: TopLevelGrammar,
) -> Result<TokenParser> {
    factory
        .create_parser(grammar)
        .map_err(|error| Error::Grammar {
            kind,
            why: said(&error),
        })
}

/// What `llguidance` said, without the backtrace of a panic.
pub(crate) fn said(error: &impl std::fmt::Display) -> String {
    let text = error.to_string();
    let end = text.find("\n<backtrace>").or(text.find("\n<non-verbose/>"));
    let text = text.get(..end.unwrap_or(text.len())).unwrap_or_default();
    match text.strip_prefix("panic: ") {
        Some(_) => "it cannot be compiled".to_owned(),
        None => text.trim().to_owned(),
    }
}

/// When a grammar begins to hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Start {
    /// With the first token.
    AtOnce,
    /// Behind the thinking of a model.
    AfterThinking {
        /// What thinking begins with. Empty: the text is inside of thinking from its start.
        opening: String,
        /// What it ends with.
        closing: String,
    },
}

/// A compiled format, for any number of generations.
#[derive(Clone)]
pub struct Grammar {
    pub(crate) matcher: Arc<Matcher>,
    pub(crate) marks: Option<Arc<Marks>>,
    pub(crate) tokenizer: Arc<Tokenizer>,
}

impl std::fmt::Debug for Grammar {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Grammar")
    }
}
