//! Tokens with a meaning: which there are, which keys name them, which texts give them away.

/// A token with a meaning of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(usize)]
pub enum Special {
    /// Beginning of a sequence.
    Bos,
    /// End of a sequence.
    Eos,
    /// End of a turn.
    Eot,
    /// End of a message.
    Eom,
    /// Unknown text.
    Unk,
    /// Separator of texts.
    Sep,
    /// Newline.
    Nl,
    /// Padding.
    Pad,
    /// Masked text.
    Mask,
    /// Fill in the middle: before the prefix.
    FimPre,
    /// Fill in the middle: before the suffix.
    FimSuf,
    /// Fill in the middle: before the middle.
    FimMid,
    /// Fill in the middle: padding.
    FimPad,
    /// Fill in the middle: repository name.
    FimRep,
    /// Fill in the middle: file separator.
    FimSep,
}

impl Special {
    /// All, in the order of the variants.
    pub const ALL: [Self; 15] = [
        Self::Bos,
        Self::Eos,
        Self::Eot,
        Self::Eom,
        Self::Unk,
        Self::Sep,
        Self::Nl,
        Self::Pad,
        Self::Mask,
        Self::FimPre,
        Self::FimSuf,
        Self::FimMid,
        Self::FimPad,
        Self::FimRep,
        Self::FimSep,
    ];

    /// The name that the Python package uses.
    pub fn name(self) -> &'static str {
        match self {
            Self::Bos => "bos",
            Self::Eos => "eos",
            Self::Eot => "eot",
            Self::Eom => "eom",
            Self::Unk => "unk",
            Self::Sep => "sep",
            Self::Nl => "nl",
            Self::Pad => "pad",
            Self::Mask => "mask",
            Self::FimPre => "fim_pre",
            Self::FimSuf => "fim_suf",
            Self::FimMid => "fim_mid",
            Self::FimPad => "fim_pad",
            Self::FimRep => "fim_rep",
            Self::FimSep => "fim_sep",
        }
    }
}

/// Metadata keys that name a special token. A later row wins over an earlier one.
pub(crate) const KEYS: &[(&str, Special)] = &[
    ("tokenizer.ggml.bos_token_id", Special::Bos),
    ("tokenizer.ggml.eos_token_id", Special::Eos),
    ("tokenizer.ggml.eot_token_id", Special::Eot),
    ("tokenizer.ggml.eom_token_id", Special::Eom),
    ("tokenizer.ggml.unknown_token_id", Special::Unk),
    ("tokenizer.ggml.seperator_token_id", Special::Sep),
    ("tokenizer.ggml.padding_token_id", Special::Pad),
    ("tokenizer.ggml.mask_token_id", Special::Mask),
    ("tokenizer.ggml.fim_pre_token_id", Special::FimPre),
    ("tokenizer.ggml.fim_suf_token_id", Special::FimSuf),
    ("tokenizer.ggml.fim_mid_token_id", Special::FimMid),
    ("tokenizer.ggml.fim_pad_token_id", Special::FimPad),
    ("tokenizer.ggml.fim_rep_token_id", Special::FimRep),
    ("tokenizer.ggml.fim_sep_token_id", Special::FimSep),
    ("tokenizer.ggml.prefix_token_id", Special::FimPre),
    ("tokenizer.ggml.suffix_token_id", Special::FimSuf),
    ("tokenizer.ggml.middle_token_id", Special::FimMid),
];

/// Texts that give a special token away where no key names it.
pub(crate) const BY_TEXT: &[(Special, &[&str])] = &[
    (
        Special::Eot,
        &[
            "<|eot_id|>",
            "<|im_end|>",
            "<|end|>",
            "<end_of_turn>",
            "<|endoftext|>",
            "<|end_of_text|>",
            "<EOT>",
            "_<EOT>",
            "[EOT]",
            "<｜end▁of▁sentence｜>",
            "<end_of_utterance>",
        ],
    ),
    (Special::Eom, &["<|eom_id|>"]),
    (
        Special::FimPre,
        &[
            "<|fim_prefix|>",
            "<fim-prefix>",
            "<fim_prefix>",
            "<｜fim▁begin｜>",
            "<PRE>",
            "▁<PRE>",
            "<|code_prefix|>",
            "<|prefix|>",
        ],
    ),
    (
        Special::FimSuf,
        &[
            "<|fim_suffix|>",
            "<fim-suffix>",
            "<fim_suffix>",
            "<｜fim▁hole｜>",
            "<SUF>",
            "▁<SUF>",
            "<|code_suffix|>",
            "<|suffix|>",
        ],
    ),
    (
        Special::FimMid,
        &[
            "<|fim_middle|>",
            "<fim-middle>",
            "<fim_middle>",
            "<｜fim▁end｜>",
            "<MID>",
            "▁<MID>",
            "<|code_middle|>",
            "<|middle|>",
        ],
    ),
    (
        Special::FimPad,
        &["<|fim_pad|>", "<fim-pad>", "<fim_pad>", "<PAD>", "[PAD]"],
    ),
    (
        Special::FimRep,
        &[
            "<|fim_repo|>",
            "<|repo_name|>",
            "<fim-repo>",
            "<REPO>",
            "<reponame>",
        ],
    ),
    (Special::FimSep, &["<|file_sep|>"]),
];

/// Texts of tokens that end generation, whatever the metadata say.
pub(crate) const END_OF_GENERATION: &[&str] = &[
    "<|eot_id|>",
    "<|im_end|>",
    "<|end|>",
    "<|return|>",
    "<|call|>",
    "<|flush|>",
    "<|calls|>",
    "<end_of_turn>",
    "<|endoftext|>",
    "</s>",
    "<|eom_id|>",
    "<EOT>",
    "_<EOT>",
    "[EOT]",
    "[EOS]",
    "<|end_of_text|>",
    "<end_of_utterance>",
    "<eos>",
    "<turn|>",
    "<|tool_response>",
    "<｜end▁of▁sentence｜>",
    "[e~[",
];

/// Texts of tokens that a stream always shows (gpt-oss' channels).
pub(crate) const ALWAYS_SHOWN: &[&str] =
    &["<|channel|>", "<|message|>", "<|start|>", "<|constrain|>"];

/// The ids of special tokens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SpecialIds([Option<u32>; Special::ALL.len()]);

impl SpecialIds {
    /// The id of a special token, if the vocabulary has it.
    pub fn get(&self, special: Special) -> Option<u32> {
        self.0.get(special as usize).copied().flatten()
    }

    pub(crate) fn set(&mut self, special: Special, id: Option<u32>) {
        if let Some(slot) = self.0.get_mut(special as usize) {
            *slot = id;
        }
    }

    pub(crate) fn with(mut self, special: Special, id: u32) -> Self {
        self.set(special, Some(id));
        self
    }

    /// Names and ids of all special tokens.
    pub fn named(&self) -> impl Iterator<Item = (&'static str, Option<u32>)> {
        let ids = *self;
        Special::ALL
            .into_iter()
            .map(move |s| (s.name(), ids.get(s)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variants_and_places_agree() {
        for (place, special) in Special::ALL.into_iter().enumerate() {
            assert_eq!(special as usize, place);
        }
        let ids = SpecialIds::default().with(Special::FimSep, 7);
        assert_eq!(ids.named().last(), Some(("fim_sep", Some(7))));
        assert_eq!(ids.get(Special::Bos), None);
    }
}
