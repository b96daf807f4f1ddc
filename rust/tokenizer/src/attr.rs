//! Attributes of tokens, as bits.

/// Stands for text that the vocabulary does not have.
pub const UNKNOWN: u32 = 1;
/// Not in use.
pub const UNUSED: u32 = 2;
/// Ordinary text.
pub const NORMAL: u32 = 4;
/// Steers the model, is no text.
pub const CONTROL: u32 = 8;
/// Added by the model's maker; found in text before anything else.
pub const USER_DEFINED: u32 = 16;
/// One byte.
pub const BYTE: u32 = 32;
/// White space before it belongs to it.
pub const STRIP_LEFT: u32 = 128;
/// White space after it belongs to it.
pub const STRIP_RIGHT: u32 = 256;

/// Tokens that are hidden where special tokens are not rendered, and that are found in text only
/// where special tokens are parsed.
pub(crate) const HIDDEN: u32 = UNKNOWN | CONTROL;
/// Tokens that are searched for in text.
pub(crate) const SOUGHT: u32 = HIDDEN | USER_DEFINED;

/// The attribute of a GGUF token type; 0 for a type that GGUF does not define.
pub(crate) fn of_type(token_type: i32) -> u32 {
    match token_type {
        1 => NORMAL,
        2 => UNKNOWN,
        3 => CONTROL,
        4 => USER_DEFINED,
        5 => UNUSED,
        6 => BYTE,
        _ => 0,
    }
}
