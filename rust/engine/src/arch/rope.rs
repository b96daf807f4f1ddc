//! Rotary position embedding and the ways to stretch it.
//!
//! YaRN: Peng et al., <https://arxiv.org/abs/2309.00071>; the numbers are llama.cpp b10488's.

use super::reader::Reader;
use crate::Result;
use crate::spec::{Rope, RopeStyle};

/// Where the rotation's numbers come from.
#[derive(Debug, Clone, Copy)]
pub struct RopeKeys<'a> {
    /// Which values form a pair.
    pub style: RopeStyle,
    /// Values of a head; as many turn unless the file says otherwise.
    pub head_dim: usize,
    /// Spellings of the base's key.
    pub base: &'a [&'a str],
    /// The base where the file has none of them.
    pub default_base: f32,
    /// Spellings of YaRN's fast and slow beta, for an architecture that stores them.
    pub betas: [&'a [&'a str]; 2],
    /// Spellings of the multiplier of the logarithm in YaRN's magnitude, likewise.
    pub log_multiplier: &'a [&'a str],
}

impl RopeKeys<'_> {
    /// The keys of most architectures.
    pub fn new(style: RopeStyle, head_dim: usize) -> Self {
        Self {
            style,
            head_dim,
            base: &["rope.freq_base"],
            default_base: 10_000.0,
            betas: [&[], &[]],
            log_multiplier: &[],
        }
    }

    /// The rotation that the file asks for.
    pub fn read(&self, r: &Reader<'_>) -> Result<Rope> {
        self.stretched(r, &self.scaling(r)?)
    }

    /// The rotation with a given stretching.
    pub fn stretched(&self, r: &Reader<'_>, scaling: &Scaling) -> Result<Rope> {
        let dims = self.dims(r)?;
        let base = f64::from(r.positive(self.base)?.unwrap_or(self.default_base));
        let factors = factors(r, dims / 2, original_ctx(r)?)?;
        let plain = (0..dims / 2).map(|pair| {
            let frequency = base.powf(-2.0 * pair as f64 / dims as f64);
            factors
                .as_ref()
                .map_or(frequency, |all| frequency / f64::from(all[pair]))
        });
        let frequencies = match *scaling {
            Scaling::None => plain.collect(),
            Scaling::Linear { factor } => plain.map(|f| f / factor).collect(),
            Scaling::Yarn { factor, betas, .. } => {
                let ramp = Ramp::new(dims, original_ctx(r)?, base, betas);
                let mix = |(pair, f)| ramp.mix(pair, f, factor);
                plain.enumerate().map(mix).collect()
            }
        };
        let attention = r.positive(&["rope.scaling.attn_factor"])?.unwrap_or(1.0);
        Ok(Rope {
            style: self.style,
            frequencies,
            magnitude: f64::from(attention) * scaling.magnitude(),
        })
    }

    fn dims(&self, r: &Reader<'_>) -> Result<usize> {
        const DIMS: &str = "rope.dimension_count";
        let dims = r.size_if(DIMS)?.unwrap_or(self.head_dim);
        if dims > self.head_dim || dims % 2 != 0 {
            let why = format!("{dims} of {} values of a head", self.head_dim);
            return Err(r.wrong(DIMS, why));
        }
        Ok(dims)
    }

    fn scaling(&self, r: &Reader<'_>) -> Result<Scaling> {
        const TYPE: &str = "rope.scaling.type";
        let factor = r.float(&["rope.scaling.factor", "rope.scale_linear"])?;
        let factor = f64::from(factor.filter(|&factor| factor != 0.0).unwrap_or(1.0));
        if factor < 0.0 {
            return Err(r.wrong("rope.scaling.factor", "is negative"));
        }
        match r.find::<&str>(TYPE)? {
            Some("none") => Ok(Scaling::None),
            // The stretching of longrope is in its factors.
            None | Some("linear" | "longrope") => Ok(Scaling::Linear { factor }),
            Some("yarn") => self.yarn(r, factor),
            Some(other) => Err(r.wrong(TYPE, format!("'{other}' is unknown"))),
        }
    }

    fn yarn(&self, r: &Reader<'_>, factor: f64) -> Result<Scaling> {
        let [fast, slow] = self.betas;
        let fast = f64::from(r.positive(fast)?.unwrap_or(32.0));
        let slow = f64::from(r.positive(slow)?.unwrap_or(1.0));
        let log_multiplier = r.float(self.log_multiplier)?.unwrap_or(0.0);
        Ok(Scaling::Yarn {
            factor,
            betas: [fast, slow],
            log_multiplier: f64::from(log_multiplier),
        })
    }
}

/// How the angles are stretched to a longer context.
#[derive(Debug, Clone, Copy)]
pub enum Scaling {
    /// Not at all.
    None,
    /// All alike.
    Linear {
        /// All angles are divided by it.
        factor: f64,
    },
    /// Fast pairs not, slow pairs by the factor, a ramp between.
    Yarn {
        /// Of the slow pairs.
        factor: f64,
        /// Turns within the original context where the ramp begins and ends.
        betas: [f64; 2],
        /// 0: the magnitude is not divided.
        log_multiplier: f64,
    },
}

impl Scaling {
    fn magnitude(&self) -> f64 {
        let Self::Yarn {
            factor,
            log_multiplier,
            ..
        } = *self
        else {
            return 1.0;
        };
        let scale = |m: f64| {
            if factor <= 1.0 {
                1.0
            } else {
                1.0 + 0.1 * m * factor.ln()
            }
        };
        scale(1.0) / scale(log_multiplier)
    }
}

/// YaRN's ramp between the pairs `low` and `high`.
struct Ramp {
    low: f64,
    high: f64,
}

impl Ramp {
    fn new(dims: usize, original_ctx: usize, base: f64, [fast, slow]: [f64; 2]) -> Self {
        let (dims, ctx) = (dims as f64, original_ctx as f64);
        let pair =
            |turns: f64| dims * (ctx / (turns * std::f64::consts::TAU)).ln() / (2.0 * base.ln());
        Self {
            low: pair(fast).floor().max(0.0),
            high: pair(slow).ceil().min(dims - 1.0),
        }
    }

    fn mix(&self, pair: usize, frequency: f64, factor: f64) -> f64 {
        let along = (pair as f64 - self.low) / (self.high - self.low).max(0.001);
        let original = 1.0 - along.clamp(0.0, 1.0);
        frequency / factor * (1.0 - original) + frequency * original
    }
}

/// Tokens of context before the stretching.
pub fn original_ctx(r: &Reader<'_>) -> Result<usize> {
    match r.size_if("rope.scaling.original_context_length")? {
        Some(ctx) => Ok(ctx),
        None => r.size("context_length"),
    }
}

/// What each pair's angle is divided by, where the file has a table of it. Of two tables the long
/// one is for a context beyond the original.
fn factors(r: &Reader<'_>, pairs: usize, original_ctx: usize) -> Result<Option<Vec<f32>>> {
    let long = r.num_ctx() > original_ctx;
    let by_context = if long {
        "rope_factors_long.weight"
    } else {
        "rope_factors_short.weight"
    };
    for tensor in ["rope_freqs.weight", by_context] {
        let Some(factors) = r.values_if(tensor, pairs)? else {
            continue;
        };
        if factors
            .iter()
            .any(|&factor| factor == 0.0 || !factor.is_finite())
        {
            return Err(crate::Error::Tensor {
                name: tensor.to_string(),
                why: "a factor is 0 or not finite".to_string(),
            });
        }
        return Ok(Some(factors));
    }
    Ok(None)
}
