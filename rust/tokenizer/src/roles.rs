//! What the tokens of a vocabulary are for: special ids, attributes, the end of generation.

use std::collections::BTreeSet;

use crate::attr::{self, CONTROL, NORMAL, STRIP_LEFT, STRIP_RIGHT, UNUSED, USER_DEFINED};
use crate::hash_order::first;
use crate::special::{ALWAYS_SHOWN, BY_TEXT, END_OF_GENERATION, Special, SpecialIds};
use crate::texts::Texts;
use crate::vocab::Vocab;

/// Special ids, attributes of all tokens, ids that end generation.
pub(crate) struct Roles {
    pub(crate) special: SpecialIds,
    pub(crate) attrs: Vec<u32>,
    pub(crate) eog: BTreeSet<u32>,
}

impl Roles {
    /// Finds the roles out: defaults, then metadata, then the texts of tokens.
    pub(crate) fn new(vocab: &Vocab, texts: &Texts, defaults: SpecialIds) -> Self {
        let attrs = match vocab.types.is_empty() {
            true => vec![NORMAL; texts.len() as usize],
            false => vocab.types.iter().map(|&t| attr::of_type(t)).collect(),
        };
        let mut roles = Self {
            special: given(vocab, texts, defaults),
            attrs,
            eog: BTreeSet::new(),
        };
        roles.attrs.resize(texts.len() as usize, NORMAL);
        roles.find_by_text(texts);
        roles.mark_unused(texts);
        roles.find_ends(texts);
        roles.keep_tool_calls_open(texts);
        roles
    }

    fn add(&mut self, id: u32, bits: u32) {
        if let Some(attr) = self.attrs.get_mut(id as usize) {
            *attr |= bits;
        }
    }

    fn replace(&mut self, id: u32, bits: u32) {
        if let Some(attr) = self.attrs.get_mut(id as usize) {
            *attr = bits;
        }
    }

    /// Special tokens that no key names.
    fn find_by_text(&mut self, texts: &Texts) {
        for &(special, names) in BY_TEXT {
            if self.special.get(special).is_some() {
                continue;
            }
            let ids = names.iter().filter_map(|name| texts.find(name.as_bytes()));
            let found = first(texts, &ids.collect::<Vec<u32>>());
            self.special.set(special, found);
            if let Some(id) = found {
                self.add(id, CONTROL);
            }
        }
    }

    fn mark_unused(&mut self, texts: &Texts) {
        let finder = memchr::memmem::Finder::new("unused");
        for (id, attr) in (0u32..).zip(&mut self.attrs) {
            if *attr & CONTROL != 0 && finder.find(texts.get(id)).is_some() {
                *attr |= UNUSED;
            }
        }
    }

    fn find_ends(&mut self, texts: &Texts) {
        for name in END_OF_GENERATION {
            if let Some(id) = texts.find(name.as_bytes()) {
                self.eog.insert(id);
                self.add(id, CONTROL);
            }
        }
        for name in ALWAYS_SHOWN {
            if let Some(id) = texts.find(name.as_bytes()) {
                self.replace(id, USER_DEFINED);
            }
        }
        let named = [
            Special::FimPad,
            Special::FimRep,
            Special::FimSep,
            Special::Eos,
            Special::Eot,
            Special::Eom,
        ];
        self.eog
            .extend(named.into_iter().filter_map(|s| self.special.get(s)));
    }

    /// Where other tokens end a message, `<|end|>` (gpt-oss, Solar) only ends a channel, and `</s>`
    /// (Gemma 4) is ordinary text.
    fn keep_tool_calls_open(&mut self, texts: &Texts) {
        let end = |name: &str| {
            texts
                .find(name.as_bytes())
                .filter(|id| self.eog.contains(id))
        };
        let has = |name| end(name).is_some();
        let call = has("<|call|>") || has("<|calls|>");
        let channel_end =
            end("<|end|>").filter(|_| call && (has("<|return|>") || has("<|flush|>")));
        let plain_s = end("</s>").filter(|_| has("<|tool_response>"));
        if let Some(id) = channel_end {
            self.eog.remove(&id);
            self.replace(id, USER_DEFINED);
        }
        if let Some(id) = plain_s {
            self.eog.remove(&id);
            self.replace(id, NORMAL);
        }
    }

    /// Which tokens take the white space beside them: files do not say, the original goes by the
    /// name of the model. Pieces do not depend on it.
    pub(crate) fn set_strips(&mut self, vocab: &Vocab, texts: &Texts) {
        let any = |text: &str, names: &[&str]| names.iter().any(|name| text.contains(name));
        let name = vocab.name.to_ascii_lowercase();
        let masked = any(&vocab.pre, &["jina-v2-de", "jina-v2-es", "jina-v2-code"])
            || any(&vocab.architecture, &["nomic-bert-moe", "jina-bert-v3"]);
        let id = |text: &str| texts.find(text.as_bytes());
        if masked {
            id("<mask>")
                .into_iter()
                .for_each(|id| self.add(id, STRIP_LEFT));
        } else if any(&name, &["phi-3", "phi3"]) {
            let sought = self
                .attrs
                .iter_mut()
                .filter(|attr| **attr & attr::SOUGHT != 0);
            sought.for_each(|attr| *attr |= STRIP_RIGHT);
            id("</s>")
                .into_iter()
                .for_each(|id| self.add(id, STRIP_RIGHT));
            for id in ["<unk>", "<s>", "<|endoftext|>"].into_iter().filter_map(id) {
                let attr = self.attrs.get(id as usize).copied().unwrap_or_default();
                self.replace(id, attr & !STRIP_RIGHT);
            }
        } else if name.contains("modern-bert") {
            id("[MASK]")
                .into_iter()
                .for_each(|id| self.add(id, STRIP_LEFT));
        }
    }
}

/// Defaults and metadata; an id outside of the vocabulary does not count.
fn given(vocab: &Vocab, texts: &Texts, defaults: SpecialIds) -> SpecialIds {
    let known = |id: i64| u32::try_from(id).ok().filter(|&id| id < texts.len());
    let mut ids = SpecialIds::default();
    for special in Special::ALL {
        let default = defaults.get(special).filter(|&id| id < texts.len());
        ids.set(special, default);
    }
    for &(special, id) in &vocab.special {
        if let Some(id) = known(id) {
            ids.set(special, Some(id));
        }
    }
    ids
}
