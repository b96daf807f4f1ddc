//! How the rows of a text become its embedding, or its scores.

use ollamars_gguf::Strings;

use super::reader::Reader;
use super::shared::{Sizes, layer_norm_if};
use crate::Result;
use crate::spec::{Activation, Embedder, HeadStep, Pooling, Scale, Score};

/// Numbers of `pooling_type`. 0 asks for every row; a text has one vector all the same. 4 is a
/// reranker's, whose rows are its architecture's matter.
const POOLINGS: &[(u32, Pooling)] = &[(1, Pooling::Mean), (2, Pooling::Cls), (3, Pooling::Last)];

/// The pooling that the file asks for, or `default`.
pub fn pooling(r: &Reader<'_>, default: Pooling) -> Result<Pooling> {
    let asked: Option<u32> = r.find("pooling_type")?;
    let row = POOLINGS.iter().find(|(number, _)| Some(*number) == asked);
    Ok(row.map_or(default, |(_, pooling)| *pooling))
}

/// A model that generates text: the last row; its scores are classes.
pub fn of_decoder(r: &Reader<'_>, sizes: &Sizes) -> Result<Embedder> {
    let (output, relevant) = (output(r, sizes)?, relevant(r)?);
    Ok(Embedder {
        pooling: pooling(r, Pooling::Last)?,
        dense: Vec::new(),
        score: output
            .filter(|(_, labels)| *labels > relevant)
            .map(|(step, labels)| Score {
                steps: vec![step],
                labels,
                scale: Scale::Classes,
                relevant,
            }),
    })
}

/// An encoder; `ranked` are the rows that a reranker is made of, `activation` follows its `cls`.
pub fn of_encoder(
    r: &Reader<'_>,
    sizes: &Sizes,
    ranked: Pooling,
    activation: HeadStep,
) -> Result<Embedder> {
    let score = score(r, sizes, activation)?;
    let default = if score.is_some() {
        ranked
    } else {
        Pooling::Mean
    };
    Ok(Embedder {
        pooling: pooling(r, default)?,
        dense: Vec::new(),
        score,
    })
}

/// `cls`, its activation and its norm, then `cls.output`: those that the file has.
fn score(r: &Reader<'_>, sizes: &Sizes, activation: HeadStep) -> Result<Option<Score>> {
    let (mut steps, mut labels) = (Vec::new(), 0);
    if r.has("cls.weight") {
        labels = r.matrix_shape("cls.weight")?.0;
        let linear = r.linear("cls", sizes.n_embd, labels)?;
        steps.extend([HeadStep::Linear(linear), activation]);
        steps.extend(layer_norm_if(r, "cls.norm", sizes)?.map(HeadStep::Norm));
    }
    if let Some((step, count)) = output(r, sizes)? {
        steps.push(step);
        labels = count;
    }
    let relevant = relevant(r)?;
    let logits = matches!(steps.last(), Some(HeadStep::Linear(_)));
    Ok((labels > relevant).then_some(Score {
        steps,
        labels,
        scale: if logits {
            Scale::Logits
        } else {
            Scale::Bounded
        },
        relevant,
    }))
}

/// The class "yes" where classes have names, else the first one.
fn relevant(r: &Reader<'_>) -> Result<usize> {
    let names: Option<&Strings> = r.find("classifier.output_labels")?;
    let yes = |name: &[u8]| name.eq_ignore_ascii_case(b"yes");
    Ok(names
        .and_then(|names| names.iter().position(yes))
        .unwrap_or(0))
}

/// `cls.output` and its number of labels.
fn output(r: &Reader<'_>, sizes: &Sizes) -> Result<Option<(HeadStep, usize)>> {
    if !r.has("cls.output.weight") {
        return Ok(None);
    }
    let (labels, _) = r.matrix_shape("cls.output.weight")?;
    let linear = r.linear("cls.output", sizes.n_embd, labels)?;
    Ok(Some((HeadStep::Linear(linear), labels)))
}

/// What follows `cls` in BERT.
pub const TANH: HeadStep = HeadStep::Tanh;
/// What follows `cls` in ModernBERT.
pub const GELU: HeadStep = HeadStep::Activation(Activation::Gelu);
