//! A second reading of a [`ModelSpec`]: plain loops in double precision over a whole sequence, with
//! no program, no cache and no candle.

use ollamars_engine::spec::{
    Activation, Attention, Ffn, Glu, LayerSpec, Linear, Mask, Mixer, ModelSpec, Moe, Norm,
    NormKind, Part, Rope, RopeStyle, Shares, slope,
};
use ollamars_gguf::Gguf;

type Row = Vec<f64>;

pub struct Reference<'a> {
    pub gguf: &'a Gguf,
    pub spec: &'a ModelSpec,
}

impl Reference<'_> {
    /// Hidden states of every position.
    pub fn hidden(&self, tokens: &[u32]) -> Vec<Row> {
        let table = self.rows(&self.spec.embedding);
        let scale = f64::from(self.spec.embedding_scale);
        let tables = [&self.spec.token_type, &self.spec.positions];
        let [types, positions] = tables.map(|part| part.as_ref().map(|part| self.rows(part)));
        let embed = |(position, &id): (usize, &u32)| {
            let mut row: Row = table[id as usize].iter().map(|x| x * scale).collect();
            for (table, index) in [(&types, 0), (&positions, position)] {
                row = table.as_ref().map_or(row.clone(), |t| sum(&row, &t[index]));
            }
            self.norm_if(&row, self.spec.embedding_norm.as_ref())
        };
        let mut rows: Vec<Row> = tokens.iter().enumerate().map(embed).collect();
        for layer in &self.spec.layers {
            rows = self.layer(&rows, layer);
        }
        let last = self.spec.output_norm.as_ref();
        rows.iter().map(|row| self.norm_if(row, last)).collect()
    }

    /// Logits of every position, or the hidden states of a model without a head.
    pub fn logits(&self, tokens: &[u32]) -> Vec<Row> {
        let rows = self.hidden(tokens);
        let Some(head) = &self.spec.head else {
            return rows;
        };
        let logits = |row: &Row| {
            let logits = self.linear(row, &head.linear);
            let cap = |x: f64| {
                head.softcap
                    .map_or(x, |cap| f64::from(cap) * (x / f64::from(cap)).tanh())
            };
            logits.into_iter().map(cap).collect()
        };
        rows.iter().map(logits).collect()
    }

    fn layer(&self, rows: &[Row], layer: &LayerSpec) -> Vec<Row> {
        let Mixer::Attention(attention) = &layer.mixer;
        let normed: Vec<Row> = rows
            .iter()
            .map(|row| self.norm_if(row, layer.mixer_norm.as_ref()))
            .collect();
        let mixed = self.attention(&normed, attention);
        let post = |row: &Row, norm: &Option<Norm>| self.norm_if(row, norm.as_ref());
        let finish = |(input, mixed): (&Row, Row)| {
            let mut row = sum(input, &post(&mixed, &layer.mixer_post_norm));
            for (index, norm) in layer.mixer_sum_norms.iter().enumerate() {
                if index > 0 {
                    row = sum(&row, input);
                }
                row = self.norm(&row, norm);
            }
            let normed = post(&row, &layer.ffn_norm);
            let fed = match &layer.ffn {
                Ffn::Glu(glu) => self.glu(&normed, glu),
                Ffn::Mlp(mlp) => {
                    let up = self.linear(&normed, &mlp.up);
                    let ones = vec![1.0; up.len()];
                    self.linear(&gated(&up, &ones, mlp.activation), &mlp.down)
                }
                Ffn::Moe(moe) => self.moe(&normed, moe),
            };
            let row = sum(&row, &post(&fed, &layer.ffn_post_norm));
            post(&row, &layer.ffn_sum_norm)
        };
        rows.iter().zip(mixed).map(finish).collect()
    }

    fn attention(&self, rows: &[Row], a: &Attention) -> Vec<Row> {
        let prepare = |linear: &Linear, norm: &Option<Norm>, turn: bool| -> Vec<Vec<Row>> {
            let heads = |(position, row): (usize, &Row)| {
                let whole = self.norm_if(&self.linear(row, linear), norm.as_ref());
                let heads = whole.chunks(a.shape.key_dim).map(|head| match a.rope {
                    Some(rope) if turn => turned(&self.spec.ropes[rope], head, position),
                    _ => head.to_vec(),
                });
                heads.collect()
            };
            rows.iter().enumerate().map(heads).collect()
        };
        let q = prepare(&a.q, &a.q_norm, true);
        let k = prepare(&a.k, &a.k_norm, true);
        let v = prepare(&a.v, &None, false);
        let group = a.shape.heads / a.shape.kv_heads;
        let head = |position: usize, head: usize| -> Row {
            let heat = a.temperature.map_or(1.0, |t| {
                1.0 + f64::from(t.scale) * ((1 + position / t.length) as f64).ln()
            });
            let seen = seen(a.shape.mask, position, rows.len());
            let slope = a
                .shape
                .alibi
                .map_or(0.0, |most| slope(head, a.shape.heads, most));
            let score = |&key: &usize| {
                let product = dot(&q[position][head], &k[key][head / group]);
                let distance = position.abs_diff(key) as f64;
                heat * f64::from(a.shape.scale) * product - f64::from(slope) * distance
            };
            let weights = softmax(&seen.iter().map(score).collect::<Row>());
            let mut out = vec![0.0; a.shape.value_dim];
            for (key, weight) in seen.into_iter().zip(weights) {
                for (out, value) in out.iter_mut().zip(&v[key][head / group]) {
                    *out += weight * value;
                }
            }
            out
        };
        let row = |position| {
            let heads: Row = (0..a.shape.heads)
                .flat_map(|index| head(position, index))
                .collect();
            self.linear(&heads, &a.output)
        };
        (0..rows.len()).map(row).collect()
    }

    fn glu(&self, row: &[f64], glu: &Glu) -> Row {
        let (gate, up) = (self.linear(row, &glu.gate), self.linear(row, &glu.up));
        self.linear(&gated(&gate, &up, glu.activation), &glu.down)
    }

    fn moe(&self, row: &[f64], moe: &Moe) -> Row {
        let logits = self.linear(row, &moe.router);
        let mut order: Vec<usize> = (0..logits.len()).collect();
        order.sort_by(|&a, &b| logits[b].total_cmp(&logits[a]));
        order.truncate(moe.used);
        let probabilities = softmax(&logits);
        let total: f64 = match moe.shares {
            Shares::OfChosen => order.iter().map(|&expert| probabilities[expert]).sum(),
            Shares::OfAll => 1.0,
        };
        let mut out = vec![0.0; row.len()];
        for expert in order {
            let times = |x: &[f64], part: &Part| {
                let rows = part.shape[1];
                let matrix = &self.rows(part)[expert * rows..(expert + 1) * rows];
                matrix.iter().map(|w| dot(w, x)).collect::<Row>()
            };
            let up = times(row, &moe.up);
            let hidden = match &moe.gate {
                Some(gate) => gated(&times(row, gate), &up, moe.activation),
                None => gated(&up, &vec![1.0; up.len()], moe.activation),
            };
            for (out, x) in out.iter_mut().zip(times(&hidden, &moe.down)) {
                *out += probabilities[expert] / total * x;
            }
        }
        out
    }

    fn norm_if(&self, row: &[f64], norm: Option<&Norm>) -> Row {
        norm.map_or(row.to_vec(), |norm| self.norm(row, norm))
    }

    /// A norm of each group.
    fn norm(&self, row: &[f64], norm: &Norm) -> Row {
        let weight = &self.rows(&norm.weight)[0];
        let bias = norm.bias.as_ref().map(|bias| self.rows(bias).remove(0));
        let bias = bias.unwrap_or(vec![0.0; weight.len()]);
        let group = |group: &[f64]| {
            let mean = match norm.kind {
                NormKind::Rms => 0.0,
                NormKind::Layer => group.iter().sum::<f64>() / group.len() as f64,
            };
            let squares = group.iter().map(|x| (x - mean).powi(2)).sum::<f64>();
            let root = (squares / group.len() as f64 + f64::from(norm.eps)).sqrt();
            let scaled = group.iter().zip(weight).map(|(x, w)| (x - mean) / root * w);
            sum(&scaled.collect::<Row>(), &bias)
        };
        row.chunks(weight.len()).flat_map(group).collect()
    }

    fn linear(&self, row: &[f64], linear: &Linear) -> Row {
        let mut out: Row = self
            .rows(&linear.weight)
            .iter()
            .map(|w| dot(w, row))
            .collect();
        if let Some(bias) = &linear.bias {
            out = sum(&out, &self.rows(bias)[0]);
        }
        out
    }

    /// The rows of a part; a vector is one row.
    fn rows(&self, part: &Part) -> Vec<Row> {
        let info = self.gguf.tensor(&part.tensor).expect("a tensor");
        let (values, []) = self.gguf.tensor_data(info).expect("data").as_chunks() else {
            panic!("no whole floats");
        };
        let values: Row = values
            .iter()
            .map(|&bytes| f32::from_le_bytes(bytes).into())
            .collect();
        let columns = part.columns();
        let outer = part.shape.iter().skip(1).product::<usize>();
        let start = part.start * outer;
        let size = part.shape.iter().product::<usize>();
        values[start..start + size]
            .chunks(columns)
            .map(<[f64]>::to_vec)
            .collect()
    }
}

