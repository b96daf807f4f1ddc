//! How fast the kernels are, next to what the processor can do.
//!
//! ```text
//! cargo run --release -p ollamars-kernels --example bench -- [LEVEL | TYPE]...
//! ```
//!
//! One thread, fastest of some runs, in CPU time. Decode is one row, in 10^9 bytes of the GGUF file
//! a second, next to plain reading of the same memory; prefill is 256 rows, in 10^9 multiply-adds a
//! second, next to the dot product instruction on registers; 8 is a step of eight rows.

use std::hint::black_box;
use std::time::Instant;

use ollamars_kernels::{
    ActKind, Activation, Acts, Aligned, AttentionScratch, AttentionShape, BLOCK, KvCache, KvType,
    Level, Packed, Pool, Queries, Shared, Worker, add, attend, glu, matmul, matmul_panels,
    rms_norm, softmax,
};
use ollamars_quants::BlockType;

const TYPES: [&str; 16] = [
    "Q4_1", "Q8_0", "Q4_K", "Q6_K", "Q4_0", "Q5_0", "Q5_1", "Q5_K", "F32", "F16", "BF16", "Q2_K",
    "Q3_K", "IQ4_NL", "IQ4_XS", "MXFP4",
];

const INPUTS: usize = 2048;

/// Bytes of weights that are read in decode: more than the caches hold.
const LARGE: usize = 96 << 20;

fn main() {
    let chosen: Vec<String> = std::env::args().skip(1).collect();
    let among = |name: &str, all: &[&str]| {
        let mut of_these = chosen
            .iter()
            .filter(|c| all.contains(&c.as_str()))
            .peekable();
        of_these.peek().is_none() || of_these.any(|c| c == name)
    };
    let levels: Vec<Level> = Level::available().collect();
    let names: Vec<&str> = levels.iter().map(|level| level.name()).collect();
    let with_attention: Vec<&str> = TYPES
        .into_iter()
        .chain(["attention", "rows", "pool"])
        .collect();
    let read = read_peak();
    println!("reading: {read:.1} GB/s");
    println!("reading on two threads: {:.1} GB/s", read_peak_of_two());
    println!("level    type     decode   of read  pack   8 rows   prefill  of peak");
    for &level in levels.iter().filter(|level| among(level.name(), &names)) {
        let peak = dot_peak(level);
        for name in TYPES.iter().filter(|name| among(name, &with_attention)) {
            let Some(ty) = BlockType::from_name(name) else {
                continue;
            };
            measure(level, ty, read, peak);
        }
        if among("attention", &with_attention) {
            measure_attention(level, read);
        }
        if among("pool", &with_attention) {
            measure_pool(level);
        }
        if among("rows", &with_attention) {
            measure_rows(level);
        }
    }
}

/// Attention of 8 KV heads and 32 query heads of 64 values over 4096 tokens in `f16`.
fn measure_attention(level: Level, read: f64) {
    const TOKENS: usize = 4096;
    const HEADS: usize = 32;
    const KV_HEADS: usize = 8;
    const DIM: usize = 64;
    let shape = AttentionShape {
        heads: HEADS,
        scale: 0.125,
        softcap: None,
    };
    let table: Vec<u32> = (0..(TOKENS / BLOCK) as u32).collect();
    // Several layers, so that decode reads memory.
    let mut layers: Vec<KvCache> = (0..8)
        .map(|_| KvCache::new(KvType::F16, KV_HEADS, DIM, DIM, table.len()))
        .collect();
    let row: Vec<f32> = (0..KV_HEADS * DIM).map(|i| (i as f32).cos()).collect();
    for layer in &mut layers {
        for token in 0..TOKENS {
            // SAFETY: one thread.
            unsafe {
                layer
                    .view()
                    .write(level, table[token / BLOCK], token % BLOCK, &row, &row)
            };
        }
    }
    let mut scratch = AttentionScratch::new(DIM, DIM);
    let mut run = |rows: usize| {
        let visible: Vec<_> = (TOKENS - rows..TOKENS).map(|row| 0..row + 1).collect();
        let q: Vec<f32> = (0..rows * HEADS * DIM).map(|i| (i as f32).sin()).collect();
        let mut out = vec![0.0; q.len()];
        let queries = Queries {
            q: &q,
            visible: &visible,
            table: &table,
        };
        let (seconds, ()) = timed(|| {
            for layer in &mut layers {
                let (view, out) = (layer.view(), Shared::new(&mut out));
                for head in 0..KV_HEADS {
                    // SAFETY: one thread.
                    unsafe { attend(level, &shape, &view, head, &queries, out, &mut scratch) };
                }
            }
        });
        seconds / layers.len() as f64
    };
    let bytes = (2 * 2 * TOKENS * KV_HEADS * DIM) as f64 / 1e9;
    let decode = bytes / best(5, || run(1));
    let macs = (2 * 64 * TOKENS * HEADS * DIM) as f64 / 1e9;
    let prefill = macs / best(2, || run(64));
    println!(
        "{level:8} attention{decode:5.1}   {:5.0} %                    {prefill:6.1}",
        100.0 * decode / read
    );
}

