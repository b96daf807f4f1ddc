//! Checked access to what a file says: nothing that comes out of here is zero, infinite, or of
//! another shape than was asked for.

use ollamars_gguf::{FromValue, Gguf, TensorInfo};
use ollamars_quants::BlockType;

use crate::spec::{Linear, Norm, NormKind, Part};
use crate::{Error, Result};

/// A file, and the prefix of its architecture's keys.
#[derive(Debug)]
pub struct Reader<'a> {
    gguf: &'a Gguf,
    architecture: &'a str,
    num_ctx: usize,
}

impl<'a> Reader<'a> {
    /// Reads `gguf`, whose architecture is `architecture`, for a context of `num_ctx` tokens.
    pub fn new(gguf: &'a Gguf, architecture: &'a str, num_ctx: usize) -> Self {
        Self {
            gguf,
            architecture,
            num_ctx,
        }
    }

    /// `general.architecture`.
    pub fn architecture(&self) -> &str {
        self.architecture
    }

    /// The context that the model will be used with.
    pub fn num_ctx(&self) -> usize {
        self.num_ctx
    }

    /// An error about the key that ends in `key`.
    pub fn wrong(&self, key: &str, why: impl Into<String>) -> Error {
        Error::Metadata {
            key: self.key(key),
            why: why.into(),
        }
    }

