//! Products of some panels with all rows, and what follows them column by column.

use ollamars_kernels::{self as kernels, PANEL, matmul_panels};

use super::plan::{Joint, Panels, Product, Then};
use super::step::Step;
use crate::program::RowSet;

impl Step<'_> {
    /// One unit of a products' stage.
    pub fn panels(&self, set: RowSet, joints: &[Joint], unit: &Panels) {
        let joint = &joints[unit.joint];
        let rows = self.count(set);
        for product in &joint.products {
            self.product(product, rows, unit);
        }
        let Some(first) = joint.products.first() else {
            return;
        };
        let width = self.plan.places[first.out.0].width;
        let columns = unit.panels.start * PANEL..width.min(unit.panels.end * PANEL);
        for row in 0..rows {
            // SAFETY: these columns of all rows are this thread's; different products have
            // different places.
            let of = |reg| unsafe { self.write_columns(reg, row, columns.clone()) };
            match joint.then {
                Then::Nothing => {}
                Then::AddTo(to) => kernels::add(self.level, of(to), of(first.out)),
                Then::Activate(activation) => {
                    kernels::activate(self.level, activation.into(), of(first.out));
                }
                Then::Softcap(cap) => kernels::softcap(self.level, of(first.out), cap),
                Then::Glu(activation) => {
                    let up = joint.products[1].out;
                    kernels::glu(self.level, activation.into(), of(first.out), of(up));
                }
            }
        }
    }

    fn product(&self, product: &Product, rows: usize, unit: &Panels) {
        let (weights, x) = (
            self.weights.matrix(product.weight),
            &self.acts[product.slot.0],
        );
        let out = self.shared(product.out, 0..rows);
        // SAFETY: these columns are this thread's; the activations are of an earlier stage.
        unsafe { matmul_panels(weights, x, out, unit.panels.clone()) };
        let Some(bias) = product.bias else { return };
        let columns = unit.panels.start * PANEL..weights.outputs().min(unit.panels.end * PANEL);
        let bias = &self.weights.vector(bias)[columns.clone()];
        for row in 0..rows {
            // SAFETY: these columns are this thread's.
            let out = unsafe { self.write_columns(product.out, row, columns.clone()) };
            kernels::add(self.level, out, bias);
        }
    }
}
