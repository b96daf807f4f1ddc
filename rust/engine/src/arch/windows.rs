//! Layers that see a sliding window, and those between them that see all.

use super::reader::Reader;
use crate::Result;
use crate::spec::Mask;

/// Which layers slide, and how.
#[derive(Debug, Clone, Copy)]
pub struct Windows {
    window: Option<usize>,
    period: usize,
    /// Whether the last layer of a period is the one that sees all, or the first one.
    full_last: bool,
    causal: bool,
}

impl Windows {
    /// Reads them; the last layer of every `period` sees all, unless the file has another period.
    /// A window of 0, like none, means that all layers see all.
    pub fn read(r: &Reader<'_>, period: usize) -> Result<Self> {
        const PERIOD: &str = "attention.sliding_window_pattern";
        let window: Option<usize> = r.find("attention.sliding_window")?;
        // Some files store a list instead, which the original does not read.
        let stored = if r.is_array(PERIOD) {
            None
        } else {
            r.size_if(PERIOD)?
        };
        Ok(Self {
            window: window.filter(|&window| window > 0),
            period: stored.unwrap_or(period),
            full_last: true,
            causal: true,
        })
    }

    /// The windows of an encoder: to both sides.
    pub fn to_both_sides(self) -> Self {
        Self {
            causal: false,
            ..self
        }
    }

    /// With the first layer of every period as the one that sees all.
    pub fn full_first(self) -> Self {
        Self {
            full_last: false,
            ..self
        }
    }

    /// Whether a layer slides.
    pub fn slides(&self, layer: usize) -> bool {
        let full = if self.full_last { self.period - 1 } else { 0 };
        self.window.is_some() && layer % self.period != full
    }

    /// What a layer sees.
    pub fn mask(&self, layer: usize) -> Mask {
        let window = self.window.filter(|_| self.slides(layer));
        if self.causal {
            Mask::Causal(window)
        } else {
            Mask::Whole(window)
        }
    }
}
