//! Files for tests, made byte by byte so that they do not depend on the writer.

#![allow(dead_code, reason = "each test uses a part of this")]

pub mod exercise;
pub mod samples;

/// A file in the making.
#[derive(Clone)]
pub struct File {
    pub version: u32,
    pub alignment: usize,
    pub keys: Vec<Vec<u8>>,
    pub tensors: Vec<Vec<u8>>,
    pub data: Vec<u8>,
    /// Counts that the header states instead of the true ones.
    pub stated: (Option<u64>, Option<u64>),
}

impl Default for File {
    fn default() -> Self {
        Self {
            version: 3,
            alignment: 32,
            keys: Vec::new(),
            tensors: Vec::new(),
            data: Vec::new(),
            stated: (None, None),
        }
    }
}

impl File {
    /// Adds a key with the bytes of its value, which start with the type.
    pub fn key(mut self, name: &str, ty: u32, value: &[u8]) -> Self {
        let parts = [
            string(name.as_bytes()),
            ty.to_le_bytes().to_vec(),
            value.to_vec(),
        ];
        self.keys.push(parts.concat());
        self
    }

    /// Adds a tensor's description.
    pub fn tensor(mut self, name: &str, dims: &[u64], ty: u32, offset: u64) -> Self {
        let mut bytes = string(name.as_bytes());
        bytes.extend((dims.len() as u32).to_le_bytes());
        dims.iter().for_each(|dim| bytes.extend(dim.to_le_bytes()));
        bytes.extend(ty.to_le_bytes());
        bytes.extend(offset.to_le_bytes());
        self.tensors.push(bytes);
        self
    }

    /// Sets the tensor data.
    pub fn data(mut self, data: &[u8]) -> Self {
        self.data = data.to_vec();
        self
    }

    /// The bytes of the file.
    pub fn bytes(&self) -> Vec<u8> {
        let mut bytes = b"GGUF".to_vec();
        bytes.extend(self.version.to_le_bytes());
        bytes.extend(
            self.stated
                .0
                .unwrap_or(self.tensors.len() as u64)
                .to_le_bytes(),
        );
        bytes.extend(
            self.stated
                .1
                .unwrap_or(self.keys.len() as u64)
                .to_le_bytes(),
        );
        self.keys.iter().for_each(|key| bytes.extend(key));
        self.tensors.iter().for_each(|tensor| bytes.extend(tensor));
        if !self.data.is_empty() {
            bytes.resize(bytes.len().next_multiple_of(self.alignment), 0);
            bytes.extend(&self.data);
        }
        bytes
    }
}

/// A string as the format writes it.
pub fn string(bytes: &[u8]) -> Vec<u8> {
    [&(bytes.len() as u64).to_le_bytes(), bytes].concat()
}

/// An array value: type of the elements, number, bytes of the elements.
pub fn array(ty: u32, count: u64, elements: &[u8]) -> Vec<u8> {
    [&ty.to_le_bytes()[..], &count.to_le_bytes(), elements].concat()
}
