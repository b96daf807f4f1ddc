//! Instructions that a baseline processor lacks, in plain Rust, to the bit.

/// `a · b + c` rounded once, on processors without the instruction too: the product is exact in
/// `f64`, and its sum with `c` is rounded to odd before it becomes an `f32` (Boldo, Melquiond:
/// Emulation of a FMA, 2008).
#[inline(always)]
pub(crate) fn fma(a: f32, b: f32, c: f32) -> f32 {
    if cfg!(any(target_feature = "fma", target_arch = "aarch64")) {
        return a.mul_add(b, c);
    }
    let (product, c) = (f64::from(a) * f64::from(b), f64::from(c));
    let sum = product + c;
    let rest = sum - product;
    let error = (product - (sum - rest)) + (c - rest);
    let bits = sum.to_bits();
    let odd = if error != 0.0 && sum.is_finite() && bits & 1 == 0 {
        // One step towards the error: away from zero if it has the sum's sign.
        let away = (error > 0.0) == (sum > 0.0);
        f64::from_bits(if away { bits + 1 } else { bits - 1 })
    } else {
        sum
    };
    odd as f32
}

pub(crate) fn f16_to_f32(bits: u16) -> f32 {
    let sign = u32::from(bits & 0x8000) << 16;
    let (exponent, mantissa) = (u32::from(bits >> 10 & 31), u32::from(bits & 1023));
    let magnitude = match exponent {
        0 => (mantissa as f32 * (1.0 / 16_777_216.0)).to_bits(),
        // The processor's instruction makes signalling values quiet.
        31 if mantissa != 0 => 0x7fc0_0000 | mantissa << 13,
        31 => 0x7f80_0000,
        _ => (exponent + 112) << 23 | mantissa << 13,
    };
    f32::from_bits(sign | magnitude)
}

pub(crate) fn f32_to_f16(value: f32) -> u16 {
    let sign = (value.to_bits() >> 16) as u16 & 0x8000;
    let magnitude = value.abs();
    let bits = magnitude.to_bits();
    if value.is_nan() {
        return sign | 0x7e00 | (bits >> 13 & 0x3ff) as u16;
    }
    if magnitude >= 65520.0 {
        return sign | 0x7c00;
    }
    if magnitude < 1.0 / 16384.0 {
        return sign | (magnitude * 16_777_216.0).round_ties_even() as u16;
    }
    let rounded = bits + 0xfff + (bits >> 13 & 1);
    sign | ((rounded >> 13) - (112 << 10)) as u16
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers whose products and sums are hard to round.
    fn numbers() -> Vec<f32> {
        let ends = [
            0.0,
            -0.0,
            1e-45,
            f32::MIN_POSITIVE,
            1.0,
            f32::MAX,
            f32::INFINITY,
            f32::NAN,
        ];
        let mut bits = 0x1234_5678u32;
        let any = std::iter::repeat_with(|| {
            bits = bits.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            f32::from_bits(bits)
        });
        let near_one = (1..20).map(|i| 1.0 + f32::EPSILON * i as f32);
        any.take(40).chain(near_one).chain(ends).collect()
    }

    #[test]
    #[cfg_attr(miri, ignore = "nothing unsafe, many numbers")]
    fn multiply_add_is_rounded_once() {
        let numbers = numbers();
        for &a in &numbers {
            for &b in &numbers {
                for c in [-a * b, a, -b, 1e-38, 1.0 / 3.0] {
                    let (got, want) = (fma(a, b, c), a.mul_add(b, c));
                    let same = got.to_bits() == want.to_bits() || got.is_nan() && want.is_nan();
                    assert!(same, "{a:e} * {b:e} + {c:e} is {want:e}, not {got:e}");
                }
            }
        }
    }

    #[test]
    #[cfg_attr(miri, ignore = "nothing unsafe, many numbers")]
    fn halves_are_those_of_the_reference() {
        for bits in 0..=u16::MAX {
            let (got, want) = (f16_to_f32(bits), half::f16::from_bits(bits).to_f32());
            assert!(got == want || got.is_nan() && want.is_nan(), "{bits:#x}");
            if !got.is_nan() {
                assert_eq!(f32_to_f16(got), bits);
            }
        }
        for x in numbers()
            .into_iter()
            .chain((0..5000).map(|i| 65_000.0 + i as f32 / 4.0))
        {
            for x in [x, x * 1e-5, x * 1e-7, x * 3e-8] {
                let (got, want) = (f32_to_f16(x), half::f16::from_f32(x).to_bits());
                assert!(
                    got == want || x.is_nan(),
                    "{x:e} is {want:#x}, not {got:#x}"
                );
            }
        }
    }
}
