//! Every name of `tokenizer.ggml.pre` with its rules and settings, as llama.cpp b10488 has them.

use super::{Rule, cased, chameleon, deepseek, exaone, gpt2, others, scripts, words};

/// What symbols the merges of a vocabulary are made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Alphabet {
    /// Bytes, each written as a character of GPT-2's alphabet.
    Bytes,
    /// Characters, spaces written as U+2581, with byte tokens `<0x2A>` for what is missing.
    Characters,
}

/// A pre-tokenizer and what else its name decides.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pre {
    /// The expressions, in order.
    pub(super) rules: &'static [Rule],
    /// What the words are spelled with.
    pub(crate) alphabet: Alphabet,
    /// Whole-sequence detokenization removes spaces before punctuation.
    pub(crate) clean_spaces: bool,
    /// A word that is a token is that token, whatever the merges say.
    pub(crate) ignore_merges: bool,
    /// The same for words of newlines only.
    pub(crate) whole_newlines: bool,
    /// "Add special" puts BOS first unless the file says otherwise.
    pub(crate) add_bos: bool,
    /// The same for a separator.
    pub(crate) add_sep: bool,
    /// There is no BOS unless the file names one.
    pub(crate) no_default_bos: bool,
}

const fn rules(rules: &'static [Rule]) -> Pre {
    Pre {
        rules,
        alphabet: Alphabet::Bytes,
        clean_spaces: false,
        ignore_merges: false,
        whole_newlines: false,
        add_bos: false,
        add_sep: false,
        no_default_bos: false,
    }
}

const fn cleaning(rules_: &'static [Rule]) -> Pre {
    Pre {
        clean_spaces: true,
        ..rules(rules_)
    }
}

const DEFAULT: Pre = cleaning(&[
    others::signs,
    gpt2::gpt2,
    others::numbers,
    others::three_digits,
]);
const FALCON: Pre = cleaning(&[others::signs_and_backtick, gpt2::gpt2, others::three_digits]);
const GPT2: Pre = cleaning(&[gpt2::gpt2]);
const GPT2_PLAIN: Pre = rules(&[gpt2::gpt2]);
const GPT2_SEP: Pre = Pre {
    add_sep: true,
    ..GPT2
};
const STARCODER: Pre = cleaning(&[others::number, gpt2::gpt2]);
const STARCODER_PLAIN: Pre = rules(&[others::number, gpt2::gpt2]);
const LLAMA3: Pre = Pre {
    ignore_merges: true,
    add_bos: true,
    ..cleaning(&[words::llama3])
};
const LLAMA3_CLEANING: Pre = cleaning(&[words::llama3]);
const QWEN2: Pre = rules(&[words::qwen2]);
const TEKKEN: Pre = Pre {
    ignore_merges: true,
    add_bos: true,
    ..rules(&[cased::tekken])
};
const GPT4O: Pre = rules(&[cased::gpt4o]);
const DEEPSEEK3: Pre = rules(&[others::numbers_by_three, deepseek::cjk3, deepseek::words3]);
const GEMMA4: Pre = Pre {
    alphabet: Alphabet::Characters,
    whole_newlines: true,
    ..cleaning(&[others::newline_runs])
};
const SARVAM: Pre = Pre {
    alphabet: Alphabet::Characters,
    ..rules(&[others::newline_runs])
};

