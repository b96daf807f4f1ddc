//! The stage that is being filled: what goes into it, and what is joined with what is there.

use super::super::plan::{Joint, Product, RowOp, Stage, Then};
use super::super::units;
use super::Lowering;
use crate::program::{Buf, RowSet};

/// The stage that is being filled.
pub(super) enum Open {
    Nothing,
    Rows(RowSet, Vec<RowOp>),
    /// With the program's buffer that each joint computes.
    Products(RowSet, Vec<(Joint, Vec<Buf>)>),
}

impl Lowering<'_> {
    /// Appends an op to the rows' stage.
    pub(super) fn row(&mut self, set: RowSet, op: RowOp) {
        match &self.open {
            Open::Rows(open, _) if *open == set => {}
            _ => {
                self.close();
                self.open = Open::Rows(set, Vec::new());
            }
        }
        op.regs().for_each(|reg| self.touch(reg));
        if let Open::Rows(_, ops) = &mut self.open {
            ops.push(op);
        }
    }

    /// Appends a product to the products' stage.
    pub(super) fn product(&mut self, set: RowSet, product: Product, out: Buf) {
        match &self.open {
            Open::Products(open, _) if *open == set => {}
            _ => {
                self.close();
                self.open = Open::Products(set, Vec::new());
            }
        }
        self.touch(product.out);
        if let Open::Products(_, joints) = &mut self.open {
            let joint = Joint {
                products: vec![product],
                then: Then::Nothing,
            };
            joints.push((joint, vec![out]));
        }
    }

    /// Whether the last product of the open stage computes `x`, for one reader.
    pub(super) fn last_product(&self, x: Buf) -> bool {
        let Open::Products(_, joints) = &self.open else {
            return false;
        };
        let last = joints.last();
        let alone = last.is_some_and(|(joint, bufs)| *bufs == [x] && joint.then == Then::Nothing);
        alone && self.reads[x.0].count == 1
    }

    /// Whether `x` may be added to `to`, where it lies, panel by panel.
    pub(super) fn joins_add(&self, index: usize, to: Buf, x: Buf) -> bool {
        let Open::Products(_, joints) = &self.open else {
            return false;
        };
        let to_reg = self.reg(to);
        let writes = |joint: &Joint| {
            joint.then == Then::AddTo(to_reg) || joint.products.iter().any(|p| p.out == to_reg)
        };
        self.last_product(x)
            && self.reads[to.0].last == index
            && !joints.iter().any(|(joint, _)| writes(joint))
    }

    /// Whether the last two products of the open stage are a gate and what it gates.
    pub(super) fn joins_glu(&self, gate: Buf, up: Buf) -> bool {
        let Open::Products(_, joints) = &self.open else {
            return false;
        };
        let [.., (first, a), (second, b)] = joints.as_slice() else {
            return false;
        };
        let free = |joint: &Joint| joint.products.len() == 1 && joint.then == Then::Nothing;
        let once = [gate, up].iter().all(|buf| self.reads[buf.0].count == 1);
        free(first) && free(second) && *a == [gate] && *b == [up] && once
    }

    pub(super) fn join_glu(&mut self, then: Then, gate: Buf, out: Buf) {
        if let Open::Products(_, joints) = &mut self.open
            && let Some((up, _)) = joints.pop()
            && let Some((joint, _)) = joints.last_mut()
        {
            joint.products.extend(up.products);
            joint.then = then;
        }
        self.regs[out.0] = self.regs[gate.0];
    }

    /// What follows the last product.
    pub(super) fn join(&mut self, then: Then) {
        if let Then::AddTo(reg) = then {
            self.touch(reg);
        }
        if let Open::Products(_, joints) = &mut self.open
            && let Some((joint, _)) = joints.last_mut()
        {
            joint.then = then;
        }
    }

    /// Ends the open stage.
    pub(super) fn close(&mut self) {
        let stage = match std::mem::replace(&mut self.open, Open::Nothing) {
            Open::Nothing => return,
            Open::Rows(set, ops) => Stage::Rows { set, ops },
            Open::Products(set, joints) => {
                let joints: Vec<Joint> = joints.into_iter().map(|(joint, _)| joint).collect();
                let panels = |joint: &Joint| self.weights.panels(joint.products[0].weight);
                let counts: Vec<usize> = joints.iter().map(panels).collect();
                let units = units::guided(&counts, self.threads);
                Stage::Products { set, joints, units }
            }
        };
        self.plan.stages.push(stage);
    }
}
