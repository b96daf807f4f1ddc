//! A mixture of experts: the rows that chose an expert are computed as one matrix.

use std::ops::Range;

use ollamars_kernels::{self as kernels, Aligned, GROUP, Level, PANEL, Shared, matmul_panels};

use super::plan::{Mixture, Part, Plan, Reg, Slot};
use super::step::Step;
use crate::program::{Experts, Weight};
use crate::spec::Shares;

/// Memory for what a step's rows choose, large enough for every mixture of a plan.
#[derive(Debug)]
pub struct Choices {
    /// `[rows, used]`: experts, ascending.
    chosen: Aligned<i32>,
    /// `[rows, used]`: their shares.
    shares: Aligned<f32>,
    /// `[rows, used]`: where the row lies among the rows that were sent.
    places: Aligned<i32>,
    /// For each place its row, or -1.
    senders: Aligned<i32>,
    /// For each group of places its expert.
    owners: Aligned<i32>,
    /// For each expert its first group and its number of rows, then for all.
    lists: Aligned<i32>,
}

/// [`Choices`], in use by several threads.
#[derive(Clone, Copy)]
pub struct Routing<'a> {
    chosen: Shared<'a, i32>,
    shares: Shared<'a, f32>,
    places: Shared<'a, i32>,
    senders: Shared<'a, i32>,
    owners: Shared<'a, i32>,
    lists: Shared<'a, i32>,
}

impl Choices {
    /// For steps of up to `max_rows` rows.
    pub fn new(plan: &Plan, max_rows: usize) -> Self {
        let most = |of: fn(&Mixture) -> usize| plan.experts.iter().map(of).max().unwrap_or(0);
        let (used, count) = (max_rows * most(|e| e.used), most(|e| e.count));
        let groups = used.div_ceil(GROUP) + count;
        Self {
            chosen: Aligned::zeroed(used),
            shares: Aligned::zeroed(used),
            places: Aligned::zeroed(used),
            senders: Aligned::zeroed(groups * GROUP),
            owners: Aligned::zeroed(groups),
            lists: Aligned::zeroed(2 * count + 1),
        }
    }

    /// For the threads of a step.
    pub fn routing(&mut self) -> Routing<'_> {
        Routing {
            chosen: Shared::new(&mut self.chosen),
            shares: Shared::new(&mut self.shares),
            places: Shared::new(&mut self.places),
            senders: Shared::new(&mut self.senders),
            owners: Shared::new(&mut self.owners),
            lists: Shared::new(&mut self.lists),
        }
    }
}

/// The rows of one expert.
#[derive(Clone, Copy)]
struct Sent {
    expert: usize,
    group: usize,
    rows: usize,
}

impl Sent {
    fn places(self) -> Range<usize> {
        self.group * GROUP..self.group * GROUP + self.rows
    }
}

