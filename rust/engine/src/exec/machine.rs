//! What the machine has.

/// Threads to compute with: physical cores unless the caller says otherwise, and never more than
/// there are.
pub fn threads(wanted: usize) -> usize {
    if wanted > 0 {
        return wanted;
    }
    let available = std::thread::available_parallelism().map_or(1, |count| count.get());
    num_cpus::get_physical().clamp(1, available)
}

/// Bytes that Linux thinks can be had without swapping; unknown elsewhere.
pub fn available_memory() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/meminfo").ok()?;
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix("MemAvailable:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kib.checked_mul(1024)
}

/// Whether the address space has room for `bytes` more.
pub fn can_reserve(bytes: usize) -> bool {
    Vec::<u8>::new().try_reserve_exact(bytes).is_ok()
}
