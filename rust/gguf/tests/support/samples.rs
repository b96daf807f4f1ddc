//! Small files, sound and broken: the corpus of the fuzz target.

use super::{File, array, string};

const U8: u32 = 0;
const I8: u32 = 1;
const U16: u32 = 2;
const I16: u32 = 3;
const U32: u32 = 4;
const I32: u32 = 5;
const F32: u32 = 6;
const BOOL: u32 = 7;
const STRING: u32 = 8;
const ARRAY: u32 = 9;
const U64: u32 = 10;
const I64: u32 = 11;
const F64: u32 = 12;

/// One key of each type.
pub fn every_type() -> File {
    let strings = [string(b"<s>"), string(b""), string(b"\xff\xfe")].concat();
    let inner = [array(I16, 1, &[1, 0]), array(STRING, 1, &string(b"x"))].concat();
    File::default()
        .key("general.architecture", STRING, &string(b"llama"))
        .key("u8", U8, &[200])
        .key("i8", I8, &[0xfe])
        .key("u16", U16, &60_000u16.to_le_bytes())
        .key("i16", I16, &(-300i16).to_le_bytes())
        .key("u32", U32, &4_000_000_000u32.to_le_bytes())
        .key("i32", I32, &(-70_000i32).to_le_bytes())
        .key("f32", F32, &0.5f32.to_le_bytes())
        .key("bool", BOOL, &[1])
        .key("not utf-8", STRING, &string(b"\xff"))
        .key("u64", U64, &u64::MAX.to_le_bytes())
        .key("i64", I64, &i64::MIN.to_le_bytes())
        .key("f64", F64, &0.1f64.to_le_bytes())
        .key("strings", ARRAY, &array(STRING, 3, &strings))
        .key(
            "floats",
            ARRAY,
            &array(F32, 2, &[0, 0, 128, 63, 0, 0, 0, 192]),
        )
        .key(
            "ints",
            ARRAY,
            &array(I32, 2, &[1, 0, 0, 0, 0xff, 0xff, 0xff, 0xff]),
        )
        .key("flags", ARRAY, &array(BOOL, 3, &[0, 1, 2]))
        .key("empty", ARRAY, &array(U64, 0, &[]))
        .key("nested", ARRAY, &array(ARRAY, 2, &inner))
}

/// Three tensors, one of a quantized and one of an unknown type.
pub fn tensors() -> File {
    every_type()
        .tensor("token_embd.weight", &[32, 2], 2, 0)
        .tensor("output_norm.weight", &[4], 0, 64)
        .tensor("future.weight", &[7, 3], 4000, 96)
        .data(&(0..96).collect::<Vec<u8>>())
}

/// A file of version 2 with an alignment of its own.
pub fn aligned() -> File {
    let mut file = File::default()
        .key("general.alignment", U32, &64u32.to_le_bytes())
        .tensor("a", &[1], 24, 0)
        .tensor("b", &[2, 1, 1, 1], 25, 64)
        .data(&[1; 68]);
    file.version = 2;
    file.alignment = 64;
    file
}

/// Sound files by name.
pub fn sound() -> Vec<(&'static str, Vec<u8>)> {
    vec![
        ("empty", File::default().bytes()),
        ("every-type", every_type().bytes()),
        ("tensors", tensors().bytes()),
        ("aligned", aligned().bytes()),
    ]
}

/// Broken files by name, and what the error says.
pub fn broken() -> Vec<(&'static str, Vec<u8>, &'static str)> {
    let mut all = broken_headers();
    all.extend(broken_metadata());
    all.extend(broken_tensors());
    all
}

fn broken_headers() -> Vec<(&'static str, Vec<u8>, &'static str)> {
    let stated = |tensors, keys| {
        let mut file = every_type();
        file.stated = (tensors, keys);
        file.bytes()
    };
    let version = |version| {
        let mut file = every_type();
        file.version = version;
        file.bytes()
    };
    vec![
        ("no-bytes", vec![], "supplied file was not in GGUF format"),
        (
            "short-magic",
            b"GGU".to_vec(),
            "supplied file was not in GGUF format",
        ),
        (
            "other-magic",
            b"PK\x03\x04 and more".to_vec(),
            "supplied file was not in GGUF format",
        ),
        (
            "magic-only",
            b"GGUF".to_vec(),
            "unexpected EOF: version at byte 4 needs 4 bytes",
        ),
        ("version-0", version(0), "GGUF version 0 is not supported"),
        ("version-1", version(1), "GGUF version 1 is not supported"),
        ("version-4", version(4), "GGUF version 4 is not supported"),
        ("big-endian", version(3u32.swap_bytes()), "big-endian"),
        ("big-endian-magic", b"FUGG\0\0\0\x03".to_vec(), "big-endian"),
        (
            "tensor-count",
            stated(Some(u64::MAX), None),
            "unexpected EOF: tensor table at byte",
        ),
        (
            "key-count",
            stated(None, Some(1 << 60)),
            "unexpected EOF: metadata at byte 24",
        ),
        ("key-count-1", stated(None, Some(20)), "unexpected EOF"),
    ]
}

