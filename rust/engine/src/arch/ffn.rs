//! Feed-forward parts.

use super::reader::Reader;
use super::shared::{Sizes, name};
use crate::Result;
use crate::spec::{Activation, Ffn, Glu, Moe};

/// Experts where the file says that there are some, else one gated network.
pub fn ffn(r: &Reader<'_>, sizes: &Sizes, layer: usize) -> Result<Ffn> {
    let experts: Option<usize> = r.find("expert_count")?;
    match experts {
        None | Some(0) => glu(r, sizes, layer, Activation::Silu).map(Ffn::Glu),
        Some(experts) => moe(r, sizes, layer, experts).map(Ffn::Moe),
    }
}

/// One gated network.
pub fn glu(r: &Reader<'_>, sizes: &Sizes, layer: usize, activation: Activation) -> Result<Glu> {
    let hidden = hidden(r, layer)?;
    Ok(Glu {
        gate: r.linear(&name(layer, "ffn_gate"), sizes.n_embd, hidden)?,
        up: r.linear(&name(layer, "ffn_up"), sizes.n_embd, hidden)?,
        down: r.linear(&name(layer, "ffn_down"), hidden, sizes.n_embd)?,
        activation,
    })
}

fn moe(r: &Reader<'_>, sizes: &Sizes, layer: usize, experts: usize) -> Result<Moe> {
    const USED: &str = "expert_used_count";
    let (n_embd, hidden, used) = (sizes.n_embd, hidden(r, layer)?, r.size(USED)?);
    if used > experts {
        return Err(r.wrong(USED, format!("{used} of {experts} experts")));
    }
    let part = |part, shape: [usize; 3]| r.part(&name(layer, part), &shape);
    Ok(Moe {
        router: r.linear(&name(layer, "ffn_gate_inp"), n_embd, experts)?,
        gate: part("ffn_gate_exps.weight", [experts, hidden, n_embd])?,
        up: part("ffn_up_exps.weight", [experts, hidden, n_embd])?,
        down: part("ffn_down_exps.weight", [experts, n_embd, hidden])?,
        used,
        activation: Activation::Silu,
    })
}

fn hidden(r: &Reader<'_>, layer: usize) -> Result<usize> {
    const HIDDEN: &str = "feed_forward_length";
    let hidden = r.layer_size(HIDDEN, layer)?;
    hidden.ok_or_else(|| r.wrong(HIDDEN, "is missing"))
}