/// All names. `exaone4` and others that the original maps to another name's rules are rows too.
pub(crate) const ALL: &[(&str, Pre)] = &[
    ("default", DEFAULT),
    ("llama3", LLAMA3),
    ("llama-v3", LLAMA3),
    ("llama-bpe", LLAMA3),
    ("falcon3", LLAMA3),
    ("falcon-h1", LLAMA3),
    ("pixtral", LLAMA3),
    ("midm-2.0", LLAMA3),
    ("lfm2", LLAMA3),
    ("jina-v5-nano", LLAMA3),
    ("minicpm5", MINICPM5),
    ("deepseek-llm", DEEPSEEK_LLM),
    ("deepseek-coder", DEEPSEEK_CODER),
    ("deepseek-v3", DEEPSEEK3),
    ("hunyuan-dense", DEEPSEEK3),
    ("joyai-llm", DEEPSEEK3),
    ("hy_v4", DEEPSEEK3),
    ("falcon", FALCON),
    ("mpt", GPT2),
    ("olmo", GPT2),
    ("jais", GPT2),
    ("gpt-2", GPT2),
    ("phi-2", GPT2),
    ("jina-es", GPT2),
    ("jina-de", GPT2),
    ("gigachat", GPT2),
    ("jina-v2-es", GPT2),
    ("jina-v2-de", GPT2),
    ("a.x-4.0", GPT2),
    ("mellum", GPT2),
    ("modern-bert", GPT2),
    ("exaone4", GPT2),
    ("trillion", GPT2_PLAIN),
    ("granite-docling", GPT2_PLAIN),
    ("jina-v1-en", GPT2_SEP),
    ("jina-v2-code", GPT2_SEP),
    ("roberta-bpe", GPT2_SEP),
    ("starcoder", STARCODER),
    ("refact", STARCODER),
    ("codeshell", STARCODER),
    ("exaone", STARCODER),
    ("minerva-7b", STARCODER),
    ("mellum2", STARCODER),
    ("command-r", STARCODER_PLAIN),
    ("smollm", STARCODER_PLAIN),
    ("qwen2", QWEN2),
    ("deepseek-r1-qwen", QWEN2),
    ("kormo", QWEN2),
    ("f2llmv2", QWEN2),
    ("megrez", QWEN2_CLEANING),
    ("stablelm2", QWEN2_CLEANING),
    ("hunyuan", QWEN2),
    ("solar-open", QWEN2),
    ("grok-2", QWEN2),
    ("bailingmoe", QWEN2),
    ("bailingmoe2", QWEN2),
    ("llada-moe", QWEN2),
    ("qwen35", rules(&[words::qwen35])),
    ("ufakzeka", rules(&[words::ufakzeka])),
    ("seed-coder", rules(&[words::seed_coder])),
    ("laguna", rules(&[others::newline_runs, words::qwen2])),
    ("dbrx", LLAMA3_CLEANING),
    ("smaug-bpe", LLAMA3_CLEANING),
    ("chatglm-bpe", CHATGLM),
    ("glm4", GLM4),
    ("glm5", GLM4),
    ("jais-2", cleaning(&[words::jais2])),
    ("poro-chat", rules(&[others::sentence_parts])),
    ("bloom", cleaning(&[others::sentence_parts])),
    ("gpt3-finnish", cleaning(&[others::sentence_parts])),
    ("viking", rules(&[others::sentence_parts, others::number])),
    ("tekken", TEKKEN),
    ("gpt-4o", GPT4O),
    ("llama4", GPT4O),
    ("kanana2", GPT4O),
    ("talkie", GPT4O),
    ("minimax-m2", GPT4O),
    ("granite-embed-multi-97m", GRANITE_EMBEDDING),
    ("tiny_aya", TINY_AYA),
    ("cohere2moe", TINY_AYA),
    (
        "superbpe",
        rules(&[others::numbers, others::cuts_from_the_right]),
    ),
    ("exaone-moe", cleaning(&[exaone::exaone_moe])),
    ("kimi-k2", rules(&[cased::kimi_k2])),
    ("spark2_5", SPARK),
    ("youtu", YOUTU),
    ("afmoe", AFMOE),
    ("chameleon", CHAMELEON),
    ("gemma4", GEMMA4),
    ("granite-embed-multi-311m", GEMMA4),
    ("sarvam-moe", SARVAM),
];

const MINICPM5: Pre = Pre {
    ignore_merges: true,
    ..cleaning(&[others::numbers_by_three, words::minicpm5])
};
const CHATGLM: Pre = Pre {
    no_default_bos: true,
    ..LLAMA3_CLEANING
};
const GLM4: Pre = Pre {
    ignore_merges: true,
    ..CHATGLM
};
const QWEN2_CLEANING: Pre = cleaning(&[words::qwen2]);
const DEEPSEEK_LLM: Pre = rules(&[
    others::line_end,
    deepseek::cased_letters,
    deepseek::signs,
    others::trailing_space,
    deepseek::cjk,
    others::numbers,
]);
const DEEPSEEK_CODER: Pre = rules(&[
    others::line_end,
    others::spaced_letters,
    others::spaced_punctuation,
    deepseek::cjk,
    others::number,
]);
const GRANITE_EMBEDDING: Pre = Pre {
    ignore_merges: true,
    ..rules(&[cased::granite_embedding])
};
const TINY_AYA: Pre = rules(&[others::numbers_from_the_right, cased::tiny_aya]);

const SPARK: Pre = rules(&[
    others::numbers_by_three,
    deepseek::cjk3,
    deepseek::spark,
    others::number,
]);
const YOUTU: Pre = Pre {
    ignore_merges: true,
    ..rules(&[scripts::youtu, cased::youtu])
};
const AFMOE: Pre = rules(&[
    others::numbers_from_the_right,
    scripts::afmoe,
    deepseek::words3,
]);
const CHAMELEON: Pre = Pre {
    add_bos: true,
    ..rules(&[
        chameleon::sentinel,
        chameleon::image,
        chameleon::indents,
        others::number,
        chameleon::punctuation,
        gpt2::gpt2,
    ])
};

/// The pre-tokenizer of a name; the empty name is `default`.
pub(crate) fn named(name: &str) -> Option<&'static Pre> {
    let name = if name.is_empty() { "default" } else { name };
    ALL.iter()
        .find(|(known, _)| *known == name)
        .map(|(_, pre)| pre)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_distinct() {
        let mut names: Vec<_> = ALL.iter().map(|row| row.0).collect();
        names.sort_unstable();
        assert!(names.windows(2).all(|w| w[0] != w[1]));
    }
}