impl Routing<'_> {
    /// The `used` largest of a row's logits, the first of equals first, each with its share of the
    /// softmax over all, or over the chosen: of the sum of their probabilities.
    pub fn choose(&self, level: Level, row: usize, experts: &Experts, logits: &[f32]) {
        let used = experts.used;
        let range = row * used..(row + 1) * used;
        // SAFETY: the row is this thread's.
        let (chosen, shares) = unsafe {
            (
                self.chosen.part_mut(range.clone()),
                self.shares.part_mut(range),
            )
        };
        for (count, place) in (0..used).enumerate() {
            let is_free = |expert: &usize| !chosen[..count].contains(&(*expert as i32));
            let free = (0..logits.len()).filter(is_free);
            let best = free.reduce(|a, b| {
                if logits[b].total_cmp(&logits[a]).is_gt() {
                    b
                } else {
                    a
                }
            });
            chosen[place] = best.unwrap_or(0) as i32;
        }
        chosen.sort_unstable();
        for (share, &expert) in shares.iter_mut().zip(&*chosen) {
            *share = logits[expert as usize];
        }
        match experts.shares {
            Shares::OfChosen => kernels::softmax(level, shares),
            Shares::OfAll => {
                let most = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
                let total: f32 = logits.iter().map(|logit| (logit - most).exp()).sum();
                for share in shares {
                    *share = (*share - most).exp() / total;
                }
            }
        }
    }

    /// Lists the rows of each expert.
    fn sort(&self, rows: usize, experts: &Mixture) {
        let count = rows * experts.used;
        // SAFETY: one thread sorts; the choice is of an earlier stage.
        let (chosen, places, senders, owners, lists) = unsafe {
            (
                self.chosen.part(0..count),
                self.places.part_mut(0..count),
                self.senders.part_mut(0..self.senders.len()),
                self.owners.part_mut(0..self.owners.len()),
                self.lists.part_mut(0..self.lists.len()),
            )
        };
        lists.fill(0);
        let (numbers, last) = lists.split_at_mut(2 * experts.count);
        for &expert in chosen {
            numbers[2 * expert as usize + 1] += 1;
        }
        let mut groups = 0;
        for (expert, list) in numbers.chunks_exact_mut(2).enumerate() {
            let own = (list[1] as usize).div_ceil(GROUP);
            list[0] = groups as i32;
            owners[groups..groups + own].fill(expert as i32);
            groups += own;
            list[1] = 0;
        }
        last[0] = groups as i32;
        senders[..groups * GROUP].fill(-1);
        for (index, (&expert, to)) in chosen.iter().zip(places).enumerate() {
            let list = &mut numbers[2 * expert as usize..][..2];
            let place = list[0] as usize * GROUP + list[1] as usize;
            list[1] += 1;
            *to = place as i32;
            senders[place] = (index / experts.used) as i32;
        }
    }

    /// Groups of rows that were sent.
    fn groups(&self, experts: &Mixture) -> usize {
        // SAFETY: sorted in an earlier stage.
        unsafe { self.lists.part(2 * experts.count..2 * experts.count + 1)[0] as usize }
    }

    fn sent(&self, expert: usize) -> Sent {
        // SAFETY: sorted in an earlier stage.
        let list = unsafe { self.lists.part(2 * expert..2 * expert + 2) };
        Sent {
            expert,
            group: list[0] as usize,
            rows: list[1] as usize,
        }
    }

    fn owner(&self, group: usize) -> Sent {
        // SAFETY: sorted in an earlier stage.
        self.sent(unsafe { self.owners.part(group..group + 1)[0] as usize })
    }
}

