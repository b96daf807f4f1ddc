//! The deterministic texts of long cases: the same as the recordings' generator makes.

const WORDS: &str = "the of and to in a is that for it as was with be by on not he his but at are \
this have from or had an they which one you were her all she there would their we him been has \
when who will more no if out so said what up its about into than them can only other new some \
could time these two may then do first any my now such like our over man me even most made after \
also did many before must through back years where much your way well down should because each \
just those people how too little state good very make world still own see men work long get here \
between both life being under never day same another know while last might us great old year off \
Paris London Einstein tokenizer quantization I'm don't we'll they've it's couldn't";
const CODE: &[&str] = &[
    "def ",
    "return ",
    "if (",
    ") {",
    "}\n",
    "    ",
    "\t",
    "for i in range(",
    "):\n",
    "let mut ",
    " = ",
    " == ",
    "!=",
    "->",
    "::",
    "<T>",
    "fn ",
    "// ",
    "/* */",
    "#include <",
    "0x1F",
    "3.14159",
    "1e-9",
    "\"str\\n\"",
    "'c'",
    "self.",
    "lambda x: ",
    "[0]",
    "&&",
    "||",
    "++",
    ";\n",
    "\n\n",
    "print(",
    "None",
    "nullptr",
    "async ",
    "await ",
    "@dataclass\n",
    "_private",
    "CamelCase",
    "snake_case",
    "SCREAMING_CASE",
    "        ",
    "\r\n",
    "=>",
    "${x}",
    "%d",
    "{{ }}",
    "<div class=\"a\">",
    "</div>",
];
const BLOCKS: &[(u64, u64)] = &[
    (0x20, 0x7E),
    (0xA1, 0xFF),
    (0x100, 0x17F),
    (0x370, 0x3FF),
    (0x400, 0x4FF),
    (0x5D0, 0x5EA),
    (0x620, 0x64A),
    (0x904, 0x939),
    (0xE01, 0xE3A),
    (0x1100, 0x1112),
    (0x3041, 0x3096),
    (0x30A1, 0x30FA),
    (0x4E00, 0x9FA5),
    (0xAC00, 0xD7A3),
    (0x1F600, 0x1F64F),
    (0x2190, 0x21FF),
    (0x2500, 0x257F),
    (0x300, 0x36F),
    (0x2000, 0x200A),
    (0x10330, 0x1034A),
];
const RUNS: &str = " \n\t.-=_*#aA0z9/\u{3000}\u{a0}\u{4e00}\u{1f600}";

/// splitmix64
struct Rng(u64);

impl Rng {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    fn below(&mut self, n: u64) -> u64 {
        self.next() % n
    }

    fn of<'a, T>(&mut self, list: &'a [T]) -> &'a T {
        &list[self.below(list.len() as u64) as usize]
    }
}

struct Maker {
    rng: Rng,
    words: Vec<&'static str>,
    runs: Vec<char>,
}

impl Maker {
    fn part(&mut self, kind: &str) -> String {
        match kind {
            "words" => self.word(),
            "code" => self.code(),
            "unicode" => self.unicode(),
            "runs" => self.run(),
            "mixed" => {
                let kinds = ["words", "words", "code", "unicode", "runs"];
                let kind = *self.rng.of(&kinds);
                self.part(kind)
            }
            other => panic!("unknown kind of text {other}"),
        }
    }

    fn word(&mut self) -> String {
        let word = (*self.rng.of(&self.words)).to_owned();
        let word = match self.rng.below(40) {
            0 => self.rng.below(100_000).to_string(),
            1 => word.to_uppercase(),
            2 => word + ",",
            3 if self.rng.below(3) == 0 => word + ".\n",
            3 => word + ".",
            4 => format!("\"{word}\""),
            _ => word,
        };
        let space = if self.rng.below(25) == 0 { "  " } else { " " };
        space.to_owned() + &word
    }

    fn code(&mut self) -> String {
        match self.rng.below(3) {
            0 => self.rng.of(&self.words).replace('\'', "_"),
            _ => (*self.rng.of(CODE)).to_owned(),
        }
    }

    fn unicode(&mut self) -> String {
        let (low, high) = *self.rng.of(BLOCKS);
        let n = 1 + self.rng.below(6);
        let one =
            |_| char::from_u32((low + self.rng.below(high - low + 1)) as u32).expect("a char");
        (0..n).map(one).collect()
    }

    fn run(&mut self) -> String {
        let c = self.runs[self.rng.below(18) as usize];
        let most = 1u64 << self.rng.below(7);
        let n = 1 + self.rng.below(1 + most);
        (0..n).map(|_| c).collect()
    }
}

/// At most `bytes` bytes of UTF-8 and at least 64 fewer.
pub fn text(kind: &str, seed: u64, bytes: usize) -> String {
    let mut maker = Maker {
        rng: Rng(seed),
        words: WORDS.split(' ').collect(),
        runs: RUNS.chars().collect(),
    };
    let mut out = String::new();
    loop {
        let part = maker.part(kind);
        if out.len() + part.len() <= bytes {
            out += &part;
        } else if bytes - out.len() <= 64 {
            return out;
        }
    }
}
