//! Numbers of 16 bits with the exponent of an `f32`, as products of pairs take them.
//!
//! VDPBF16PS takes subnormal numbers for zero, as operands and as results. Numbers below 2^-52 count
//! as zero here: the least bit of a product is then 2^-118 or more, no sum of products is subnormal,
//! and the instruction does what two fused multiply-adds do.

/// Bits of 2^-52.
const SMALLEST: u16 = (127 - 52) << 7;

/// The number, or zero if it is too small.
#[inline(always)]
pub(crate) fn flushed(bits: u16) -> u16 {
    if bits & 0x7fff < SMALLEST { 0 } else { bits }
}

/// The nearest number, ties to even, or zero if it is too small.
#[inline(always)]
pub(crate) fn rounded(value: f32) -> u16 {
    let bits = value.to_bits();
    let nearest = bits.wrapping_add(0x7fff + (bits >> 16 & 1));
    // Rounding up could make another number of one that is none.
    let number = if value.is_nan() {
        bits | 0x40_0000
    } else {
        nearest
    };
    flushed((number >> 16) as u16)
}

/// The number as an `f32`.
pub(crate) fn to_f32(bits: u16) -> f32 {
    f32::from_bits(u32::from(bits) << 16)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounding_is_that_of_half() {
        for bits in (0..=u32::MAX).step_by(65_521) {
            let value = f32::from_bits(bits);
            let want = half::bf16::from_f32(value);
            let got = to_f32(rounded(value));
            match value.abs() < 2f32.powi(-53) {
                true => assert_eq!(got, 0.0, "{value}"),
                false if want.to_f32().abs() < 2f32.powi(-52) => assert_eq!(got, 0.0, "{value}"),
                false => assert!(
                    got == want.to_f32() || got.is_nan() && value.is_nan(),
                    "{value} is {got}"
                ),
            }
        }
    }
}
