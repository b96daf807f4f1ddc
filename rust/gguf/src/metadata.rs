//! The key/value pairs of a file, in file order.

use std::collections::HashMap;

use crate::{Error, FromValue, Value};

/// Metadata: values in the order of the file, found by key in constant time.
#[derive(Clone, Debug, Default)]
pub struct Metadata {
    pairs: Vec<(String, Value)>,
    index: HashMap<String, usize>,
}

impl Metadata {
    /// Appends a pair. `false`, and nothing changed: the key is there already.
    pub(crate) fn push(&mut self, key: &str, value: Value) -> bool {
        if self.index.contains_key(key) {
            return false;
        }
        self.index.insert(key.to_owned(), self.pairs.len());
        self.pairs.push((key.to_owned(), value));
        true
    }

    /// All pairs in file order.
    pub fn pairs(&self) -> &[(String, Value)] {
        &self.pairs
    }

    /// Number of pairs.
    pub fn len(&self) -> usize {
        self.pairs.len()
    }

    /// Whether there is no pair.
    pub fn is_empty(&self) -> bool {
        self.pairs.is_empty()
    }

    /// The value of `key`.
    pub fn get(&self, key: &str) -> Option<&Value> {
        let &place = self.index.get(key)?;
        self.pairs.get(place).map(|(_, value)| value)
    }

    /// The value of `key` as a `T`, `None` if the key is missing.
    ///
    /// # Errors
    /// [`Error::WrongType`] if the value is of another type or does not fit.
    pub fn find<'a, T: FromValue<'a>>(&'a self, key: &str) -> Result<Option<T>, Error> {
        let Some(value) = self.get(key) else {
            return Ok(None);
        };
        match T::from_value(value) {
            Some(converted) => Ok(Some(converted)),
            None => Err(Error::WrongType {
                key: key.to_owned(),
                wanted: T::WANTED,
                found: describe(value),
            }),
        }
    }

    /// The value of `key` as a `T`.
    ///
    /// # Errors
    /// [`Error::MissingKey`], or [`Error::WrongType`] if the value is of another type or does not fit.
    pub fn require<'a, T: FromValue<'a>>(&'a self, key: &str) -> Result<T, Error> {
        self.find(key)?.ok_or_else(|| Error::MissingKey {
            key: key.to_owned(),
        })
    }
}

/// `require` under the name of the type it gives.
macro_rules! getters {
    ($($(#[$doc:meta])* $name:ident: $ty:ty;)*) => {
        impl Metadata {
            $(
                $(#[$doc])*
                ///
                /// # Errors
                /// As [`Metadata::require`].
                pub fn $name(&self, key: &str) -> Result<$ty, Error> {
                    self.require(key)
                }
            )*
        }
    };
}

getters! {
    /// An integer of any width that fits into a `u32`.
    u32: u32;
    /// An integer of any width that fits into a `u64`.
    u64: u64;
    /// An integer of any width that fits into an `i64`.
    i64: i64;
    /// A float of either width.
    f32: f32;
    /// A truth value.
    bool: bool;
    /// A string that is UTF-8.
    str: &str;
    /// The bytes of a string.
    bytes: &[u8];
    /// An array of strings.
    strings: &crate::Strings;
    /// An array of integers that fit into `u32`s.
    u32s: Vec<u32>;
    /// An array of integers that fit into `i32`s.
    i32s: Vec<i32>;
    /// An array of floats.
    f32s: Vec<f32>;
}

/// The type of a value, with the value itself where it is a number.
fn describe(value: &Value) -> String {
    match value.as_integer() {
        Some(number) => format!("{} {number}", value.type_name()),
        None => value.type_name(),
    }
}
