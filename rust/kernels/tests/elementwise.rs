//! Norms, rotations and functions against `f64`, and all levels against the scalar one.

mod common;

use common::{Rng, bits};
use ollamars_kernels::{
    Activation, Level, RopeStyle, activate, add, add_scaled, glu, layer_norm, rms_norm, rope,
    rotation, scale, softcap, softmax,
};

const LENGTHS: &[usize] = if cfg!(miri) {
    &[1, 16, 35]
} else {
    &[1, 7, 8, 15, 16, 17, 64, 100, 259]
};

/// Every level gives the bits of the scalar one, whose result is near `want`.
fn same(name: &str, tolerance: f64, want: &[f64], run: impl Fn(Level) -> Vec<f32>) {
    let reference = run(Level::SCALAR);
    assert_eq!(reference.len(), want.len());
    for (i, (&got, &want)) in reference.iter().zip(want).enumerate() {
        let error = (f64::from(got) - want).abs();
        assert!(
            error <= tolerance * want.abs().max(1e-3),
            "{name}[{i}] is {got}, not {want}"
        );
    }
    for level in Level::available() {
        assert_eq!(
            bits(&run(level)),
            bits(&reference),
            "{name} of {} at {level}",
            want.len()
        );
    }
}

fn random(n: usize, rng: &mut Rng) -> Vec<f32> {
    (0..n).map(|_| 3.0 * rng.normal()).collect()
}

fn wide(x: &[f32]) -> impl Iterator<Item = f64> {
    x.iter().map(|&x| f64::from(x))
}

fn silu(x: f64) -> f64 {
    x / (1.0 + (-x).exp())
}

fn gelu(x: f64) -> f64 {
    let u = (2.0 / std::f64::consts::PI).sqrt() * (x + 0.044715 * x * x * x);
    0.5 * x * (1.0 + u.tanh())
}

#[test]
fn activations() {
    let rng = &mut Rng::new(1);
    for &n in LENGTHS {
        let (x, y) = (random(n, rng), random(n, rng));
        for (activation, f) in [
            (Activation::Silu, silu as fn(f64) -> f64),
            (Activation::Gelu, gelu),
        ] {
            let want: Vec<f64> = wide(&x).map(f).collect();
            same("activate", 2e-6, &want, |level| {
                let mut x = x.clone();
                activate(level, activation, &mut x);
                x
            });
            let want: Vec<f64> = wide(&x).zip(wide(&y)).map(|(x, y)| f(x) * y).collect();
            same("glu", 2e-6, &want, |level| {
                let mut x = x.clone();
                glu(level, activation, &mut x, &y);
                x
            });
        }
    }
}

#[test]
fn exponentials_are_good_to_two_units() {
    // Softmax of (x, 0) is e^x / (e^x + 1); far from zero it is the exponential itself.
    for i in (0..2000).step_by(if cfg!(miri) { 200 } else { 1 }) {
        let x = -87.0 + i as f32 * 0.0371;
        let want = f64::from(x).exp() / (f64::from(x).exp() + 1.0);
        let mut pair = [x, 0.0];
        softmax(Level::SCALAR, &mut pair);
        let error = (f64::from(pair[0]) - want).abs() / want;
        assert!(error < 3e-7, "softmax of {x} is off by {error}");
    }
}

#[test]
fn sums_products_and_caps() {
    let rng = &mut Rng::new(2);
    for &n in LENGTHS {
        let (x, y) = (random(n, rng), random(n, rng));
        let each = |f: fn(f64, f64) -> f64| -> Vec<f64> {
            wide(&x).zip(wide(&y)).map(|(x, y)| f(x, y)).collect()
        };
        let change = |f: &dyn Fn(&mut [f32])| {
            let mut x = x.clone();
            f(&mut x);
            x
        };
        same("add", 1e-5, &each(|x, y| x + y), |l| {
            change(&|x| add(l, x, &y))
        });
        let want = each(|x, y| x + 0.7f32 as f64 * y);
        same("add_scaled", 1e-5, &want, |l| {
            change(&|x| add_scaled(l, x, 0.7, &y))
        });
        same("scale", 1e-6, &each(|x, _| x * 2.5), |l| {
            change(&|x| scale(l, x, 2.5))
        });
        let want = each(|x, _| 5.0 * (x / 5.0).tanh());
        same("softcap", 1e-6, &want, |l| change(&|x| softcap(l, x, 5.0)));
        let max = wide(&x).fold(f64::NEG_INFINITY, f64::max);
        let sum: f64 = wide(&x).map(|x| (x - max).exp()).sum();
        let want: Vec<f64> = wide(&x).map(|x| (x - max).exp() / sum).collect();
        same("softmax", 1e-6, &want, |l| change(&|x| softmax(l, x)));
    }
}

