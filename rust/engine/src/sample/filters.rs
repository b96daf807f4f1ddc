//! The filters that narrow the candidates; each keeps at least one.

use super::candidates::Candidates;

/// Candidates that top-p sorts first; nearly always enough.
const TOP_P_PREFIX: usize = 256;

/// Keeps the fewest best candidates whose probabilities reach `p` (Holtzman et al. 2019).
pub fn top_p(candidates: &mut Candidates, p: f32) {
    if p >= 1.0 {
        return;
    }
    candidates.softmax();
    let mut prefix = TOP_P_PREFIX;
    loop {
        let mut mass = 0.0_f32;
        let reached = candidates.sort_prefix(prefix).iter().position(|c| {
            mass += c.p;
            mass >= p
        });
        match reached {
            Some(last) => return candidates.keep_best(last + 1),
            None if prefix >= candidates.len() => return,
            None => prefix = candidates.len(),
        }
    }
}

/// Keeps the candidates that are at least `p` times as probable as the best.
pub fn min_p(candidates: &mut Candidates, p: f32) {
    if p <= 0.0 {
        return;
    }
    if let Some(best) = candidates.best() {
        let least = best.logit + p.ln();
        candidates.retain(|c| c.logit >= least);
    }
}

/// Keeps the candidates whose surprise is nearest to the entropy until their mass is above `p`
/// (locally typical sampling, Meister et al. 2022).
pub fn typical(candidates: &mut Candidates, p: f32) {
    if p <= 0.0 || p >= 1.0 {
        return;
    }
    candidates.softmax();
    candidates.sort_prefix(candidates.len());
    let surprise = |p: f32| -p.max(f32::MIN_POSITIVE).ln();
    let entropy: f32 = candidates.items().iter().map(|c| c.p * surprise(c.p)).sum();
    let mut ranked = candidates.items().to_vec();
    // Stable: of equally typical candidates the more probable comes first.
    ranked.sort_by(|a, b| {
        let distance = |p| (surprise(p) - entropy).abs();
        distance(a.p).total_cmp(&distance(b.p))
    });
    let mut mass = 0.0_f32;
    let last = ranked.iter().position(|c| {
        mass += c.p;
        mass > p
    });
    if let Some(last) = last {
        ranked.truncate(last + 1);
    }
    candidates.replace(ranked);
}

/// Divides the logits by a positive temperature.
///
/// The best logit becomes 0, which changes no probability and keeps tiny temperatures finite.
pub fn temperature(candidates: &mut Candidates, t: f32) {
    let max = candidates.best().map_or(0.0, |best| best.logit);
    candidates.map_logits(|logit| if logit == max { 0.0 } else { (logit - max) / t });
}