    /// The value of the key that ends in `key`.
    pub fn find<T: FromValue<'a>>(&self, key: &str) -> Result<Option<T>> {
        Ok(self.gguf.metadata().find(&self.key(key))?)
    }

    /// A size, which is not zero.
    pub fn size(&self, key: &str) -> Result<usize> {
        let value: usize = self.gguf.metadata().require(&self.key(key))?;
        self.not_zero(key, value)
    }

    /// A size that may be missing, but not zero.
    pub fn size_if(&self, key: &str) -> Result<Option<usize>> {
        let value = self.find(key)?;
        value.map(|value| self.not_zero(key, value)).transpose()
    }

    /// Whether the value of the key is an array.
    pub fn is_array(&self, key: &str) -> bool {
        let value = self.gguf.metadata().get(&self.key(key));
        value.is_some_and(|value| value.as_array().is_some())
    }

    /// A size of one layer: from an array with a value for each, or the one value of all.
    pub fn layer_size(&self, key: &str, layer: usize) -> Result<Option<usize>> {
        if !self.is_array(key) {
            return self.size_if(key);
        }
        let sizes: Vec<usize> = self.gguf.metadata().require(&self.key(key))?;
        let size = sizes.get(layer).copied().ok_or_else(|| {
            let why = format!("{} values, none for layer {layer}", sizes.len());
            self.wrong(key, why)
        })?;
        self.not_zero(key, size).map(Some)
    }

    /// The first of `keys` that the file has: a number that is finite.
    pub fn float(&self, keys: &[&str]) -> Result<Option<f32>> {
        for key in keys {
            if let Some(value) = self.find::<f32>(key)? {
                return self.finite(key, value).map(Some);
            }
        }
        Ok(None)
    }

    /// A number above zero, from the first of `keys` that the file has.
    pub fn positive(&self, keys: &[&str]) -> Result<Option<f32>> {
        let value = self.float(keys)?;
        if value.is_some_and(|value| value <= 0.0) {
            let key = keys.first().copied().unwrap_or_default();
            return Err(self.wrong(key, "is not above 0"));
        }
        Ok(value)
    }

    /// Whether the file has the tensor.
    pub fn has(&self, tensor: &str) -> bool {
        self.gguf.tensor(tensor).is_some()
    }

    /// A whole tensor of this shape, outermost dimension first.
    pub fn part(&self, tensor: &str, shape: &[usize]) -> Result<Part> {
        let dims = self.tensor(tensor)?.dims();
        let wanted = shape.iter().rev().map(|&length| length as u64);
        if !wanted.eq(dims.iter().copied()) {
            return Err(wrong_tensor(tensor, shape_text(dims, shape)));
        }
        Ok(Part {
            tensor: tensor.to_string(),
            start: 0,
            shape: shape.to_vec(),
        })
    }

    /// A whole tensor where the file has it.
    pub fn part_if(&self, tensor: &str, shape: &[usize]) -> Result<Option<Part>> {
        let there = self.has(tensor);
        there.then(|| self.part(tensor, shape)).transpose()
    }

    /// The matrix `NAME.weight`, `[outputs, inputs]`, with `NAME.bias` where the file has it.
    pub fn linear(&self, name: &str, inputs: usize, outputs: usize) -> Result<Linear> {
        Ok(Linear {
            weight: self.part(&format!("{name}.weight"), &[outputs, inputs])?,
            bias: self.part_if(&format!("{name}.bias"), &[outputs])?,
        })
    }

    /// Neighbouring matrices that are stored as one, with as many outputs each as `outputs` says.
    pub fn fused<const N: usize>(
        &self,
        name: &str,
        inputs: usize,
        outputs: [usize; N],
    ) -> Result<[Linear; N]> {
        let (weight, bias) = (format!("{name}.weight"), format!("{name}.bias"));
        let total = outputs.iter().sum();
        let whole = self.linear(name, inputs, total)?;
        let mut start = 0;
        Ok(outputs.map(|count| {
            let part = |tensor: &str, shape: Vec<usize>| Part {
                tensor: tensor.to_string(),
                start,
                shape,
            };
            let linear = Linear {
                weight: part(&weight, vec![count, inputs]),
                bias: whole.bias.as_ref().map(|_| part(&bias, vec![count])),
            };
            start += count;
            linear
        }))
    }

    /// The norm `NAME.weight` of groups of `group` values, with `NAME.bias` where the file has it.
    pub fn norm(&self, name: &str, kind: NormKind, group: usize, eps: f32) -> Result<Norm> {
        Ok(Norm {
            kind,
            eps,
            weight: self.part(&format!("{name}.weight"), &[group])?,
            bias: self.part_if(&format!("{name}.bias"), &[group])?,
        })
    }

    /// The RMS norm `NAME.weight` of groups of `group` values.
    pub fn rms_norm(&self, name: &str, group: usize, eps: f32) -> Result<Norm> {
        self.norm(name, NormKind::Rms, group, eps)
    }

    /// The values of a small tensor, where the file has it.
    pub fn values_if(&self, tensor: &str, count: usize) -> Result<Option<Vec<f32>>> {
        if !self.has(tensor) {
            return Ok(None);
        }
        self.part(tensor, &[count])?;
        let info = self.tensor(tensor)?;
        let bytes = self.gguf.tensor_data(info)?;
        let ty = BlockType::from_id(info.ty().id())
            .ok_or_else(|| wrong_tensor(tensor, format!("type {}", info.ty())))?;
        let mut values = vec![0.0; count];
        ty.dequantize(bytes, &mut values)
            .map_err(|error| wrong_tensor(tensor, error.to_string()))?;
        Ok(Some(values))
    }

    /// Rows and width of a matrix.
    pub fn matrix_shape(&self, tensor: &str) -> Result<(usize, usize)> {
        let info = self.tensor(tensor)?;
        match info.dims() {
            &[columns, rows] => Ok((rows as usize, columns as usize)),
            dims => Err(wrong_tensor(tensor, format!("{dims:?} is no matrix"))),
        }
    }

    fn tensor(&self, name: &str) -> Result<&TensorInfo> {
        let info = self.gguf.tensor(name);
        info.ok_or_else(|| wrong_tensor(name, "missing".to_string()))
    }

    fn key(&self, key: &str) -> String {
        format!("{}.{key}", self.architecture)
    }

    fn not_zero(&self, key: &str, value: usize) -> Result<usize> {
        match u32::try_from(value) {
            Ok(0) => Err(self.wrong(key, "is 0")),
            Ok(_) => Ok(value),
            Err(_) => Err(self.wrong(key, format!("{value} is too large"))),
        }
    }

    fn finite(&self, key: &str, value: f32) -> Result<f32> {
        if value.is_finite() {
            return Ok(value);
        }
        Err(self.wrong(key, format!("{value} is not finite")))
    }
}

fn wrong_tensor(name: &str, why: String) -> Error {
    Error::Tensor {
        name: name.to_string(),
        why,
    }
}

/// Both shapes in GGUF's order.
fn shape_text(dims: &[u64], wanted: &[usize]) -> String {
    let wanted: Vec<usize> = wanted.iter().rev().copied().collect();
    format!("its shape is {dims:?}, the architecture asks for {wanted:?}")
}
