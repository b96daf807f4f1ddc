//! Where buffers lie that do not live at the same time.

use std::ops::RangeInclusive;

/// Values of a cache line: buffers begin at one.
const LINE: usize = 16;

/// A buffer's size in values, and the stages in which it is used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Life {
    pub size: usize,
    pub stages: RangeInclusive<usize>,
}

/// The first value of each buffer, and how many there are together: each at the lowest place that no
/// other one needs meanwhile.
pub fn arrange(lives: &[Life]) -> (Vec<usize>, usize) {
    let mut order: Vec<usize> = (0..lives.len()).collect();
    order.sort_by_key(|&index| (*lives[index].stages.start(), index));
    let mut starts = vec![0; lives.len()];
    let mut placed: Vec<usize> = Vec::new();
    let mut total = 0;
    for index in order {
        let Life { size, stages } = &lives[index];
        placed.retain(|&other| lives[other].stages.end() >= stages.start());
        placed.sort_by_key(|&other| starts[other]);
        let mut start = 0;
        for &other in &placed {
            if start + size <= starts[other] {
                break;
            }
            start = start.max((starts[other] + lives[other].size).next_multiple_of(LINE));
        }
        starts[index] = start;
        total = total.max(start + size);
        placed.push(index);
    }
    (starts, total)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lives_together_lies_apart() {
        let life = |size, stages| Life { size, stages };
        let lives = [
            life(20, 0..=2),
            life(16, 1..=1),
            life(30, 2..=4),
            life(16, 2..=3),
            life(8, 5..=9),
        ];
        assert_eq!(arrange(&lives), (vec![0, 32, 32, 64, 0], 80));
    }
}
