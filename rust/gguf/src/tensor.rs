//! One entry of the tensor table.

use crate::{Error, GgmlType};

/// The most dimensions a tensor has.
pub const MAX_DIMS: usize = 4;

/// Name, type, shape and place of a tensor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TensorInfo {
    pub(crate) name: Box<str>,
    pub(crate) ty: GgmlType,
    pub(crate) shape: Shape,
    pub(crate) offset: u64,
    pub(crate) nbytes: Option<u64>,
}

impl TensorInfo {
    /// The name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The type.
    pub fn ty(&self) -> GgmlType {
        self.ty
    }

    /// One to four dimensions, none of them zero. The length of a row, the dimension whose weights
    /// lie side by side, comes first.
    pub fn dims(&self) -> &[u64] {
        self.shape.dims()
    }

    /// Number of weights: the product of the dimensions.
    pub fn weights(&self) -> u64 {
        self.shape.weights
    }

    /// Where the data starts, in bytes from the start of the file.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// Bytes of data; `None` if the type is unknown.
    pub fn nbytes(&self) -> Option<u64> {
        self.nbytes
    }
}

/// Dimensions that were checked: one to four, none zero, their product an `i64` as in GGML.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Shape {
    dims: [u64; MAX_DIMS],
    count: usize,
    weights: u64,
}

impl Shape {
    /// Checks `dims`; `name` and `offset` are for the error.
    pub(crate) fn new(dims: &[u64], name: &str, offset: u64) -> Result<Self, Error> {
        if dims.is_empty() || dims.len() > MAX_DIMS {
            return Err(Error::DimensionCount {
                name: name.to_owned(),
                offset,
                count: dims.len().try_into().unwrap_or(u32::MAX),
            });
        }
        let wrong = |problem| Error::Dimensions {
            name: name.to_owned(),
            offset,
            dims: dims.to_vec(),
            problem,
        };
        let mut all = [1; MAX_DIMS];
        let mut weights = 1u64;
        for (place, &dim) in all.iter_mut().zip(dims) {
            if dim == 0 {
                return Err(wrong("contain a zero"));
            }
            weights = weights
                .checked_mul(dim)
                .filter(|&product| i64::try_from(product).is_ok())
                .ok_or_else(|| wrong("are too large"))?;
            *place = dim;
        }
        Ok(Self {
            dims: all,
            count: dims.len(),
            weights,
        })
    }

    pub(crate) fn dims(&self) -> &[u64] {
        self.dims.get(..self.count).unwrap_or_default()
    }

    /// Bytes of a tensor of this shape, `None` if `ty` is unknown.
    pub(crate) fn nbytes(&self, ty: GgmlType, name: &str) -> Result<Option<u64>, Error> {
        let Some(block) = ty.block() else {
            return Ok(None);
        };
        let row = self.dims[0];
        if !row.is_multiple_of(block.weights) {
            return Err(Error::RowLength {
                name: name.to_owned(),
                row,
                block: block.weights,
                ty: ty.to_string(),
            });
        }
        match ty.size(self.weights) {
            Some(bytes) => Ok(Some(bytes)),
            None => Err(Error::Dimensions {
                name: name.to_owned(),
                offset: 0,
                dims: self.dims().to_vec(),
                problem: "are too large",
            }),
        }
    }
}