#[test]
fn small_values_keep_their_digits_under_a_cap() {
    for x in [1e-3f32, -2e-5, 1e-10, 0.0] {
        let mut values = [x];
        softcap(Level::SCALAR, &mut values, 30.0);
        assert!(
            (values[0] - x).abs() <= 3e-7 * x.abs(),
            "{x} became {}",
            values[0]
        );
    }
}

#[test]
fn norms() {
    let rng = &mut Rng::new(3);
    for &n in LENGTHS {
        let (x, w, b) = (random(3 * n, rng), random(n, rng), random(n, rng));
        let (mut rms, mut layer) = (Vec::new(), Vec::new());
        for x in x.chunks(n) {
            let mean = wide(x).sum::<f64>() / n as f64;
            let squares = wide(x).map(|x| x * x).sum::<f64>() / n as f64;
            let variance = wide(x).map(|x| (x - mean) * (x - mean)).sum::<f64>() / n as f64;
            let (eps, parameters) = (f64::from(1e-5f32), wide(&w).zip(wide(&b)));
            for (x, (w, b)) in wide(x).zip(parameters) {
                rms.push(x / (squares + eps).sqrt() * w);
                layer.push((x - mean) / (variance + eps).sqrt() * w + b);
            }
        }
        same("rms_norm", 2e-6, &rms, |level| {
            let mut out = vec![f32::NAN; 3 * n];
            rms_norm(level, &x, &w, 1e-5, &mut out);
            out
        });
        // The difference from the mean loses digits.
        same("layer_norm", 1e-3, &layer, |level| {
            let mut out = vec![f32::NAN; 3 * n];
            layer_norm(level, &x, &w, &b, 1e-5, &mut out);
            out
        });
    }
}

#[test]
fn rotations() {
    let rng = &mut Rng::new(4);
    for (heads, head_dim, pairs) in [
        (1, 2, 1),
        (3, 64, 32),
        (2, 40, 13),
        (2, 80, 33),
        (1, 96, 48),
    ] {
        let frequencies: Vec<f64> = (0..pairs).map(|i| 0.9f64.powi(i as i32)).collect();
        let (mut cos, mut sin) = (vec![0.0; pairs], vec![0.0; pairs]);
        rotation(1234, &frequencies, 1.5, &mut cos, &mut sin);
        let x = random(heads * head_dim, rng);
        for style in [RopeStyle::Normal, RopeStyle::Neox] {
            let mut want: Vec<f64> = wide(&x).collect();
            for head in want.chunks_mut(head_dim) {
                for (i, frequency) in frequencies.iter().enumerate() {
                    let (a, b) = match style {
                        RopeStyle::Normal => (2 * i, 2 * i + 1),
                        RopeStyle::Neox => (i, i + pairs),
                    };
                    let (s, c) = (1234.0 * frequency).sin_cos();
                    let (x, y) = (head[a], head[b]);
                    head[a] = 1.5 * (x * c - y * s);
                    head[b] = 1.5 * (y * c + x * s);
                }
            }
            same("rope", 1e-3, &want, |level| {
                let mut x = x.clone();
                rope(level, style, &cos, &sin, &mut x, head_dim);
                x
            });
        }
    }
}

#[test]
fn what_is_not_a_number_stays_so_and_spoils_nothing_else() {
    for level in Level::available() {
        let mut x = [1.0, f32::NAN, -2.0, f32::INFINITY];
        activate(level, Activation::Silu, &mut x);
        assert!(
            x[1].is_nan() && x[0].is_finite() && x[2].is_finite(),
            "{x:?} at {level}"
        );
        let mut x = [f32::MIN_POSITIVE / 2.0, -1e-40];
        softcap(level, &mut x, 10.0);
        assert!(x.iter().all(|x| x.abs() < 1e-37), "{x:?} at {level}");
    }
}
