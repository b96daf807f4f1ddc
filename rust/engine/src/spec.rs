//! What distinguishes one architecture and one file, as data.
//!
//! A file of `arch/` reads a [`ModelSpec`] from metadata and the tensor table; everything in it was
//! checked against the file: no size is zero, every tensor is there in the shape that is named
//! here. The decoder ([`crate::decoder`]) turns any spec into a program.

use std::ops::Range;

use crate::batch::Heads;

/// Some rows of a tensor of the file, or all of them.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Part {
    /// Name in the file.
    pub tensor: String,
    /// First index of the outermost dimension.
    pub start: usize,
    /// Dimensions of the part, outermost first: GGUF's order reversed.
    pub shape: Vec<usize>,
}

/// `y = W x + b`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Linear {
    /// `[out, in]`.
    pub weight: Part,
    /// `[out]`.
    pub bias: Option<Part>,
}

/// How a norm measures its input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NormKind {
    /// `x / sqrt(mean(x²) + eps)`.
    Rms,
    /// `(x - mean(x)) / sqrt(variance(x) + eps)`.
    Layer,
}

/// A norm over groups of neighbouring values: a whole row, or each head of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Norm {
    /// How the input is measured.
    pub kind: NormKind,
    /// Added under the root.
    pub eps: f32,
    /// `[group]`: as many values form a group.
    pub weight: Part,
    /// `[group]`: added to each group.
    pub bias: Option<Part>,
}

/// Which values of a head form the pairs that turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RopeStyle {
    /// `(2i, 2i + 1)`.
    Normal,
    /// `(i, i + pairs)`.
    Neox,
}

/// Rotary position embedding: pair `i` turns by `position · frequencies[i]`.
#[derive(Debug, Clone, PartialEq)]
pub struct Rope {
    /// Which values form a pair.
    pub style: RopeStyle,
    /// Radians per position, one for each pair; values after the last pair do not turn.
    pub frequencies: Vec<f64>,
    /// Factor of cosine and sine.
    pub magnitude: f64,
}

/// A factor of the queries that grows with the position:
/// `1 + scale · ln(1 + floor(position / length))`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Temperature {
    /// Strength.
    pub scale: f32,
    /// Positions of one step.
    pub length: usize,
}

/// Attention with grouped heads. Query head `h` uses KV head `h / (heads / kv_heads)`.
#[derive(Debug, Clone, PartialEq)]
pub struct Attention {
    /// `[heads · key_dim, embedding]`.
    pub q: Linear,
    /// `[kv_heads · key_dim, embedding]`.
    pub k: Linear,
    /// `[kv_heads · value_dim, embedding]`.
    pub v: Linear,
    /// `[embedding, heads · value_dim]`.
    pub output: Linear,
    /// Norm of each query head, before the rotation.
    pub q_norm: Option<Norm>,
    /// Norm of each key head, before the rotation.
    pub k_norm: Option<Norm>,
    /// Index in [`ModelSpec::ropes`]; none: no rotation.
    pub rope: Option<usize>,
    /// Factor of the queries by position.
    pub temperature: Option<Temperature>,
    /// Sizes and mask.
    pub shape: AttentionShape,
}

/// Sizes and mask of an attention.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AttentionShape {
    /// Query heads.
    pub heads: usize,
    /// Key and value heads; divides `heads`.
    pub kv_heads: usize,
    /// Values of a query or key head.
    pub key_dim: usize,
    /// Values of a value head.
    pub value_dim: usize,
    /// Factor of the products of queries and keys.
    pub scale: f32,
    /// Which keys a query sees.
    pub mask: Mask,
    /// The largest slope of linear biases: a score loses the distance of query and key times its
    /// head's slope (Press, Smith, Lewis: Train Short, Test Long, 2021).
    pub alibi: Option<f32>,
}

/// Which keys a query sees; a window is in tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Mask {
    /// Key `j` is visible to query `i` when `j <= i` and, in a window, `i - j` is smaller than it.
    Causal(Option<usize>),
    /// All of the sequence; in a window when `|i - j|` is at most half of it.
    Whole(Option<usize>),
}

/// A function between two matrices.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Activation {
    /// `x · sigmoid(x)`.
    Silu,
    /// The tanh form of GELU.
    Gelu,
}

