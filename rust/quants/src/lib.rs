//! quants
