//! A mixture of experts: the rows of each chosen expert together.

use candle_core::{Device, Result, Tensor};

use super::Route;
use super::weights::Weights;
use crate::program::Experts;
use crate::spec::Shares;

/// A row of an expert and its share.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Choice {
    row: u32,
    share: f32,
}

/// The weighted sum of each row's experts. An expert's rows are computed as one matrix; a row's sum
/// is in the order of the experts.
pub fn moe(
    x: &Tensor,
    logits: &Tensor,
    experts: &Experts,
    weights: &Weights,
    route: Route,
) -> Result<Tensor> {
    let device = x.device();
    let mut out = x.zeros_like()?;
    let choices = choose(&logits.to_vec2()?, experts.used, experts.shares);
    for (expert, chosen) in choices.iter().enumerate() {
        if chosen.is_empty() {
            continue;
        }
        let (rows, shares) = tensors(chosen, device)?;
        let own = x.index_select(&rows, 0)?;
        let up = weights.expert(experts.up, expert, &own)?;
        let hidden = match experts.gate {
            Some(gate) => {
                let gate = weights.expert(gate, expert, &own)?;
                route.glu(&gate, &up, experts.activation)?
            }
            None => route.activate(&up, experts.activation)?,
        };
        let down = weights.expert(experts.down, expert, &hidden)?;
        out = out.index_add(&rows, &down.broadcast_mul(&shares)?, 0)?;
    }
    Ok(out)
}

/// For each expert the rows that chose it: the `used` largest logits of a row, each with its share
/// of the softmax over all, or over the chosen: of the sum of their probabilities.
fn choose(logits: &[Vec<f32>], used: usize, shares: Shares) -> Vec<Vec<Choice>> {
    let experts = logits.first().map_or(0, Vec::len);
    let mut chosen = vec![Vec::new(); experts];
    for (row, logits) in logits.iter().enumerate() {
        let mut order: Vec<usize> = (0..logits.len()).collect();
        order.sort_by(|&a, &b| logits[b].total_cmp(&logits[a]).then(a.cmp(&b)));
        let most = order.first().map_or(0.0, |&best| logits[best]);
        let weight = |&expert: &usize| (logits[expert] - most).exp();
        let counted = match shares {
            Shares::OfChosen => order.get(..used).unwrap_or(&order),
            Shares::OfAll => &order,
        };
        let total: f32 = counted.iter().map(weight).sum();
        order.truncate(used);
        for expert in &order {
            chosen[*expert].push(Choice {
                row: row as u32,
                share: weight(expert) / total,
            });
        }
    }
    chosen
}

/// Rows `[n]` and shares `[n, 1]`.
fn tensors(chosen: &[Choice], device: &Device) -> Result<(Tensor, Tensor)> {
    let rows: Vec<u32> = chosen.iter().map(|choice| choice.row).collect();
    let shares: Vec<f32> = chosen.iter().map(|choice| choice.share).collect();
    let count = chosen.len();
    Ok((
        Tensor::from_vec(rows, count, device)?,
        Tensor::from_vec(shares, (count, 1), device)?,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_of_the_chosen_sum_to_one() {
        let logits = [vec![0.0, 2.0, 1.0, -1.0], vec![3.0, 3.0, 0.0, 0.0]];
        let chosen = choose(&logits, 2, Shares::OfChosen);
        let share = |x: f32| 1.0 / (1.0 + x.exp());
        let of = |row, share| Choice { row, share };
        assert_eq!(chosen[0], [of(1, 0.5)]);
        assert_eq!(chosen[1], [of(0, share(-1.0)), of(1, 0.5)]);
        assert_eq!(chosen[2].len(), 1);
        assert!((chosen[2][0].share - share(1.0)).abs() < 1e-7);
        assert!(chosen[3].is_empty());
    }

    #[test]
    fn shares_of_all_are_probabilities() {
        let chosen = choose(&[vec![0.0, 0.0, 0.0, 3.0_f32.ln()]], 2, Shares::OfAll);
        assert!((chosen[3][0].share - 0.5).abs() < 1e-6);
        assert!((chosen[0][0].share - 1.0 / 6.0).abs() < 1e-6);
    }
}
