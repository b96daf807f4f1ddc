//! A Python mapping of Ollama's option names as the engine's options.

use ollamars_engine::generation::RequestOptions;
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyMapping;

use crate::grammar::Grammar;

/// Reads the options of a request; missing ones have Ollama's defaults.
///
/// `ValueError`: an unknown name; `TypeError`: a value of the wrong type. Both name the option.
pub fn request_options(options: &Bound<'_, PyMapping>) -> PyResult<RequestOptions> {
    let mut request = RequestOptions::default();
    for item in options.items()?.iter() {
        let (name, value): (String, Bound<'_, PyAny>) = item.extract()?;
        set(&mut request, &name, &value).map_err(|error| named(value.py(), &name, error))?;
    }
    Ok(request)
}

fn set(request: &mut RequestOptions, name: &str, value: &Bound<'_, PyAny>) -> PyResult<()> {
    let sampling = &mut request.sampling;
    match name {
        "temperature" => sampling.temperature = value.extract()?,
        "top_k" => sampling.top_k = value.extract()?,
        "top_p" => sampling.top_p = value.extract()?,
        "min_p" => sampling.min_p = value.extract()?,
        "typical_p" => sampling.typical_p = value.extract()?,
        "seed" => sampling.seed = value.extract()?,
        "repeat_penalty" => sampling.repeat_penalty = value.extract()?,
        "repeat_last_n" => sampling.repeat_last_n = value.extract()?,
        "presence_penalty" => sampling.presence_penalty = value.extract()?,
        "frequency_penalty" => sampling.frequency_penalty = value.extract()?,
        "mirostat" => sampling.mirostat = value.extract()?,
        "mirostat_tau" => sampling.mirostat_tau = value.extract()?,
        "mirostat_eta" => sampling.mirostat_eta = value.extract()?,
        "logprobs" => sampling.logprobs = value.extract()?,
        "stop" => request.stop = value.extract()?,
        "num_predict" => request.num_predict = value.extract()?,
        "num_keep" => request.num_keep = value.extract()?,
        "shift" => request.shift = value.extract()?,
        "ignore_eog" => request.ignore_eog = value.extract()?,
        "grammar" => request.grammar = Some(value.cast::<Grammar>()?.get().inner()),
        _ => return Err(PyValueError::new_err("unknown option")),
    }
    Ok(())
}

fn named(py: Python<'_>, name: &str, error: PyErr) -> PyErr {
    let text = format!("option {name}: {}", error.value(py));
    if error.is_instance_of::<PyTypeError>(py) {
        PyTypeError::new_err(text)
    } else {
        PyValueError::new_err(text)
    }
}
