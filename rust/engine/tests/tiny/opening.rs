//! From a file on disk to an executor.

use ollamars_engine::Error;
use ollamars_engine::model::Model;
use ollamars_gguf::{Array, Value};
use ollamars_kernels::Level;

use super::file::{self, File, N_VOCAB};
use super::{CONTEXT, LIMITS};

/// A model with a vocabulary of one letter each.
fn with_vocabulary() -> File {
    let mut file = file::case("llama");
    let tokens = (0..N_VOCAB).map(|id| char::from(b'A' + id as u8).to_string());
    for (key, value) in [
        ("model", Value::from("gpt2")),
        ("pre", Value::from("gpt-2")),
        ("tokens", Value::Array(Array::String(tokens.collect()))),
        ("token_type", Value::Array(Array::I32(vec![1; N_VOCAB]))),
        (
            "merges",
            Value::Array(Array::String(["A B"].iter().collect())),
        ),
    ] {
        file.metadata.push((format!("tokenizer.ggml.{key}"), value));
    }
    file
}

#[test]
fn a_model_says_what_it_is() -> Result<(), Error> {
    let model = Model::new(with_vocabulary().gguf())?;
    assert_eq!(model.architecture(), "llama");
    assert_eq!(
        (model.n_vocab(), model.n_embd(), model.train_ctx()),
        (50, 40, 256)
    );
    assert_eq!(model.tokenizer().encode(b"BAD", false, false), [1, 0, 3]);
    let weights: u64 = 40 * (50 + 50 + 1) + 2 * (2 * 40 + 40 * (56 + 28 + 28 + 56 + 3 * 56));
    let best = format!("cpu-{}/cpu", Level::best());
    for (exec, name) in [
        ("", best.as_str()),
        ("cpu", best.as_str()),
        ("cpu-scalar", "cpu-scalar/cpu"),
        ("candle", "candle/cpu"),
        ("candle-tensors", "candle-tensors/cpu"),
    ] {
        let exec = model.load(exec, CONTEXT, LIMITS)?;
        assert_eq!(exec.name(), name);
        assert!(exec.memory() > weights, "{}", exec.memory());
    }
    let unknown = model.load("cpu-abacus", CONTEXT, LIMITS).map(|_| ());
    assert!(unknown.is_err_and(|error| error.to_string().contains("unknown CPU level \"abacus\"")));
    let unknown = model.load("abacus", CONTEXT, LIMITS).map(|_| ());
    assert_eq!(
        unknown.map_err(|error| error.to_string()),
        Err("no executor 'abacus'; there are cpu, cpu-LEVEL, candle, candle-tensors".to_string())
    );
    Ok(())
}

#[test]
fn what_cannot_be_opened() {
    let error = |result: Result<Model, Error>| result.map(|_| ()).expect_err("an error");
    assert!(matches!(
        error(Model::open("/nonexistent/model.gguf")),
        Error::Gguf(_)
    ));
    assert!(matches!(
        error(Model::new(file::case("llama").gguf())),
        Error::Tokenizer(_)
    ));
    let mut unknown = file::case("llama");
    unknown.metadata[0].1 = "lama".into();
    assert!(matches!(
        error(Model::new(unknown.gguf())),
        Error::UnknownArchitecture(_)
    ));
}