/// `down(act(up(x)))`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mlp {
    /// `[hidden, embedding]`.
    pub up: Linear,
    /// `[embedding, hidden]`.
    pub down: Linear,
    /// Between them.
    pub activation: Activation,
}

/// `down(act(gate(x)) · up(x))`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Glu {
    /// `[hidden, embedding]`.
    pub gate: Linear,
    /// `[hidden, embedding]`.
    pub up: Linear,
    /// `[embedding, hidden]`.
    pub down: Linear,
    /// Of the gate.
    pub activation: Activation,
}

/// Experts: softmax over the router's logits, the best `used` of them weighted by their share.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moe {
    /// `[experts, embedding]`.
    pub router: Linear,
    /// `[experts, hidden, embedding]`; none: an expert is `down(act(up(x)))`.
    pub gate: Option<Part>,
    /// `[experts, hidden, embedding]`.
    pub up: Part,
    /// `[experts, embedding, hidden]`.
    pub down: Part,
    /// Experts of a token; at most all.
    pub used: usize,
    /// Of the gates.
    pub activation: Activation,
    /// What a share is a part of.
    pub shares: Shares,
}

/// What the weight of a chosen expert is a part of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shares {
    /// The sum of the chosen.
    OfChosen,
    /// The sum of all.
    OfAll,
}

/// What mixes the tokens of a sequence.
#[derive(Debug, Clone, PartialEq)]
pub enum Mixer {
    /// Attention over the tokens that a mask shows.
    Attention(Box<Attention>),
}

/// The feed-forward part of a layer.
#[derive(Debug, Clone, PartialEq)]
pub enum Ffn {
    /// One gated network.
    Glu(Glu),
    /// One network without a gate.
    Mlp(Mlp),
    /// A mixture of experts.
    Moe(Moe),
}

/// One layer: `x = sum(x + post(mixer(pre(x))))`, then the same with the feed-forward part.
#[derive(Debug, Clone, PartialEq)]
pub struct LayerSpec {
    /// Before the mixer.
    pub mixer_norm: Option<Norm>,
    /// Mixes tokens.
    pub mixer: Mixer,
    /// After the mixer, before its result is added.
    pub mixer_post_norm: Option<Norm>,
    /// Norms of the sum, one after the other; to the result of each but the last one the layer's
    /// input is added once more.
    pub mixer_sum_norms: Vec<Norm>,
    /// Before the feed-forward part.
    pub ffn_norm: Option<Norm>,
    /// Mixes values.
    pub ffn: Ffn,
    /// After the feed-forward part, before its result is added.
    pub ffn_post_norm: Option<Norm>,
    /// Of the sum.
    pub ffn_sum_norm: Option<Norm>,
}

/// From the last hidden state to logits.
#[derive(Debug, Clone, PartialEq)]
pub struct Head {
    /// `[vocabulary, embedding]`; where it is tied, the part is the embedding table's.
    pub linear: Linear,
    /// `c · tanh(logit / c)`.
    pub softcap: Option<f32>,
}

/// Which rows of a text its embedding is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Pooling {
    /// The mean of all.
    Mean,
    /// The first one.
    Cls,
    /// The last one.
    #[default]
    Last,
}

/// A step of a head that follows pooling.
#[derive(Debug, Clone, PartialEq)]
pub enum HeadStep {
    /// `W x + b`.
    Linear(Linear),
    /// A norm.
    Norm(Norm),
    /// A function of each value.
    Activation(Activation),
    /// `tanh x`.
    Tanh,
}

/// A reranker's head: from the pooled hidden state to scores.
#[derive(Debug, Clone, PartialEq)]
pub struct Score {
    /// In order.
    pub steps: Vec<HeadStep>,
    /// How many scores there are.
    pub labels: usize,
    /// What the scores are.
    pub scale: Scale,
    /// Which of them tells how relevant a text is.
    pub relevant: usize,
}

/// What the scores of a reranker are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Scale {
    /// Logits of classes: their softmax is what counts.
    Classes,
    /// Logits of a relevance: its sigmoid is a probability.
    Logits,
    /// Bounded already.
    #[default]
    Bounded,
}

/// What is made of a whole text.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Embedder {
    /// What the file says, or what suits its model.
    pub pooling: Pooling,
    /// From the pooled hidden state to the embedding.
    pub dense: Vec<Linear>,
    /// Scores of a reranker.
    pub score: Option<Score>,
}

