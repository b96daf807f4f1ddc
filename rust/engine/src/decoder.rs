//! The one decoder: walks a [`ModelSpec`] and records the [`Program`] of a step.

use crate::program::{Buf, Lookup, Output, Program};
use crate::recorder::Recorder;
use crate::spec::{Attention, Ffn, HeadStep, LayerSpec, Mixer, ModelSpec, Norm};

/// Records the program of a model.
pub fn record(spec: &ModelSpec) -> Program {
    let mut r = Recorder::new(&spec.ropes);
    let mut x = embedding(&mut r, spec);
    for (index, layer) in spec.layers.iter().enumerate() {
        let last = index + 1 == spec.layers.len();
        x = self::layer(&mut r, x, layer, last);
    }
    let hidden = r.norm_if(x, spec.output_norm.as_ref());
    if let Some(head) = &spec.head {
        r.tail(Output::Logits, |r| {
            let logits = r.linear(hidden, &head.linear);
            r.softcap_if(logits, head.softcap)
        });
    }
    r.tail(Output::Hidden, |_| hidden);
    let embedder = &spec.embedder;
    r.tail(Output::Embedding, |r| {
        let pooled = r.pool(hidden);
        embedder
            .dense
            .iter()
            .fold(pooled, |x, dense| r.linear(x, dense))
    });
    if let Some(score) = &embedder.score {
        r.tail(Output::Scores, |r| {
            let pooled = r.pool(hidden);
            score
                .steps
                .iter()
                .fold(pooled, |x, step| head_step(r, x, step))
        });
    }
    r.finish()
}

/// Up to the first layer.
fn embedding(r: &mut Recorder, spec: &ModelSpec) -> Buf {
    let x = r.embed(&spec.embedding, Lookup::Token);
    let x = r.scale(x, spec.embedding_scale);
    let x = r.add_embed_if(x, spec.token_type.as_ref(), Lookup::First);
    let x = r.add_embed_if(x, spec.positions.as_ref(), Lookup::Position);
    r.norm_if(x, spec.embedding_norm.as_ref())
}

fn head_step(r: &mut Recorder, x: Buf, step: &HeadStep) -> Buf {
    match step {
        HeadStep::Linear(linear) => r.linear(x, linear),
        HeadStep::Norm(norm) => r.norm(x, norm),
        HeadStep::Activation(activation) => r.activate(x, *activation),
        HeadStep::Tanh => r.softcap_if(x, Some(1.0)),
    }
}

/// One layer. The last one goes on with the head rows alone as soon as its tokens are mixed.
fn layer(r: &mut Recorder, x: Buf, layer: &LayerSpec, last: bool) -> Buf {
    let normed = r.norm_if(x, layer.mixer_norm.as_ref());
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
    let x = mixer_sum(r, x, mixed, &layer.mixer_sum_norms);

    let normed = r.norm_if(x, layer.ffn_norm.as_ref());
    let fed = ffn(r, normed, &layer.ffn);
    let fed = r.norm_if(fed, layer.ffn_post_norm.as_ref());
    let x = r.add(x, fed);
    r.norm_if(x, layer.ffn_sum_norm.as_ref())
}

/// `x + mixed`, normed; `x` is added again between two norms.
fn mixer_sum(r: &mut Recorder, x: Buf, mixed: Buf, norms: &[Norm]) -> Buf {
    let mut sum = r.add(x, mixed);
    for (index, norm) in norms.iter().enumerate() {
        if index > 0 {
            sum = r.add(sum, x);
        }
        sum = r.norm(sum, norm);
    }
    sum
}

fn ffn(r: &mut Recorder, x: Buf, ffn: &Ffn) -> Buf {
    match ffn {
        Ffn::Glu(glu) => {
            let gate = r.linear(x, &glu.gate);
            let up = r.linear(x, &glu.up);
            let hidden = r.glu(gate, up, glu.activation);
            r.linear(hidden, &glu.down)
        }
        Ffn::Mlp(mlp) => {
            let up = r.linear(x, &mlp.up);
            let hidden = r.activate(up, mlp.activation);
            r.linear(hidden, &mlp.down)
        }
        Ffn::Moe(moe) => r.moe(x, moe),
    }
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
