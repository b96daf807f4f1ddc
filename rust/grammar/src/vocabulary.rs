//! The bytes of each token, as a tree that all grammars of a model share.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use llguidance::toktrie::{INVALID_TOKEN, TokEnv, TokRxInfo, TokTrie, TokenizerEnv};
use ollamars_tokenizer::{Tokenizer, attr};

use crate::{Error, Result};

/// Longest token that a grammar may use, in bytes: more than the tree can hold.
const LONGEST: usize = 1000;

/// A vocabulary as `llguidance` takes it. Tokens are never forced: that would change how a text is
/// cut into tokens, and so what follows.
pub(crate) struct Tokens {
    trie: TokTrie,
}

impl TokenizerEnv for Tokens {
    fn tok_trie(&self) -> &TokTrie {
        &self.trie
    }

    fn tokenize_bytes(&self, text: &[u8]) -> Vec<u32> {
        self.trie.greedy_tokenize(text)
    }

    fn tokenize_is_canonical(&self) -> bool {
        false
    }
}

/// Builds the tree; some tens of milliseconds for a large vocabulary.
///
/// # Errors
/// [`Error::Vocabulary`]: too many tokens.
pub(crate) fn tokens(tokenizer: &Tokenizer) -> Result<TokEnv> {
    let pieces: Vec<Vec<u8>> = (0..tokenizer.n_tokens())
        .map(|id| plain_piece(tokenizer, id).to_vec())
        .collect();
    let eog = tokenizer.eog();
    let eos = eog.first().copied().unwrap_or(INVALID_TOKEN);
    let info = TokRxInfo::new(tokenizer.n_tokens(), eos);
    // The tree asserts its limits.
    let built = catch_unwind(AssertUnwindSafe(|| {
        let trie = TokTrie::from(&info, &pieces);
        if eog.is_empty() {
            trie
        } else {
            trie.with_eos_tokens(eog)
        }
    }));
    match built {
        Ok(trie) => Ok(Arc::new(Tokens { trie })),
        Err(_) => Err(Error::Vocabulary(format!(
            "{} tokens are too many",
            pieces.len()
        ))),
    }
}

/// The bytes of a token of plain text; empty for a special one, which no grammar can use.
fn plain_piece(tokenizer: &Tokenizer, id: u32) -> &[u8] {
    let attr = tokenizer.attr(id).unwrap_or(attr::UNUSED);
    let piece = tokenizer.piece(id, false).unwrap_or_default();
    let special = attr & (attr::CONTROL | attr::UNKNOWN | attr::UNUSED) != 0
        || (attr & attr::USER_DEFINED != 0 && is_tag(piece));
    // The byte 0xff is in no text, and means something else to `llguidance`.
    let unusable = piece.len() > LONGEST || piece.first() == Some(&0xff);
    if special || unusable || tokenizer.is_eog(id) {
        return &[];
    }
    piece
}

/// Whether a token that the model's maker added looks like a mark, as `<think>` or `[INST]`.
fn is_tag(piece: &[u8]) -> bool {
    let between = |open: u8, close: u8| {
        piece.len() > 2 && piece.first() == Some(&open) && piece.last() == Some(&close)
    };
    between(b'<', b'>') || between(b'[', b']')
}
