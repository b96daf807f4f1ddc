//! From logits to a token.
//!
//! The chain is llama.cpp's default one as Ollama runs it: penalties, top-k, typical, top-p,
//! min-p, temperature, then a draw. With mirostat the chain is temperature, then mirostat; with a
//! temperature of 0 or less the best candidate is taken and no random number is used.
//!
//! ```
//! use ollamars_engine::sample::{Sampler, SamplingOptions};
//! let greedy = SamplingOptions { temperature: 0.0, ..SamplingOptions::default() };
//! let mut sampler = Sampler::new(&greedy, 4096, &[])?;
//! assert_eq!(sampler.sample(&mut [0.5, 2.0, -1.0], None)?.id, 1);
//! # Ok::<(), ollamars_engine::Error>(())
//! ```

mod candidates;
mod chain;
mod filters;
mod logprobs;
mod mirostat;
mod options;
mod penalties;
mod rng;

pub use candidates::{Candidate, Candidates};
pub use chain::{Sampled, Sampler};
pub use filters::{min_p, temperature, top_p, typical};
pub use logprobs::log_sum_exp;
pub use mirostat::{Mirostat, Version};
pub use options::SamplingOptions;
pub use penalties::Penalties;
pub use rng::Rng;
