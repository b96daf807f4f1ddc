//! A file descriptor that is readable when there is news: an eventfd, or a pipe where there is none.

use std::fs::File;
use std::io::{self, Write};
use std::os::fd::{AsRawFd, RawFd};

/// Both ends of the signal. Nothing here ever blocks.
#[derive(Debug)]
pub struct Wake {
    reader: File,
    writer: File,
}

impl Wake {
    /// Makes the descriptor.
    ///
    /// # Errors
    /// The operating system has none left.
    #[cfg(target_os = "linux")]
    pub fn new() -> io::Result<Self> {
        use std::os::fd::FromRawFd;
        // SAFETY: eventfd takes no pointers.
        let fd = unsafe { libc::eventfd(0, libc::EFD_CLOEXEC | libc::EFD_NONBLOCK) };
        if fd < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: fd was just opened and belongs to nobody else.
        let reader = unsafe { File::from_raw_fd(fd) };
        let writer = reader.try_clone()?;
        Ok(Self { reader, writer })
    }

    /// Makes the descriptor.
    ///
    /// # Errors
    /// The operating system has none left.
    #[cfg(not(target_os = "linux"))]
    pub fn new() -> io::Result<Self> {
        use std::os::fd::OwnedFd;
        let (reader, writer) = io::pipe()?;
        for fd in [reader.as_raw_fd(), writer.as_raw_fd()] {
            // SAFETY: fd is open here and fcntl takes no pointers with F_SETFL.
            if unsafe { libc::fcntl(fd, libc::F_SETFL, libc::O_NONBLOCK) } < 0 {
                return Err(io::Error::last_os_error());
            }
        }
        let (reader, writer) = (OwnedFd::from(reader).into(), OwnedFd::from(writer).into());
        Ok(Self { reader, writer })
    }

    /// The descriptor to wait for and to read 8 bytes from.
    pub fn fd(&self) -> RawFd {
        self.reader.as_raw_fd()
    }

    /// Makes the descriptor readable.
    pub fn signal(&self) {
        // It can only fail where the signal is already there.
        drop((&self.writer).write(&1_u64.to_ne_bytes()));
    }
}
