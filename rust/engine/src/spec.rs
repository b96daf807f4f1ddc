//! What distinguishes one architecture and one file, as data.
//!
//! A file of `arch/` reads a [`ModelSpec`] from metadata and the tensor table; everything in it was
//! checked against the file: no size is zero, every tensor is there in the shape that is named
//! here. The decoder ([`crate::decoder`]) turns any spec into a program.

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

/// Causal attention with grouped heads. Query head `h` uses KV head `h / (heads / kv_heads)`.
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
    /// Sliding window: key `j` is visible to query `i` when `i - j` is smaller.
    pub window: Option<usize>,
}

/// The function of a gate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Activation {
    /// `x · sigmoid(x)`.
    Silu,
    /// The tanh form of GELU.
    Gelu,
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

/// Experts: softmax over the router's logits, the best `used` of them weighted by their share of
/// the sum of the chosen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moe {
    /// `[experts, embedding]`.
    pub router: Linear,
    /// `[experts, hidden, embedding]`.
    pub gate: Part,
    /// `[experts, hidden, embedding]`.
    pub up: Part,
    /// `[experts, embedding, hidden]`.
    pub down: Part,
    /// Experts of a token; at most all.
    pub used: usize,
    /// Of the gates.
    pub activation: Activation,
}

/// What mixes the tokens of a sequence.
#[derive(Debug, Clone, PartialEq)]
pub enum Mixer {
    /// Attention over all earlier tokens, or those of a window.
    Attention(Box<Attention>),
}

/// The feed-forward part of a layer.
#[derive(Debug, Clone, PartialEq)]
pub enum Ffn {
    /// One gated network.
    Glu(Glu),
    /// A mixture of experts.
    Moe(Moe),
}

/// One layer: `x += post(mixer(pre(x)))`, then the same with the feed-forward part.
#[derive(Debug, Clone, PartialEq)]
pub struct LayerSpec {
    /// Before the mixer.
    pub mixer_norm: Norm,
    /// Mixes tokens.
    pub mixer: Mixer,
    /// After the mixer, before its result is added.
    pub mixer_post_norm: Option<Norm>,
    /// Before the feed-forward part.
    pub ffn_norm: Norm,
    /// Mixes values.
    pub ffn: Ffn,
    /// After the feed-forward part, before its result is added.
    pub ffn_post_norm: Option<Norm>,
}

/// From the last hidden state to logits.
#[derive(Debug, Clone, PartialEq)]
pub struct Head {
    /// `[vocabulary, embedding]`; where it is tied, the part is the embedding table's.
    pub linear: Linear,
    /// `c · tanh(logit / c)`.
    pub softcap: Option<f32>,
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
    /// The rotations that the layers use.
    pub ropes: Vec<Rope>,
    /// In order.
    pub layers: Vec<LayerSpec>,
    /// After the last layer.
    pub output_norm: Norm,
    /// Logits.
    pub head: Head,
    /// `[labels, embedding]`: scores of a reranker, from the last token's hidden state.
    pub score: Option<Linear>,
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

impl ModelSpec {
    /// Number of tokens.
    pub fn n_vocab(&self) -> usize {
        self.embedding.rows()
    }

    /// Width of the hidden state.
    pub fn n_embd(&self) -> usize {
        self.embedding.columns()
    }
}