fn measure(level: Level, ty: BlockType, read: f64, peak: f64) {
    let scalar = level == Level::SCALAR;
    let row_bytes = INPUTS / ty.weights() * ty.bytes();
    let large = if scalar { 4 << 20 } else { LARGE };
    let outputs = (large / row_bytes).next_multiple_of(16);
    let file = vec![0x2a; outputs * row_bytes];
    let mut packed = Packed::zeroed(level, ty, outputs, INPUTS).expect("a whole number of blocks");
    let pack_time = best(2, || {
        timed(|| packed.parts(1)[0].fill(&file).expect("all of it")).0
    });
    let decode = best(5, || multiply(&packed, 1));
    let small = Packed::new(level, ty, &file[..512 * row_bytes], 512, INPUTS).expect("as above");
    let macs = (512 * INPUTS) as f64 / 1e9;
    let eight = 8.0 * macs / best(9, || multiply(&small, 8));
    let rows = if scalar { 16 } else { 256 };
    let prefill = rows as f64 * macs / best(5, || multiply(&small, rows));
    let (bytes, name) = (file.len() as f64 / 1e9, ty.name());
    println!(
        "{level:8} {name:8} {:6.1}   {:5.0} %  {:5.1}   {eight:6.1}   {prefill:6.1}   {:5.0} %",
        bytes / decode,
        100.0 * packed.bytes() as f64 / 1e9 / decode / read,
        bytes / pack_time,
        100.0 * prefill / peak
    );
}

/// Threads: the cost of a barrier, and steps of short parts beside whatever else runs.
fn measure_pool(level: Level) {
    const BARRIERS: usize = 200;
    let weights = Packed::zeroed(level, BlockType::Q8_0, 2048, INPUTS).expect("whole blocks");
    let mut acts = Acts::new(weights.act_kind(), INPUTS, 8);
    let x = acts.quantize(level, &vec![1.0; 8 * INPUTS]);
    for threads in 1..=std::thread::available_parallelism().map_or(1, usize::from) {
        let pool = Pool::new(threads).expect("threads");
        let wall = |work: &(dyn Fn(&Worker<'_>) + Sync)| {
            let start = Instant::now();
            pool.run(threads, work).expect("no panic");
            start.elapsed().as_secs_f64() / BARRIERS as f64
        };
        let empty = best(50, || {
            wall(&|worker| (0..BARRIERS).for_each(|_| worker.barrier()))
        });
        let mut out = vec![0.0; 8 * weights.outputs()];
        let out = Shared::new(&mut out);
        let start = Instant::now();
        let parts = 100;
        for _ in 0..parts {
            wall(&|worker| {
                for _ in 0..BARRIERS {
                    let panels = worker.share(weights.panels(), 1);
                    // SAFETY: shares are disjoint.
                    unsafe { matmul_panels(&weights, &x, out, panels) };
                    worker.barrier();
                }
            });
        }
        let macs = (8 * weights.outputs() * INPUTS * BARRIERS * parts) as f64 / 1e9;
        println!(
            "{level:8} {threads} threads: barrier {:4.0} ns, 8 rows {:6.1} (wall)",
            1e9 * empty,
            macs / start.elapsed().as_secs_f64()
        );
    }
}

/// What is done with rows of activations, in nanoseconds for each value.
fn measure_rows(level: Level) {
    const ROWS: usize = 64;
    let x: Vec<f32> = (0..ROWS * INPUTS).map(|i| (i as f32).sin()).collect();
    let mut y = x.clone();
    let mut report = |name: &str, run: &mut dyn FnMut(&mut [f32])| {
        let seconds = best(9, || timed(|| run(&mut y)).0);
        let values = (ROWS * INPUTS) as f64;
        println!(
            "{level:8} {name:10} {:6.3} ns a value",
            seconds * 1e9 / values
        );
    };
    for kind in [ActKind::Bytes32, ActKind::Bytes256, ActKind::Floats] {
        let mut acts = Acts::new(kind, INPUTS, ROWS);
        report(&format!("{kind:?}"), &mut |_| _ = acts.quantize(level, &x));
        report(&format!("{kind:?} 1"), &mut |_| {
            x.chunks(INPUTS).for_each(|x| _ = acts.quantize(level, x))
        });
    }
    report("norm", &mut |y| rms_norm(level, &x, &x[..INPUTS], 1e-5, y));
    report("silu", &mut |y| glu(level, Activation::Silu, y, &x));
    report("softmax", &mut |y| softmax(level, y));
    report("add", &mut |y| add(level, y, &x));
}

/// Seconds of one product with `rows` rows, the activations quantized before.
fn multiply(weights: &Packed, rows: usize) -> f64 {
    let x: Vec<f32> = (0..rows * INPUTS).map(|i| (i as f32).sin()).collect();
    let mut acts = Acts::new(weights.act_kind(), INPUTS, rows);
    let x = acts.quantize(weights.level(), &x);
    let mut out = vec![0.0; rows * weights.outputs()];
    let (seconds, ()) = timed(|| matmul(weights, &x, &mut out));
    black_box(out);
    seconds
}

fn best(runs: usize, mut run: impl FnMut() -> f64) -> f64 {
    (0..runs).map(|_| run()).fold(f64::INFINITY, f64::min)
}

fn timed<T>(run: impl FnOnce() -> T) -> (f64, T) {
    let start = cpu_seconds();
    let result = run();
    (cpu_seconds() - start, result)
}

/// CPU time of this thread.
fn cpu_seconds() -> f64 {
    let mut time = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: a place for the result.
    unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &mut time) };
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}

