//! Layers that see a sliding window, and those between them that see all.

use super::reader::Reader;
use crate::Result;

/// Which layers slide.
#[derive(Debug, Clone, Copy)]
pub struct Windows {
    window: Option<usize>,
    period: usize,
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
        })
    }

    /// The window of a layer, if it slides.
    pub fn of(&self, layer: usize) -> Option<usize> {
        let full = layer % self.period == self.period - 1;
        self.window.filter(|_| !full)
    }
}
