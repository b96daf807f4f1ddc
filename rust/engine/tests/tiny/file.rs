//! Tiny random models, written as GGUF in memory.

use ollamars_gguf::{GgmlType, Gguf, TensorSpec, Value, Writer};

/// A model file that can still be changed.
#[derive(Clone)]
pub struct File {
    pub metadata: Vec<(String, Value)>,
    pub tensors: Vec<Tensor>,
}

#[derive(Clone)]
pub struct Tensor {
    pub name: String,
    pub dims: Vec<u64>,
    pub ty: GgmlType,
    pub data: Vec<u8>,
}

pub const N_EMBD: usize = 40;
pub const N_VOCAB: usize = 50;
pub const HEADS: usize = 4;
const KV_HEADS: usize = 2;
/// No multiple of any vector's width.
const HEAD_DIM: usize = 14;
pub const N_FF: usize = 56;

/// What the cases differ in.
#[derive(Clone, Copy, Default)]
struct Parts {
    bias: bool,
    fused: bool,
    experts: usize,
    head_norms: bool,
    post_norms: bool,
    tied: bool,
}

/// Every case by name.
pub fn cases() -> Vec<(&'static str, File)> {
    let plain = Parts::default();
    let yarn = [
        ("rope.scaling.type", Value::from("yarn")),
        ("rope.scaling.factor", Value::from(4.0_f32)),
        ("rope.scaling.original_context_length", Value::from(16_u32)),
        ("rope.scaling.yarn_log_multiplier", Value::from(0.5_f32)),
        ("attention.temperature_scale", Value::from(0.5_f32)),
    ];
    let windows = [
        ("attention.sliding_window", Value::from(9_u32)),
        ("attention.sliding_window_pattern", Value::from(2_u32)),
        ("final_logit_softcapping", Value::from(2.0_f32)),
    ];
    let experts = [
        ("expert_count", Value::from(5_u32)),
        ("expert_used_count", Value::from(2_u32)),
    ];
    let tied = Parts {
        tied: true,
        ..plain
    };
    vec![
        ("llama", File::new("llama", plain, &[])),
        (
            "llama-fused",
            File::new(
                "llama",
                Parts {
                    bias: true,
                    fused: true,
                    ..tied
                },
                &[],
            ),
        ),
        (
            "llama-moe",
            File::new(
                "llama",
                Parts {
                    experts: 5,
                    ..plain
                },
                &experts,
            ),
        ),
        ("mistral3", File::new("mistral3", plain, &yarn)),
        (
            "qwen2",
            File::new("qwen2", Parts { bias: true, ..tied }, &[]),
        ),
        (
            "qwen3",
            File::new(
                "qwen3",
                Parts {
                    head_norms: true,
                    ..plain
                },
                &[],
            ),
        ),
        (
            "gemma3",
            File::new(
                "gemma3",
                Parts {
                    head_norms: true,
                    post_norms: true,
                    ..tied
                },
                &windows,
            ),
        ),
    ]
}

/// The case of this name.
pub fn case(name: &str) -> File {
    let found = cases().into_iter().find(|(case, _)| *case == name);
    found.expect("a case").1
}

impl File {
    /// A file with nothing in it but its architecture.
    pub fn empty(architecture: &str) -> Self {
        let key = "general.architecture".to_string();
        Self {
            metadata: vec![(key, Value::from(architecture))],
            tensors: Vec::new(),
        }
    }

    fn new(architecture: &str, parts: Parts, extra: &[(&str, Value)]) -> Self {
        let mut file = Self::empty(architecture);
        for (key, size) in [
            ("context_length", 256),
            ("embedding_length", N_EMBD),
            ("block_count", 2),
            ("feed_forward_length", N_FF),
            ("attention.head_count", HEADS),
            ("attention.head_count_kv", KV_HEADS),
            ("attention.key_length", HEAD_DIM),
            ("attention.value_length", HEAD_DIM),
            ("rope.dimension_count", 10),
        ] {
            file.set(key, Value::from(size as u32));
        }
        file.set("attention.layer_norm_rms_epsilon", Value::from(1e-5_f32));
        for (key, value) in extra {
            file.set(key, value.clone());
        }
        file.matrix("token_embd", &[N_EMBD, N_VOCAB]);
        file.norm("output_norm", N_EMBD);
        if !parts.tied {
            file.matrix("output", &[N_EMBD, N_VOCAB]);
        }
        for layer in 0..2 {
            file.layer(layer, parts);
        }
        file
    }

