//! A checked walk over the bytes of a file.

use crate::Error;

/// A position in a file. Each read names what it reads, for the error.
pub(crate) struct Cursor<'a> {
    bytes: &'a [u8],
    position: usize,
}

impl<'a> Cursor<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, position: 0 }
    }

    /// Offset of the next byte in the file.
    pub(crate) fn offset(&self) -> u64 {
        self.position as u64
    }

    fn remaining(&self) -> u64 {
        (self.bytes.len() - self.position) as u64
    }

    /// The error for something that does not fit into the rest of the file.
    pub(crate) fn eof(&self, what: &str, needed: u64) -> Error {
        Error::UnexpectedEof {
            what: what.to_owned(),
            offset: self.offset(),
            needed,
            file_size: self.bytes.len() as u64,
        }
    }

    /// Checks that `count` things of at least `size` bytes fit into the rest of the file.
    pub(crate) fn expect(&self, count: u64, size: u64, what: &str) -> Result<(), Error> {
        let needed = count.saturating_mul(size);
        if needed > self.remaining() {
            return Err(self.eof(what, needed));
        }
        Ok(())
    }

    /// The next `count` bytes.
    pub(crate) fn take(&mut self, count: u64, what: &str) -> Result<&'a [u8], Error> {
        let rest = self.bytes.get(self.position..).unwrap_or_default();
        let taken = usize::try_from(count).ok().and_then(|n| rest.get(..n));
        let Some(taken) = taken else {
            return Err(self.eof(what, count));
        };
        self.position += taken.len();
        Ok(taken)
    }

    /// The next `N` bytes.
    pub(crate) fn array<const N: usize>(&mut self, what: &str) -> Result<[u8; N], Error> {
        let taken = self.take(N as u64, what)?;
        <[u8; N]>::try_from(taken).map_err(|_| self.eof(what, N as u64))
    }

    pub(crate) fn u32(&mut self, what: &str) -> Result<u32, Error> {
        self.array(what).map(u32::from_le_bytes)
    }

    pub(crate) fn u64(&mut self, what: &str) -> Result<u64, Error> {
        self.array(what).map(u64::from_le_bytes)
    }

    /// A string: its length as u64, then its bytes.
    pub(crate) fn string(&mut self, what: &str) -> Result<&'a [u8], Error> {
        let length = self.u64(what)?;
        self.take(length, what)
    }

    /// A string that must be UTF-8.
    pub(crate) fn text(&mut self, what: &str) -> Result<&'a str, Error> {
        let offset = self.offset();
        let bytes = self.string(what)?;
        std::str::from_utf8(bytes).map_err(|_| Error::NotUtf8 {
            what: what.to_owned(),
            offset,
        })
    }
}