fn broken_metadata() -> Vec<(&'static str, Vec<u8>, &'static str)> {
    let one = |ty, value: &[u8]| File::default().key("k", ty, value).bytes();
    let align = |ty, value: &[u8]| File::default().key("general.alignment", ty, value).bytes();
    let mut not_text = File::default().key("k", U8, &[0]);
    not_text.keys[0][8] = 0xff;
    let mut deep = array(U8, 0, &[]);
    for _ in 0..200 {
        deep = array(ARRAY, 1, &deep);
    }
    let twice = File::default().key("k", U8, &[0]).key("k", U8, &[1]);
    vec![
        ("key-length", b"GGUF\x03\0\0\0\0\0\0\0\0\0\0\0\x01\0\0\0\0\0\0\0\xff\xff\xff\xff\xff\xff\xff\xff aaaaaaaaaaaa".to_vec(),
            "key number 0 at byte 32 needs 18446744073709551615 bytes"),
        ("key-not-utf8", not_text.bytes(), "key number 0 at byte 24 is not UTF-8"),
        ("key-twice", twice.bytes(), "key \"k\" at byte 38 occurs twice"),
        ("value-type", one(13, &[0; 8]), "value of \"k\" at byte 33: unknown value type 13"),
        ("value-cut", one(U64, &[0; 7]), "value of \"k\" at byte 37 needs 8 bytes"),
        ("string-length", one(STRING, &[0xff; 8]), "needs 18446744073709551615 bytes"),
        ("array-type", one(ARRAY, &array(77, 0, &[])), "unknown value type 77"),
        ("array-count", one(ARRAY, &array(U64, 1 << 61, &[])), "needs 18446744073709551615 bytes"),
        ("array-cut", one(ARRAY, &array(U16, 4, &[0; 7])), "value of \"k\" at byte 49 needs 8 bytes"),
        ("array-strings", one(ARRAY, &array(STRING, 1 << 40, &[0; 64])), "unexpected EOF"),
        ("array-nested", one(ARRAY, &deep), "arrays nested more than 4 deep"),
        ("alignment-0", align(U32, &[0; 4]), "general.alignment is 0, not a power of two"),
        ("alignment-48", align(U32, &[48, 0, 0, 0]), "general.alignment is 48"),
        ("alignment-huge", align(U64, &(1u64 << 63).to_le_bytes()), "not a power of two up to 1048576"),
        ("alignment-type", align(STRING, &string(b"32")), "holds string, not u64"),
        ("alignment-negative", align(I32, &[0xe0, 0xff, 0xff, 0xff]), "holds i32 -32, not u64"),
    ]
}

fn broken_tensors() -> Vec<(&'static str, Vec<u8>, &'static str)> {
    let one = |dims: &[u64], ty, offset| {
        let file = File::default().tensor("t", dims, ty, offset);
        file.data(&[0; 64]).bytes()
    };
    let twice = File::default()
        .tensor("t", &[1], 0, 0)
        .tensor("t", &[1], 0, 0);
    let overlap = File::default()
        .tensor("u", &[1], 0, 32)
        .tensor("t", &[9], 0, 0);
    let mut cut = tensors().bytes();
    cut.truncate(cut.len() - 90);
    let mut not_text = File::default().tensor("t", &[1], 0, 0);
    not_text.tensors[0][8] = 0xc0;
    vec![
        (
            "dims-0",
            one(&[], 0, 0),
            "tensor \"t\" at byte 33 has 0 dimensions",
        ),
        ("dims-5", one(&[1; 5], 0, 0), "has 5 dimensions, not 1 to 4"),
        (
            "dim-zero",
            one(&[4, 0], 0, 0),
            "dimensions [4, 0] contain a zero",
        ),
        (
            "dim-product",
            one(&[1 << 32, 1 << 32], 0, 0),
            "are too large",
        ),
        ("dim-bytes", one(&[1 << 62], 28, 0), "are too large"),
        (
            "row",
            one(&[33], 2, 0),
            "row length 33 is not a multiple of the 32 weights of a Q4_0 block",
        ),
        (
            "offset-odd",
            one(&[4], 0, 4),
            "offset 4 is not a multiple of the alignment 32",
        ),
        (
            "offset-past",
            one(&[4], 0, 1 << 40),
            "tensor \"t\" offset+size (1099511627856) exceeds file size (128)",
        ),
        (
            "offset-wraps",
            one(&[4], 0, u64::MAX - 31),
            "exceeds file size (128)",
        ),
        (
            "size-past",
            one(&[17], 0, 0),
            "tensor \"t\" offset+size (132) exceeds file size (128)",
        ),
        (
            "unknown-past",
            one(&[17], 99, 96),
            "exceeds file size (128)",
        ),
        (
            "overlap",
            overlap.data(&[0; 96]).bytes(),
            "tensor \"u\" starts at byte 128, inside the data of tensor \"t\"",
        ),
        (
            "tensor-twice",
            twice.data(&[0; 4]).bytes(),
            "tensor \"t\" at byte 57 occurs twice",
        ),
        (
            "tensor-not-utf8",
            not_text.bytes(),
            "tensor name at byte 24 is not UTF-8",
        ),
        ("data-cut", cut, "exceeds file size"),
    ]
}
