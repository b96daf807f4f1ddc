//! The file type that llama.cpp guesses where a file does not say it.

use std::collections::HashMap;

use ollamars_gguf::GgmlType;

/// Added to a guessed file type.
const GUESSED: u32 = 1024;

/// File type of a file whose tensors are mostly of a type (llama.cpp b10488, llama.h). Types that
/// are missing here count as F32.
const FILE_TYPES: [(GgmlType, u32); 25] = [
    (GgmlType::F32, 0),
    (GgmlType::F16, 1),
    (GgmlType::Q4_0, 2),
    (GgmlType::Q4_1, 3),
    (GgmlType::Q8_0, 7),
    (GgmlType::Q5_0, 8),
    (GgmlType::Q5_1, 9),
    (GgmlType::Q2_K, 10),
    (GgmlType::Q3_K, 12),
    (GgmlType::Q4_K, 15),
    (GgmlType::Q5_K, 17),
    (GgmlType::Q6_K, 18),
    (GgmlType::IQ2_XXS, 19),
    (GgmlType::IQ2_XS, 20),
    (GgmlType::IQ3_XXS, 23),
    (GgmlType::IQ1_S, 24),
    (GgmlType::IQ4_NL, 25),
    (GgmlType::IQ3_S, 26),
    (GgmlType::IQ2_S, 28),
    (GgmlType::IQ4_XS, 30),
    (GgmlType::IQ1_M, 31),
    (GgmlType::BF16, 32),
    (GgmlType::TQ1_0, 36),
    (GgmlType::TQ2_0, 37),
    (GgmlType::NVFP4, 39),
];

/// The guess from the types of all tensors, in the order of the rewritten file: the type that most
/// of them have, of several the one that first gets there.
pub(crate) fn guess(types: impl Iterator<Item = GgmlType>) -> u32 {
    let mut counts: HashMap<GgmlType, usize> = HashMap::new();
    let mut most = (0, GgmlType::F32);
    for ty in types {
        let count = counts.entry(ty).or_default();
        *count += 1;
        if *count > most.0 {
            most = (*count, ty);
        }
    }
    let known = FILE_TYPES.iter().find(|(ty, _)| *ty == most.1);
    known.map_or(0, |(_, file_type)| *file_type) | GUESSED
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_commonest_type_decides_and_the_first_of_equals() {
        let (f32, q4_k, q6_k) = (GgmlType::F32, GgmlType::Q4_K, GgmlType::Q6_K);
        assert_eq!(guess([f32, q4_k, q4_k].into_iter()), 15 + 1024);
        assert_eq!(guess([q6_k, q4_k, q4_k, q6_k].into_iter()), 15 + 1024);
        assert_eq!(guess([].into_iter()), 1024);
        assert_eq!(guess([GgmlType::MXFP4].into_iter()), 1024);
    }
}