    fn layer(&mut self, layer: usize, parts: Parts) {
        let name = |part: &str| format!("blk.{layer}.{part}");
        let (q, kv) = (HEADS * HEAD_DIM, KV_HEADS * HEAD_DIM);
        let matrices: &[(&str, usize, usize)] = if parts.fused {
            &[("attn_qkv", N_EMBD, q + 2 * kv), ("attn_output", q, N_EMBD)]
        } else {
            &[
                ("attn_q", N_EMBD, q),
                ("attn_k", N_EMBD, kv),
                ("attn_v", N_EMBD, kv),
                ("attn_output", q, N_EMBD),
            ]
        };
        for &(part, inputs, outputs) in matrices {
            self.matrix(&name(part), &[inputs, outputs]);
            if parts.bias {
                self.random(&format!("{}.bias", name(part)), &[outputs], 0.3, 0.0);
            }
        }
        for part in ["attn_norm", "ffn_norm"] {
            self.norm(&name(part), N_EMBD);
        }
        if parts.head_norms {
            self.norm(&name("attn_q_norm"), HEAD_DIM);
            self.norm(&name("attn_k_norm"), HEAD_DIM);
        }
        if parts.post_norms {
            self.norm(&name("post_attention_norm"), N_EMBD);
            self.norm(&name("post_ffw_norm"), N_EMBD);
        }
        if parts.experts > 0 {
            self.matrix(&name("ffn_gate_inp"), &[N_EMBD, parts.experts]);
        }
        for (part, inputs, outputs) in [
            ("gate", N_EMBD, N_FF),
            ("up", N_EMBD, N_FF),
            ("down", N_FF, N_EMBD),
        ] {
            if parts.experts > 0 {
                let dims = [inputs, outputs, parts.experts];
                self.matrix(&name(&format!("ffn_{part}_exps")), &dims);
            } else {
                self.matrix(&name(&format!("ffn_{part}")), &[inputs, outputs]);
            }
        }
    }

    /// Sets the key that ends in `key`, which is the architecture's unless it names a group.
    pub fn set(&mut self, key: &str, value: Value) {
        let key = self.key(key);
        match self.metadata.iter_mut().find(|(known, _)| *known == key) {
            Some((_, old)) => *old = value,
            None => self.metadata.push((key, value)),
        }
    }

    pub fn key(&self, key: &str) -> String {
        let architecture = self.metadata[0].1.as_str().expect("a name");
        format!("{architecture}.{key}")
    }

    /// The tensor of this name.
    pub fn tensor(&mut self, name: &str) -> &mut Tensor {
        let found = self.tensors.iter_mut().find(|tensor| tensor.name == name);
        found.expect("a tensor")
    }

    pub fn matrix(&mut self, name: &str, dims: &[usize]) {
        let size = 1.7 / (dims[0] as f32).sqrt();
        self.random(&format!("{name}.weight"), dims, size, 0.0);
    }

    pub fn norm(&mut self, name: &str, length: usize) {
        self.random(&format!("{name}.weight"), &[length], 0.3, 1.0);
    }

    /// Numbers around `middle`, the same for the same name.
    pub fn random(&mut self, name: &str, dims: &[usize], size: f32, middle: f32) {
        let seed = name
            .bytes()
            .fold(7_u64, |seed, byte| seed.wrapping_mul(31) + u64::from(byte));
        let number = |index: u64| {
            let mixed = (seed + index).wrapping_mul(0x9E37_79B9_7F4A_7C15);
            let mixed = (mixed ^ (mixed >> 29)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
            let unit = ((mixed >> 40) as f32) / (1_u64 << 23) as f32 - 1.0;
            middle + size * unit
        };
        let count = dims.iter().product::<usize>() as u64;
        self.tensors.push(Tensor {
            name: name.to_string(),
            dims: dims.iter().map(|&dim| dim as u64).collect(),
            ty: GgmlType::F32,
            data: (0..count)
                .flat_map(|index| number(index).to_le_bytes())
                .collect(),
        });
    }

    pub fn gguf(&self) -> Gguf {
        let specs: Vec<_> = self
            .tensors
            .iter()
            .map(|tensor| TensorSpec::new(&tensor.name, tensor.ty, &tensor.dims))
            .collect();
        let mut writer = Writer::new(Vec::new(), &self.metadata, &specs).expect("a header");
        for tensor in &self.tensors {
            writer.write_tensor(&tensor.data).expect("a tensor");
        }
        Gguf::from_bytes(writer.finish().expect("all tensors")).expect("a file")
    }
}
