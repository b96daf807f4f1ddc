//! The tokens that may still be drawn.

use std::cmp::Ordering;

/// One token with its logit; `p` is set by [`Candidates::softmax`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Candidate {
    /// Token id.
    pub id: u32,
    /// Its logit.
    pub logit: f32,
    /// Its probability among the candidates.
    pub p: f32,
}

impl Candidate {
    /// A negative zero becomes a positive one, so that equal logits are equal in every comparison.
    fn new(id: u32, logit: f32) -> Self {
        let logit = logit + 0.0;
        Self { id, logit, p: 0.0 }
    }

    /// Best first; of equal logits the lower id.
    fn order(&self, other: &Self) -> Ordering {
        other
            .logit
            .total_cmp(&self.logit)
            .then(self.id.cmp(&other.id))
    }
}

/// A set of candidates whose first `sorted` ones are its best, in order.
///
/// Sorting a whole vocabulary for every token costs more than a small model's step, so that only
/// as long a prefix as a filter looks at is ever sorted.
#[derive(Debug, Clone, Default)]
pub struct Candidates {
    items: Vec<Candidate>,
    sorted: usize,
}

impl Candidates {
    /// Replaces the set by the whole vocabulary.
    pub fn fill(&mut self, logits: &[f32]) {
        self.items.clear();
        self.sorted = 0;
        let all = logits.iter().zip(0..);
        self.items
            .extend(all.map(|(&logit, id)| Candidate::new(id, logit)));
    }

    /// Replaces the set by the `k` best of the vocabulary, sorted: one pass, O(n).
    pub fn fill_top_k(&mut self, logits: &[f32], k: usize) {
        let k = k.max(1);
        if k >= logits.len() / 2 {
            self.fill(logits);
            self.keep_best(k);
            return;
        }
        self.items.clear();
        self.sorted = 0;
        // Ids ascend, so a later logit equal to the k-th best loses against it.
        let mut floor = f32::NEG_INFINITY;
        for (&logit, id) in logits.iter().zip(0..) {
            if logit <= floor && self.items.len() >= k {
                continue;
            }
            self.items.push(Candidate::new(id, logit));
            if self.items.len() == 2 * k {
                floor = self
                    .items
                    .select_nth_unstable_by(k - 1, Candidate::order)
                    .1
                    .logit;
                self.items.truncate(k);
            }
        }
        self.keep_best(k);
    }

    /// The candidates; the first ones may be sorted.
    pub fn items(&self) -> &[Candidate] {
        &self.items
    }

    /// Number of candidates.
    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// The best candidate; of equal logits the lowest id.
    pub fn best(&self) -> Option<&Candidate> {
        match self.sorted {
            0 => self.items.iter().min_by(|a, b| a.order(b)),
            _ => self.items.first(),
        }
    }

    /// Sorts the best `n` to the front and returns them.
    pub fn sort_prefix(&mut self, n: usize) -> &[Candidate] {
        let n = n.min(self.items.len());
        if n > self.sorted {
            let rest = &mut self.items[self.sorted..];
            let wanted = n - self.sorted;
            if wanted < rest.len() {
                rest.select_nth_unstable_by(wanted, Candidate::order);
            }
            rest[..wanted].sort_unstable_by(Candidate::order);
            self.sorted = n;
        }
        &self.items[..n]
    }

    /// Keeps the best `n`, sorted; at least one.
    pub fn keep_best(&mut self, n: usize) {
        let n = n.max(1);
        self.sort_prefix(n);
        self.items.truncate(n);
        self.sorted = self.sorted.min(n);
    }

    /// Keeps what `keep` says; the best candidate always stays.
    pub fn retain(&mut self, keep: impl Fn(&Candidate) -> bool) {
        let best = self.best().map(|best| best.id);
        let mut kept_sorted = 0;
        let mut seen = 0;
        let sorted = self.sorted;
        self.items.retain(|candidate| {
            let stays = keep(candidate) || Some(candidate.id) == best;
            kept_sorted += usize::from(stays && seen < sorted);
            seen += 1;
            stays
        });
        self.sorted = kept_sorted;
    }

    /// Replaces the set by `items`, in any order.
    pub fn replace(&mut self, items: Vec<Candidate>) {
        self.items = items;
        self.sorted = 0;
    }

    /// Changes every logit by a function that keeps their order.
    pub fn map_logits(&mut self, f: impl Fn(f32) -> f32) {
        for candidate in &mut self.items {
            candidate.logit = f(candidate.logit);
        }
    }

    /// Sets the probabilities: they sum to 1.
    pub fn softmax(&mut self) {
        let max = self.best().map_or(0.0, |best| best.logit);
        let mut sum = 0.0_f64;
        for candidate in &mut self.items {
            candidate.p = (candidate.logit - max).exp();
            sum += f64::from(candidate.p);
        }
        let scale = 1.0 / sum;
        for candidate in &mut self.items {
            candidate.p = (f64::from(candidate.p) * scale) as f32;
        }
    }

    /// The candidate at `point` of the distribution, `0 <= point < 1`, in the present order.
    pub fn at(&self, point: f64) -> Option<&Candidate> {
        let total: f64 = self.items.iter().map(|c| f64::from(c.p)).sum();
        let mut left = total * point;
        let drawn = self.items.iter().find(|candidate| {
            left -= f64::from(candidate.p);
            left < 0.0
        });
        drawn.or_else(|| self.items.iter().rfind(|candidate| candidate.p > 0.0))
    }
}
