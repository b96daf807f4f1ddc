//! The pool that all models of the process share.

use std::sync::{Arc, Mutex, PoisonError, Weak};

use ollamars_kernels::Pool;

use super::failed;
use crate::Result;

/// The pool of the models that are loaded.
static POOL: Mutex<Weak<Pool>> = Mutex::new(Weak::new());

/// A pool of at least `threads` threads: that of the other models if it is large enough.
pub fn pool(threads: usize) -> Result<Arc<Pool>> {
    let mut shared = POOL.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(pool) = shared.upgrade().filter(|pool| pool.threads() >= threads) {
        return Ok(pool);
    }
    let pool = Pool::new(threads).map_err(|error| failed(format!("{threads} threads: {error}")))?;
    let pool = Arc::new(pool);
    *shared = Arc::downgrade(&pool);
    Ok(pool)
}