/// A whole model.
#[derive(Debug, Clone, PartialEq)]
pub struct ModelSpec {
    /// `general.architecture`.
    pub architecture: String,
    /// Tokens of context that it was trained with.
    pub train_ctx: usize,
    /// `[vocabulary, embedding]`: one row a token.
    pub embedding: Part,
    /// Factor of the embedding rows.
    pub embedding_scale: f32,
    /// `[positions, embedding]`: a row for each position, added.
    pub positions: Option<Part>,
    /// `[1, embedding]`: added to all rows.
    pub token_type: Option<Part>,
    /// Before the first layer.
    pub embedding_norm: Option<Norm>,
    /// The rotations that the layers use.
    pub ropes: Vec<Rope>,
    /// In order.
    pub layers: Vec<LayerSpec>,
    /// After the last layer.
    pub output_norm: Option<Norm>,
    /// Logits; none: the model says nothing.
    pub head: Option<Head>,
    /// Embeddings and scores of texts.
    pub embedder: Embedder,
}

impl Part {
    /// Length of the outermost dimension.
    pub fn rows(&self) -> usize {
        self.shape.first().copied().unwrap_or(1)
    }

    /// Length of the innermost dimension.
    pub fn columns(&self) -> usize {
        self.shape.last().copied().unwrap_or(1)
    }
}

impl Pooling {
    /// The rows of a text that count, if it is computed in one piece.
    pub fn heads(self) -> Heads {
        match self {
            Self::Mean => Heads::All,
            Self::Cls => Heads::First,
            Self::Last => Heads::Last,
        }
    }
}

impl Mask {
    /// The keys that the query at `position` sees of a sequence of `tokens` tokens. Both ends grow
    /// with the position.
    pub fn visible(self, position: usize, tokens: usize) -> Range<usize> {
        let next = position + 1;
        match self {
            Self::Causal(None) => 0..next,
            Self::Causal(Some(window)) => next.saturating_sub(window)..next,
            Self::Whole(None) => 0..tokens,
            Self::Whole(Some(window)) => {
                let side = window / 2;
                position.saturating_sub(side)..next.saturating_add(side).min(tokens)
            }
        }
    }
}

/// The slope of a head's linear bias: those of the largest power of two of heads are a geometric
/// series that ends at `2^-max_bias`, the others lie between them.
pub fn slope(head: usize, heads: usize, max_bias: f32) -> f32 {
    let regular = 1 << heads.max(1).ilog2();
    let (step, power) = if head < regular {
        (max_bias, head + 1)
    } else {
        (max_bias / 2.0, 2 * (head - regular) + 1)
    };
    (-step * power as f32 / regular as f32).exp2()
}

impl ModelSpec {
    /// Number of tokens.
    pub fn n_vocab(&self) -> usize {
        self.embedding.rows()
    }

    /// Width of the hidden state.
    pub fn n_embd(&self) -> usize {
        self.embedding.columns()
    }

    /// Whether a row depends on rows after it: a text must then be computed in one piece, and
    /// nothing of it is of use later.
    pub fn is_encoder(&self) -> bool {
        self.layers.iter().any(|layer| match &layer.mixer {
            Mixer::Attention(attention) => matches!(attention.shape.mask, Mask::Whole(_)),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_query_sees() {
        assert_eq!(Mask::Causal(None).visible(5, 9), 0..6);
        assert_eq!(Mask::Causal(Some(3)).visible(5, 9), 3..6);
        assert_eq!(Mask::Whole(None).visible(5, 9), 0..9);
        assert_eq!(Mask::Whole(Some(5)).visible(5, 9), 3..8);
        assert_eq!(Mask::Whole(Some(usize::MAX)).visible(5, 9), 0..9);
    }

    #[test]
    fn slopes_of_twelve_heads() {
        let slopes: Vec<f32> = (0..12).map(|head| slope(head, 12, 8.0)).collect();
        assert_eq!(slopes[..2], [0.5, 0.25]);
        assert_eq!(slopes[7], 1.0 / 256.0);
        assert!((slopes[8] - 0.5_f32.sqrt()).abs() < 1e-6);
        assert!((slopes[9] - 0.5_f32.sqrt() / 2.0).abs() < 1e-6);
    }
}
