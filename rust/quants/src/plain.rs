//! Types that store each weight as one number.

use half::f16;
use half::slice::HalfFloatSliceExt;

use crate::blocks::each_block;

pub(crate) fn f32(source: &[u8], target: &mut [f32]) {
    each_block(source, target, |&bytes, [out]| {
        *out = f32::from_le_bytes(bytes)
    });
}

pub(crate) fn f64(source: &[u8], target: &mut [f32]) {
    each_block(source, target, |&bytes, [out]| {
        *out = f64::from_le_bytes(bytes) as f32;
    });
}

/// In pieces that fit a register file's conversion loop: `half` uses the processor's instruction.
pub(crate) fn f16(source: &[u8], target: &mut [f32]) {
    let mut halves = [f16::ZERO; 256];
    let values = source.as_chunks::<2>().0;
    for (values, out) in values.chunks(256).zip(target.chunks_mut(256)) {
        for (half, &bytes) in halves.iter_mut().zip(values) {
            *half = f16::from_le_bytes(bytes);
        }
        if let Some(halves) = halves.get(..out.len()) {
            halves.convert_to_f32_slice(out);
        }
    }
}

pub(crate) fn bf16(source: &[u8], target: &mut [f32]) {
    each_block(source, target, |&bytes, [out]| {
        *out = f32::from_bits(u32::from(u16::from_le_bytes(bytes)) << 16);
    });
}

pub(crate) fn i8(source: &[u8], target: &mut [f32]) {
    each_block(source, target, |&bytes, [out]| {
        *out = i8::from_le_bytes(bytes).into()
    });
}

pub(crate) fn i16(source: &[u8], target: &mut [f32]) {
    each_block(source, target, |&bytes, [out]| {
        *out = i16::from_le_bytes(bytes).into()
    });
}

pub(crate) fn i32(source: &[u8], target: &mut [f32]) {
    each_block(source, target, |&bytes, [out]| {
        *out = i32::from_le_bytes(bytes) as f32;
    });
}

pub(crate) fn i64(source: &[u8], target: &mut [f32]) {
    each_block(source, target, |&bytes, [out]| {
        *out = i64::from_le_bytes(bytes) as f32;
    });
}
