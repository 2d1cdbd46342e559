//! What the vault's tests share.

use crate::random::Random;
use std::sync::atomic::{AtomicU64, Ordering};

/// Counts instead of being random: repeatable, and never the same twice.
#[derive(Debug, Default)]
pub(crate) struct Counting(AtomicU64);

impl Counting {
    /// Another count from the start on.
    pub(crate) fn from(start: u64) -> Self {
        Self(AtomicU64::new(start))
    }
}

impl Random for Counting {
    fn fill(&self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(8) {
            let count = self.0.fetch_add(1, Ordering::Relaxed).to_be_bytes();
            chunk.copy_from_slice(&count[..chunk.len()]);
        }
    }
}
