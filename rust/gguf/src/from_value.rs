//! Conversions from metadata values to Rust types.

use crate::{Array, Strings, Value};

/// A type that metadata can be read as.
///
/// Integers convert between widths where the value fits, since published files vary; floats convert
/// between their two widths. Nothing else converts.
pub trait FromValue<'a>: Sized {
    /// The type's name in errors.
    const WANTED: &'static str;

    /// The converted value; `None`: another type, or it does not fit.
    fn from_value(value: &'a Value) -> Option<Self>;
}

macro_rules! from_value {
    ($($ty:ty, $wanted:literal: $convert:expr;)*) => {$(
        impl<'a> FromValue<'a> for $ty {
            const WANTED: &'static str = $wanted;

            fn from_value(value: &'a Value) -> Option<Self> {
                let convert: fn(&'a Value) -> Option<Self> = $convert;
                convert(value)
            }
        }
    )*};
}

from_value! {
    u8, "u8": |value| value.as_int();
    u16, "u16": |value| value.as_int();
    u32, "u32": |value| value.as_int();
    u64, "u64": |value| value.as_int();
    usize, "u64": |value| value.as_int();
    i8, "i8": |value| value.as_int();
    i16, "i16": |value| value.as_int();
    i32, "i32": |value| value.as_int();
    i64, "i64": |value| value.as_int();
    f32, "f32": |value| value.as_f64().map(|v| v as f32);
    f64, "f64": |value| value.as_f64();
    bool, "bool": |value| value.as_bool();
    &'a str, "string (UTF-8)": |value| value.as_str();
    &'a [u8], "string": |value| value.as_bytes();
    &'a Array, "array": |value| value.as_array();
    &'a Strings, "array[string]": |value| value.as_array()?.as_strings();
    Vec<u32>, "array[u32]": |value| value.as_array()?.to_ints();
    Vec<u64>, "array[u64]": |value| value.as_array()?.to_ints();
    Vec<usize>, "array[u64]": |value| value.as_array()?.to_ints();
    Vec<i32>, "array[i32]": |value| value.as_array()?.to_ints();
    Vec<i64>, "array[i64]": |value| value.as_array()?.to_ints();
    Vec<f32>, "array[f32]": |value| value.as_array()?.to_f32s();
    Vec<bool>, "array[bool]": |value| match value.as_array()? {
        Array::Bool(flags) => Some(flags.clone()),
        _ => None,
    };
}