impl Step<'_> {
    /// Units of a part of a mixture.
    pub fn expert_units(&self, experts: &Mixture, part: Part, threads: usize) -> usize {
        match part {
            Part::Sort => 1,
            Part::Send | Part::Hidden => self.routing.groups(experts),
            Part::GateUp => experts.count * self.pieces(experts.weights.up, threads),
            Part::Down => experts.count * self.pieces(experts.weights.down, threads),
        }
    }

    /// Pieces into which an expert's panels are cut.
    fn pieces(&self, weight: Weight, threads: usize) -> usize {
        self.weights.panels(weight).min(2 * threads)
    }

    /// One unit of a part.
    pub fn expert_part(&self, experts: &Mixture, part: Part, unit: usize, threads: usize) {
        match part {
            Part::Sort => self.routing.sort(self.count(experts.set), experts),
            Part::Send => self.send(experts, unit),
            Part::Hidden => self.quantize_sent(experts.gate, &[experts.hidden], unit),
            Part::GateUp => {
                let Experts { gate, up, .. } = experts.weights;
                let (sent, panels) = self.piece(up, unit, threads);
                if let Some(gate) = gate {
                    self.multiply(gate, experts.slots[0], sent, panels.clone(), experts.gate);
                    self.multiply(up, experts.slots[1], sent, panels.clone(), experts.up);
                } else {
                    self.multiply(up, experts.slots[1], sent, panels.clone(), experts.gate);
                }
                let width = self.weights.outputs(up);
                let columns = panels.start * PANEL..width.min(panels.end * PANEL);
                for place in sent.places() {
                    // SAFETY: these columns of this expert's rows are this thread's.
                    let of = |reg| unsafe { self.write_columns(reg, place, columns.clone()) };
                    let activation = experts.weights.activation.into();
                    if gate.is_some() {
                        kernels::glu(self.level, activation, of(experts.gate), of(experts.up));
                    } else {
                        kernels::activate(self.level, activation, of(experts.gate));
                    }
                }
            }
            Part::Down => {
                let down = experts.weights.down;
                let (sent, panels) = self.piece(down, unit, threads);
                self.multiply(down, experts.hidden, sent, panels, experts.down);
            }
        }
    }

    /// The expert and the panels of a unit.
    fn piece(&self, weight: Weight, unit: usize, threads: usize) -> (Sent, Range<usize>) {
        let (pieces, panels) = (self.pieces(weight, threads), self.weights.panels(weight));
        let (expert, piece) = (unit / pieces, unit % pieces);
        let at = |piece: usize| piece * panels / pieces;
        (self.routing.sent(expert), at(piece)..at(piece + 1))
    }

    fn multiply(&self, weight: Weight, slot: Slot, sent: Sent, panels: Range<usize>, out: Reg) {
        if sent.rows == 0 {
            return;
        }
        let x = self.acts[slot.0].part(sent.group, sent.rows);
        let out = self.shared(out, sent.places());
        // SAFETY: these columns of this expert's rows are this thread's.
        unsafe { matmul_panels(self.weights.expert(weight, sent.expert), &x, out, panels) };
    }

    /// Copies the rows of a group to their places, and quantizes them.
    fn send(&self, experts: &Mixture, group: usize) {
        let places = group * GROUP..(group + 1) * GROUP;
        // SAFETY: sorted in an earlier stage.
        let senders = unsafe { self.routing.senders.part(places.clone()) };
        for (place, &row) in places.zip(senders).filter(|(_, row)| **row >= 0) {
            let row = row as usize;
            // SAFETY: the place is this thread's, the row is of an earlier stage.
            unsafe {
                let to = self.write(experts.sent, place..place + 1);
                to.copy_from_slice(self.read(experts.x, row..row + 1));
            }
        }
        let [gate, up] = experts.slots;
        let slots = if gate == up {
            &experts.slots[..1]
        } else {
            &experts.slots
        };
        self.quantize_sent(experts.sent, slots, group);
    }

    /// Quantizes a group of places.
    fn quantize_sent(&self, x: Reg, slots: &[Slot], group: usize) {
        let sent = self.routing.owner(group);
        let places = group * GROUP..sent.places().end.min((group + 1) * GROUP);
        // SAFETY: written in an earlier stage, or by this unit.
        let x = unsafe { self.read(x, places) };
        for slot in slots {
            let acts = self.acts[slot.0].part(sent.group, sent.rows);
            // SAFETY: the group is this thread's.
            unsafe { acts.quantize_group(self.level, x, group - sent.group) };
        }
    }

    /// The weighted sum of a row's experts, in their order.
    pub fn combine(&self, experts: &Mixture, row: usize, out: &mut [f32]) {
        let range = row * experts.used..(row + 1) * experts.used;
        // SAFETY: written in earlier stages.
        let (places, shares) = unsafe {
            (
                self.routing.places.part(range.clone()),
                self.routing.shares.part(range),
            )
        };
        out.fill(0.0);
        for (&place, &share) in places.iter().zip(shares) {
            let place = place as usize;
            // SAFETY: written in an earlier stage.
            let result = unsafe { self.read(experts.down, place..place + 1) };
            kernels::add_scaled(self.level, out, share, result);
        }
    }
}
