//! How a stage's panels are divided: large pieces first, small ones at the end, so that few are
//! asked for and threads end together.

use super::plan::Panels;

/// Panels that a kernel takes at once at best.
const LEAST: usize = 4;

/// Pieces of joints that have so many panels.
pub fn guided(counts: &[usize], threads: usize) -> Vec<Panels> {
    let mut rest: usize = counts.iter().sum();
    let mut units = Vec::new();
    for (joint, &count) in counts.iter().enumerate() {
        let mut start = 0;
        while start < count {
            let size = match threads {
                1 => count,
                _ => (rest / (2 * threads)).next_multiple_of(LEAST).max(LEAST),
            };
            let panels = start..count.min(start + size);
            rest -= panels.len();
            start = panels.end;
            units.push(Panels { joint, panels });
        }
    }
    units
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_cover_all_and_shrink() {
        for threads in [1, 2, 5] {
            let counts = [36, 1, 12, 100];
            let units = guided(&counts, threads);
            for (joint, &count) in counts.iter().enumerate() {
                let mut next = 0;
                for unit in units.iter().filter(|unit| unit.joint == joint) {
                    assert_eq!(unit.panels.start, next);
                    next = unit.panels.end;
                }
                assert_eq!(next, count);
            }
            let last = units.last().map_or(0, |unit| unit.panels.len());
            assert!(threads == 1 || last <= LEAST, "{last}");
        }
    }
}
