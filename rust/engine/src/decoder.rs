//! The one decoder: walks a [`ModelSpec`] and records the [`Program`] of a step.

use crate::program::{Buf, Output, Program};
use crate::recorder::Recorder;
use crate::spec::{Attention, Ffn, LayerSpec, Mixer, ModelSpec};

/// Records the program of a model.
pub fn record(spec: &ModelSpec) -> Program {
    let mut r = Recorder::new(&spec.ropes);
    let x = r.embed(&spec.embedding);
    let mut x = r.scale(x, spec.embedding_scale);
    for (index, layer) in spec.layers.iter().enumerate() {
        let last = index + 1 == spec.layers.len();
        x = self::layer(&mut r, x, layer, last);
    }
    let hidden = r.norm(x, &spec.output_norm);
    r.tail(Output::Logits, |r| {
        let logits = r.linear(hidden, &spec.head.linear);
        r.softcap_if(logits, spec.head.softcap)
    });
    r.tail(Output::Hidden, |_| hidden);
    if let Some(score) = &spec.score {
        r.tail(Output::Scores, |r| r.linear(hidden, score));
    }
    r.finish()
}

/// One layer. The last one goes on with the head rows alone as soon as its tokens are mixed.
fn layer(r: &mut Recorder, x: Buf, layer: &LayerSpec, last: bool) -> Buf {
    let normed = r.norm(x, &layer.mixer_norm);
    let (mixed, output) = match &layer.mixer {
        Mixer::Attention(attention) => (self::attention(r, normed, attention), &attention.output),
    };
    let (x, mixed) = if last {
        (r.rows(x), r.rows(mixed))
    } else {
        (x, mixed)
    };
    let mixed = r.linear(mixed, output);
    let mixed = r.norm_if(mixed, layer.mixer_post_norm.as_ref());
    let x = r.add(x, mixed);

    let normed = r.norm(x, &layer.ffn_norm);
    let fed = match &layer.ffn {
        Ffn::Glu(glu) => {
            let gate = r.linear(normed, &glu.gate);
            let up = r.linear(normed, &glu.up);
            let hidden = r.glu(gate, up, glu.activation);
            r.linear(hidden, &glu.down)
        }
        Ffn::Moe(moe) => r.moe(normed, moe),
    };
    let fed = r.norm_if(fed, layer.ffn_post_norm.as_ref());
    r.add(x, fed)
}

/// Up to the heads' results, before the output projection.
fn attention(r: &mut Recorder, x: Buf, a: &Attention) -> Buf {
    let shape = a.shape;
    let q = r.linear(x, &a.q);
    let k = r.linear(x, &a.k);
    let v = r.linear(x, &a.v);
    let mut q = r.norm_if(q, a.q_norm.as_ref());
    let mut k = r.norm_if(k, a.k_norm.as_ref());
    if let Some(rope) = a.rope {
        q = r.rope(q, rope, shape.heads);
        k = r.rope(k, rope, shape.kv_heads);
    }
    let q = r.temperature_if(q, a.temperature);
    r.attend(q, k, v, shape)
}
