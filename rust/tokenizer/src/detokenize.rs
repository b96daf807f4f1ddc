//! From token ids back to bytes.

use crate::attr::HIDDEN;
use crate::clean::clean_spaces;
use crate::special::Special;
use crate::{Error, Tokenizer};

impl Tokenizer {
    /// The bytes of one token, as a stream sends it. Control and unknown tokens are empty unless
    /// `special`.
    ///
    /// # Errors
    /// An id outside of the vocabulary.
    pub fn piece(&self, id: u32, special: bool) -> Result<&[u8], Error> {
        if self.attr(id)? & HIDDEN != 0 && !special {
            return Ok(&[]);
        }
        Ok(self.pieces.get(id as usize).unwrap_or_default())
    }

    /// The joined pieces: what a stream of these tokens sends.
    ///
    /// # Errors
    /// An id outside of the vocabulary.
    pub fn pieces(&self, ids: &[u32], special: bool) -> Result<Vec<u8>, Error> {
        let mut out = Vec::with_capacity(ids.len() * 4);
        for &id in ids {
            out.extend_from_slice(self.piece(id, special)?);
        }
        Ok(out)
    }

    /// The text of a whole sequence: the pieces without the space that was put before the text,
    /// and cleaned of spaces where the vocabulary asks for it.
    ///
    /// # Errors
    /// An id outside of the vocabulary.
    pub fn detokenize(&self, ids: &[u32], special: bool) -> Result<Vec<u8>, Error> {
        self.detokenize_from(ids, special, self.flags.space_prefix)
    }

    /// As [`Tokenizer::detokenize`], without the BOS and EOS that "add special" put there.
    ///
    /// # Errors
    /// An id outside of the vocabulary.
    pub fn detokenize_added(&self, ids: &[u32], special: bool) -> Result<Vec<u8>, Error> {
        let mut ids = ids;
        let mut space = self.flags.space_prefix;
        let is = |id: &u32, special| Some(*id) == self.special.get(special);
        if let Some((first, rest)) = ids.split_first()
            && self.flags.add_bos
            && is(first, Special::Bos)
        {
            ids = rest;
            space = false;
        }
        if let Some((last, rest)) = ids.split_last()
            && self.flags.add_eos
            && is(last, Special::Eos)
        {
            ids = rest;
        }
        self.detokenize_from(ids, special, space)
    }

    fn detokenize_from(&self, ids: &[u32], special: bool, space: bool) -> Result<Vec<u8>, Error> {
        let mut text = self.pieces(ids, special)?;
        let first = ids.first().map(|&id| self.piece(id, special)).transpose()?;
        if space && first.is_some_and(|piece| piece.starts_with(b" ")) {
            text.remove(0);
        }
        if self.flags.clean_spaces {
            clean_spaces(&mut text);
        }
        Ok(text)
    }
}