/// The keys that a query sees, as the words of [`Mask`] have it.
fn seen(mask: Mask, query: usize, tokens: usize) -> Vec<usize> {
    let sees = |&key: &usize| match mask {
        Mask::Causal(window) => key <= query && query - key < window.unwrap_or(usize::MAX),
        Mask::Whole(window) => query.abs_diff(key) <= window.map_or(usize::MAX, |w| w / 2),
    };
    (0..tokens).filter(sees).collect()
}

fn turned(rope: &Rope, head: &[f64], position: usize) -> Row {
    let mut out = head.to_vec();
    for (pair, frequency) in rope.frequencies.iter().enumerate() {
        let (a, b) = match rope.style {
            RopeStyle::Normal => (2 * pair, 2 * pair + 1),
            RopeStyle::Neox => (pair, pair + rope.frequencies.len()),
        };
        let (sin, cos) = (position as f64 * frequency).sin_cos();
        out[a] = rope.magnitude * (head[a] * cos - head[b] * sin);
        out[b] = rope.magnitude * (head[a] * sin + head[b] * cos);
    }
    out
}

fn gated(gate: &[f64], up: &[f64], activation: Activation) -> Row {
    let act = |x: f64| match activation {
        Activation::Silu => x / (1.0 + (-x).exp()),
        Activation::Gelu => {
            let inner = (2.0 / std::f64::consts::PI).sqrt() * (x + 0.044715 * x * x * x);
            0.5 * x * (1.0 + inner.tanh())
        }
    };
    gate.iter()
        .zip(up)
        .map(|(&gate, up)| act(gate) * up)
        .collect()
}

fn softmax(scores: &[f64]) -> Row {
    let most = scores.iter().fold(f64::NEG_INFINITY, |a, &b| a.max(b));
    let weights: Row = scores.iter().map(|x| (x - most).exp()).collect();
    let total: f64 = weights.iter().sum();
    weights.into_iter().map(|x| x / total).collect()
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn sum(a: &[f64], b: &[f64]) -> Row {
    a.iter().zip(b).map(|(a, b)| a + b).collect()
}
