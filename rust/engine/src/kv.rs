//! Who owns which block of KV memory.
//!
//! The memory itself belongs to the executor; here are only numbers. Growth is on demand, a block
//! at a time, and a sequence gives all of its blocks back at once.

use crate::batch::{BLOCK, BlockId};
use crate::{Error, Result};

/// Blocks that hold `tokens` tokens.
pub fn blocks_for(tokens: usize) -> usize {
    tokens.div_ceil(BLOCK)
}

/// The blocks that no sequence uses.
#[derive(Debug)]
pub struct BlockPool {
    free: Vec<BlockId>,
    total: usize,
}

impl BlockPool {
    /// A pool of `total` free blocks; `total` fits a [`BlockId`].
    pub fn new(total: usize) -> Self {
        // Popped from the end: the lowest block first, and the one freed last again first.
        let free = (0..total as BlockId).rev().collect();
        Self { free, total }
    }

    /// Number of unused blocks.
    pub fn free(&self) -> usize {
        self.free.len()
    }

    /// Number of blocks, used or not.
    pub fn total(&self) -> usize {
        self.total
    }

    /// Makes `table` long enough for `tokens` tokens, or leaves it as it is.
    ///
    /// # Errors
    /// [`Error::Request`]: too few free blocks.
    pub fn grow(&mut self, table: &mut Vec<BlockId>, tokens: usize) -> Result<()> {
        let missing = blocks_for(tokens).saturating_sub(table.len());
        let rest = self.free.len().checked_sub(missing).ok_or_else(|| {
            Error::Request(format!(
                "KV memory is short: {missing} blocks wanted, {} of {} free",
                self.free.len(),
                self.total
            ))
        })?;
        table.extend(self.free.drain(rest..).rev());
        Ok(())
    }

    /// Takes back the blocks of `table` that `tokens` tokens do not need.
    pub fn shrink(&mut self, table: &mut Vec<BlockId>, tokens: usize) {
        let kept = blocks_for(tokens).min(table.len());
        self.free.extend(table.drain(kept..).rev());
        debug_assert!(self.free.len() <= self.total);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grows_by_need_and_takes_back() -> Result<()> {
        let mut pool = BlockPool::new(4);
        let mut table = Vec::new();
        pool.grow(&mut table, 0)?;
        assert_eq!((table.len(), pool.free()), (0, 4));
        pool.grow(&mut table, 33)?;
        assert_eq!((table.as_slice(), pool.free()), ([0, 1].as_slice(), 2));
        pool.grow(&mut table, 64)?;
        assert_eq!(table.len(), 2);
        pool.shrink(&mut table, 32);
        assert_eq!((table.as_slice(), pool.free()), ([0].as_slice(), 3));
        pool.shrink(&mut table, 0);
        assert_eq!(pool.free(), pool.total());
        Ok(())
    }

    #[test]
    fn a_short_pool_changes_nothing() {
        let mut pool = BlockPool::new(2);
        let mut table = Vec::new();
        let error = pool.grow(&mut table, 65).map_err(|e| e.to_string());
        assert_eq!(
            error,
            Err("KV memory is short: 3 blocks wanted, 2 of 2 free".to_string())
        );
        assert_eq!((table.len(), pool.free()), (0, 2));
    }
}
