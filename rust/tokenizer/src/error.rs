//! What can be wrong with a vocabulary or a request to a tokenizer.

/// Why a vocabulary cannot be used, or a token id means nothing.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The metadata cannot be read as a vocabulary.
    #[error(transparent)]
    Gguf(#[from] ollamars_gguf::Error),
    /// `tokenizer.ggml.model` names a kind of tokenizer that is not known here.
    #[error("tokenizer.ggml.model: unknown tokenizer '{model}' (known: {known})")]
    UnknownModel {
        /// What the file says.
        model: String,
        /// The names that are known, with commas.
        known: String,
    },
    /// `tokenizer.ggml.pre` names a way of splitting text that is not known here.
    #[error("tokenizer.ggml.pre: unknown pre-tokenizer type: '{pre}'")]
    UnknownPre {
        /// What the file says.
        pre: String,
    },
    /// A list has fewer elements than there are tokens.
    #[error("{list}: {found} elements for {tokens} tokens")]
    TooShort {
        /// Key of the list.
        list: &'static str,
        /// Elements that it has.
        found: usize,
        /// Tokens of the vocabulary.
        tokens: usize,
    },
    /// More tokens than an id can count.
    #[error("tokenizer.ggml.tokens: {tokens} tokens are more than an id can count")]
    TooManyTokens {
        /// Tokens of the vocabulary.
        tokens: usize,
    },
    /// Two tokens have the same text.
    #[error("tokenizer.ggml.tokens: '{text}' has ids {first} and {second}")]
    DuplicateToken {
        /// The text, bytes that are not UTF-8 replaced.
        text: String,
        /// Id of the first.
        first: u32,
        /// Id of the second.
        second: u32,
    },
    /// A token of type byte whose text is not of the form `<0x2A>`.
    #[error("tokenizer.ggml.tokens: byte token {id} is '{text}', not of the form '<0x2A>'")]
    BadByteToken {
        /// Its id.
        id: u32,
        /// Its text, bytes that are not UTF-8 replaced.
        text: String,
    },
    /// A score that is not a number.
    #[error("tokenizer.ggml.scores: the score of token {id} is not a number")]
    BadScore {
        /// The token.
        id: u32,
    },
    /// Unigram cannot do without a token for unknown text.
    #[error("tokenizer.ggml.unknown_token_id: is not set, or is no token")]
    NoUnknown,
    /// A map of characters that is cut off.
    #[error("tokenizer.ggml.precompiled_charsmap: its {bytes} bytes are fewer than it says")]
    BadCharsmap {
        /// Bytes that there are.
        bytes: usize,
    },
    /// A flag asks for a token that the vocabulary does not name.
    #[error("{flag} is true, but {id_key} is not set")]
    MissingSpecial {
        /// Key of the flag.
        flag: &'static str,
        /// Key of the id.
        id_key: &'static str,
    },
    /// An id that is not in the vocabulary.
    #[error("token id {id} is outside of the vocabulary of {tokens} tokens")]
    NoSuchToken {
        /// The id.
        id: u32,
        /// Tokens of the vocabulary.
        tokens: u32,
    },
}
