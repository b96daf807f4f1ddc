//! Feed-forward parts.

use super::reader::Reader;
use super::shared::{Sizes, name};
use crate::Result;
use crate::spec::{Activation, Ffn, Glu, Mlp, Moe, Shares};

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

/// One gated network whose gate is stored before what it gates, in one matrix.
pub fn fused_glu(
    r: &Reader<'_>,
    sizes: &Sizes,
    layer: usize,
    activation: Activation,
) -> Result<Glu> {
    let hidden = hidden(r, layer)?;
    let [gate, up] = r.fused(&name(layer, "ffn_up"), sizes.n_embd, [hidden, hidden])?;
    Ok(Glu {
        gate,
        up,
        down: r.linear(&name(layer, "ffn_down"), hidden, sizes.n_embd)?,
        activation,
    })
}

/// One network without a gate.
pub fn mlp(r: &Reader<'_>, sizes: &Sizes, layer: usize, activation: Activation) -> Result<Mlp> {
    let hidden = hidden(r, layer)?;
    Ok(Mlp {
        up: r.linear(&name(layer, "ffn_up"), sizes.n_embd, hidden)?,
        down: r.linear(&name(layer, "ffn_down"), hidden, sizes.n_embd)?,
        activation,
    })
}

/// Experts without gates whose shares are those of all experts.
pub fn plain_moe(
    r: &Reader<'_>,
    sizes: &Sizes,
    layer: usize,
    activation: Activation,
) -> Result<Moe> {
    let (experts, n_embd, hidden) = (r.size("expert_count")?, sizes.n_embd, hidden(r, layer)?);
    let part = |part, shape: [usize; 3]| r.part(&name(layer, part), &shape);
    Ok(Moe {
        router: r.linear(&name(layer, "ffn_gate_inp"), n_embd, experts)?,
        gate: None,
        up: part("ffn_up_exps.weight", [experts, hidden, n_embd])?,
        down: part("ffn_down_exps.weight", [experts, n_embd, hidden])?,
        used: used(r, experts)?,
        activation,
        shares: Shares::OfAll,
    })
}

fn used(r: &Reader<'_>, experts: usize) -> Result<usize> {
    const USED: &str = "expert_used_count";
    let used = r.size(USED)?;
    if used > experts {
        return Err(r.wrong(USED, format!("{used} of {experts} experts")));
    }
    Ok(used)
}

fn moe(r: &Reader<'_>, sizes: &Sizes, layer: usize, experts: usize) -> Result<Moe> {
    let (n_embd, hidden) = (sizes.n_embd, hidden(r, layer)?);
    let part = |part, shape: [usize; 3]| r.part(&name(layer, part), &shape);
    Ok(Moe {
        router: r.linear(&name(layer, "ffn_gate_inp"), n_embd, experts)?,
        gate: Some(part("ffn_gate_exps.weight", [experts, hidden, n_embd])?),
        up: part("ffn_up_exps.weight", [experts, hidden, n_embd])?,
        down: part("ffn_down_exps.weight", [experts, n_embd, hidden])?,
        used: used(r, experts)?,
        activation: Activation::Silu,
        shares: Shares::OfChosen,
    })
}

fn hidden(r: &Reader<'_>, layer: usize) -> Result<usize> {
    const HIDDEN: &str = "feed_forward_length";
    let hidden = r.layer_size(HIDDEN, layer)?;
    hidden.ok_or_else(|| r.wrong(HIDDEN, "is missing"))
}