/// Bytes that one thread reads from memory, in GB/s.
fn read_peak() -> f64 {
    let mut words = Aligned::<i32>::zeroed(LARGE / 4);
    words.fill(1);
    let seconds = best(5, || {
        let sum = || {
            words.chunks_exact(64).fold([0i32; 64], |mut sum, words| {
                sum.iter_mut()
                    .zip(words)
                    .for_each(|(sum, word)| *sum += word);
                sum
            })
        };
        timed(|| black_box(sum())).0
    });
    LARGE as f64 / 1e9 / seconds
}

/// Wall time of two threads that read half of the memory each.
fn read_peak_of_two() -> f64 {
    let mut words = Aligned::<i32>::zeroed(4 * LARGE / 4);
    words.fill(1);
    let (first, second) = words.split_at(words.len() / 2);
    let sum = |words: &[i32]| {
        let sums = words.chunks_exact(64).fold([0i32; 64], |mut sum, words| {
            sum.iter_mut()
                .zip(words)
                .for_each(|(sum, word)| *sum += word);
            sum
        });
        black_box(sums);
    };
    let seconds = best(5, || {
        let begin = Instant::now();
        std::thread::scope(|scope| {
            scope.spawn(|| sum(first));
            sum(second);
        });
        begin.elapsed().as_secs_f64()
    });
    4.0 * LARGE as f64 / 1e9 / seconds
}

/// Multiply-adds of the level's dot product on registers, 10^9 a second.
fn dot_peak(level: Level) -> f64 {
    const ROUNDS: usize = 1 << 20;
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::x86_64::*;
        macro_rules! peak {
            ($features:literal, $zero:ident, $one:ident, $dot:expr) => {{
                #[target_feature(enable = $features)]
                fn run() -> usize {
                    let mut sums = black_box([$zero(); 10]);
                    let (a, b) = (black_box($one(1)), black_box($one(2)));
                    for _ in 0..ROUNDS {
                        for sum in &mut sums {
                            *sum = $dot(*sum, a, b);
                        }
                    }
                    black_box(sums);
                    10 * size_of_val(&a)
                }
                // SAFETY: a level exists only where the processor has its features.
                let (seconds, bytes) = timed(|| unsafe { run() });
                (ROUNDS * bytes) as f64 / 1e9 / seconds
            }};
        }
        // In assembler: the compiler finds shorter ways to the same sums.
        macro_rules! multiply_add {
            ($register:ident, $vector:ty) => {
                |mut sum: $vector, a: $vector, b: $vector| {
                    // SAFETY: instructions of the level on registers.
                    unsafe {
                        std::arch::asm!("vpmaddubsw {t}, {a}, {b}", "vpaddw {s}, {s}, {t}",
                            s = inout($register) sum, a = in($register) a, b = in($register) b,
                            t = out($register) _, options(pure, nomem, nostack));
                    }
                    sum
                }
            };
        }
        match level.name() {
            "vnni" => {
                return peak!(
                    "avx512f,avx512bw,avx512vnni",
                    _mm512_setzero_si512,
                    _mm512_set1_epi8,
                    _mm512_dpbusd_epi32
                );
            }
            "avx512" => {
                return peak!(
                    "avx512f,avx512bw",
                    _mm512_setzero_si512,
                    _mm512_set1_epi8,
                    multiply_add!(zmm_reg, __m512i)
                );
            }
            "avxvnni" => {
                return peak!(
                    "avx2,avxvnni",
                    _mm256_setzero_si256,
                    _mm256_set1_epi8,
                    _mm256_dpbusd_avx_epi32
                );
            }
            "avx2" => {
                return peak!(
                    "avx2",
                    _mm256_setzero_si256,
                    _mm256_set1_epi8,
                    multiply_add!(ymm_reg, __m256i)
                );
            }
            _ => {}
        }
    }
    f64::NAN
}
