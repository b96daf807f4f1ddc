//! What the processor can do, found once at run time.
//!
//! No result and no speed depends on the compiler's target flags: every kernel is compiled for
//! every level, and a level is chosen when weights are packed. All levels give the same bits.

use std::fmt;

use crate::Error;

/// The levels; a new one is a row here, an implementation of the vector traits, and an arm in the
/// macros below.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Kind {
    Scalar,
    Avx2,
    AvxVnni,
    Avx512,
    Vnni,
    Amx,
    Neon,
    DotProd,
    I8mm,
}

use Kind::{Amx, Avx2, Avx512, AvxVnni, DotProd, I8mm, Neon, Scalar, Vnni};

/// A set of instructions that this processor has and that kernels are compiled for:
///
/// | name | needs | since |
/// |---|---|---|
/// | `scalar` | nothing: plain Rust, the reference | |
/// | `avx2` | AVX2, FMA, F16C | Haswell, Zen |
/// | `avxvnni` | and AVX-VNNI | Alder Lake, Zen 5 |
/// | `avx512` | and AVX-512 F, BW, VL, DQ | Skylake-X, Zen 4 |
/// | `vnni` | and AVX-512 VNNI | Cascade Lake, Zen 4 |
/// | `amx` | and AMX-TILE, AMX-INT8 and a system that lends them | Sapphire Rapids |
/// | `neon` | AArch64 | Armv8.0 |
/// | `dotprod` | and SDOT | Cortex-A76, Apple M1 |
/// | `i8mm` | and USDOT | Neoverse V1, Apple M2 |
///
/// A value of this type is the proof that the processor has them.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Level(Kind);

/// Every level, the most able last.
const LEVELS: [(&str, Kind); 9] = [
    ("scalar", Scalar),
    ("avx2", Avx2),
    ("avxvnni", AvxVnni),
    ("avx512", Avx512),
    ("vnni", Vnni),
    ("amx", Amx),
    ("neon", Neon),
    ("dotprod", DotProd),
    ("i8mm", I8mm),
];

impl Level {
    /// The level that every processor has.
    pub const SCALAR: Self = Self(Scalar);

    /// The levels of this processor, the most able last.
    pub fn available() -> impl DoubleEndedIterator<Item = Self> {
        LEVELS
            .into_iter()
            .filter(|&(_, kind)| missing(kind).is_none())
            .map(|(_, kind)| Self(kind))
    }

    /// The most able level of this processor.
    pub fn best() -> Self {
        Self::available().next_back().unwrap_or(Self::SCALAR)
    }

    /// The level that a user forces by `name`, or the best if there is none.
    ///
    /// # Errors
    /// [`Error::UnknownLevel`], and [`Error::UnavailableLevel`] if the processor lacks it.
    pub fn choose(name: Option<&str>) -> Result<Self, Error> {
        let Some(name) = name else {
            return Ok(Self::best());
        };
        match LEVELS.into_iter().find(|(known, _)| *known == name) {
            None => Err(Error::UnknownLevel(name.to_owned())),
            Some((name, kind)) => match missing(kind) {
                None => Ok(Self(kind)),
                Some(why) => Err(Error::UnavailableLevel(name, why)),
            },
        }
    }

    /// The name by which a user chooses it.
    pub fn name(self) -> &'static str {
        LEVELS
            .into_iter()
            .find(|(_, kind)| *kind == self.0)
            .map_or("", |(name, _)| name)
    }

    pub(crate) fn kind(self) -> Kind {
        self.0
    }
}

/// Whether products of many rows may run in tile registers.
pub(crate) fn has_tiles() -> bool {
    missing(Amx).is_none()
}

/// What this processor or its system lacks for a level.
#[cfg(all(target_arch = "x86_64", not(miri)))]
fn missing(kind: Kind) -> Option<&'static str> {
    macro_rules! lacks {
        ($name:literal: $($feature:tt)*) => {
            (!($(std::arch::is_x86_feature_detected!($feature))&&*))
                .then_some(concat!("the processor has no ", $name))
        };
    }
    match kind {
        Scalar => None,
        Avx2 => lacks!("AVX2, FMA and F16C": "avx2" "fma" "f16c"),
        AvxVnni => missing(Avx2).or_else(|| lacks!("AVX-VNNI": "avxvnni")),
        Avx512 => missing(Avx2).or_else(
            || lacks!("AVX-512 F, BW, VL and DQ": "avx512f" "avx512bw" "avx512vl" "avx512dq"),
        ),
        Vnni => missing(Avx512).or_else(|| lacks!("AVX-512 VNNI": "avx512vnni")),
        #[cfg(target_os = "linux")]
        Amx => missing(Vnni).or_else(|| crate::matmul::amx_usable().err()),
        #[cfg(not(target_os = "linux"))]
        Amx => Some("it is for systems under Linux"),
        Neon | DotProd | I8mm => Some("it is for AArch64 processors"),
    }
}

/// What this processor or its system lacks for a level.
#[cfg(all(target_arch = "aarch64", not(miri)))]
fn missing(kind: Kind) -> Option<&'static str> {
    use std::arch::is_aarch64_feature_detected;

    let lacks = |has: bool, what| (!has).then_some(what);
    match kind {
        Scalar => None,
        Neon => lacks(
            is_aarch64_feature_detected!("neon"),
            "the processor has no NEON",
        ),
        DotProd => missing(Neon).or(lacks(
            is_aarch64_feature_detected!("dotprod"),
            "the processor has no SDOT",
        )),
        I8mm => missing(DotProd).or(lacks(
            is_aarch64_feature_detected!("i8mm"),
            "the processor has no USDOT",
        )),
        Avx2 | AvxVnni | Avx512 | Vnni | Amx => Some("it is for x86-64 processors"),
    }
}

/// What this processor or its system lacks for a level.
#[cfg(any(not(any(target_arch = "x86_64", target_arch = "aarch64")), miri))]
fn missing(kind: Kind) -> Option<&'static str> {
    (kind != Scalar).then_some("only plain code runs here")
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl fmt::Debug for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Defines a function of a level that runs a generic expression compiled for that level:
/// `fn name[s](a: A) -> R = expression`, called as `name(level, a)`. `s` is the level's token, with
/// 16 lanes at every level.
macro_rules! levels {
    ($(#[$doc:meta])* $vis:vis fn $name:ident $(<$(const $generic:ident: $bound:ty),*>)? [$s:ident]
     ($($arg:ident: $ty:ty),* $(,)?) $(-> $ret:ty)? = $body:expr) => {
        $(#[$doc])*
        $vis fn $name $(<$(const $generic: $bound),*>)? (level: $crate::isa::Level, $($arg: $ty),*) $(-> $ret)? {
            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx2,fma,f16c")]
            fn avx2 $(<$(const $generic: $bound),*>)? ($($arg: $ty),*) $(-> $ret)? {
                // SAFETY: this function's features.
                let $s = unsafe { $crate::simd::Pair($crate::simd::Avx2::<false>::new()) };
                $body
            }
            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx2,fma,f16c,avx512f,avx512bw,avx512vl,avx512dq")]
            fn avx512 $(<$(const $generic: $bound),*>)? ($($arg: $ty),*) $(-> $ret)? {
                // SAFETY: this function's features.
                let $s = unsafe { $crate::simd::Avx512::<false>::new() };
                $body
            }
            #[cfg(target_arch = "aarch64")]
            #[target_feature(enable = "neon")]
            fn neon $(<$(const $generic: $bound),*>)? ($($arg: $ty),*) $(-> $ret)? {
                // SAFETY: this function's features.
                let $s = unsafe { $crate::simd::Pair($crate::simd::Pair($crate::simd::Neon::<{ $crate::simd::dot::NONE }>::new())) };
                $body
            }
            fn scalar $(<$(const $generic: $bound),*>)? ($($arg: $ty),*) $(-> $ret)? {
                let $s = $crate::simd::Pair($crate::simd::Pair($crate::simd::Scalar));
                $body
            }
            match level.kind() {
                #[cfg(target_arch = "x86_64")]
                // SAFETY: a level exists only where the processor has its features.
                $crate::isa::Kind::Avx2 | $crate::isa::Kind::AvxVnni => unsafe { avx2 $(::<$($generic),*>)? ($($arg),*) },
                #[cfg(target_arch = "x86_64")]
                // SAFETY: a level exists only where the processor has its features.
                $crate::isa::Kind::Avx512 | $crate::isa::Kind::Vnni | $crate::isa::Kind::Amx => unsafe { avx512 $(::<$($generic),*>)? ($($arg),*) },
                #[cfg(target_arch = "aarch64")]
                // SAFETY: a level exists only where the processor has its features.
                $crate::isa::Kind::Neon | $crate::isa::Kind::DotProd | $crate::isa::Kind::I8mm => unsafe { neon $(::<$($generic),*>)? ($($arg),*) },
                _ => scalar $(::<$($generic),*>)? ($($arg),*),
            }
        }
    };
}

/// As [`levels!`], for products of codes: `fn name<T: Trait>[s](a: A) = expression`, called as
/// `name::<T>(level, a)`. `s` is the level's token with the lanes of its registers.
macro_rules! dot_levels {
    ($(#[$doc:meta])* $vis:vis fn $name:ident<$t:ident: $bound:path>[$s:ident]
     ($($arg:ident: $ty:ty),* $(,)?) = $body:expr) => {
        $(#[$doc])*
        $vis fn $name<$t: $bound>(level: $crate::isa::Level, $($arg: $ty),*) {
            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx2,fma,f16c")]
            fn avx2<$t: $bound>($($arg: $ty),*) {
                // SAFETY: this function's features.
                let $s = unsafe { $crate::simd::Avx2::<false>::new() };
                $body
            }
            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx2,fma,f16c,avxvnni")]
            fn avx_vnni<$t: $bound>($($arg: $ty),*) {
                // SAFETY: this function's features.
                let $s = unsafe { $crate::simd::Avx2::<true>::new() };
                $body
            }
            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx2,fma,f16c,avx512f,avx512bw,avx512vl,avx512dq")]
            fn avx512<$t: $bound>($($arg: $ty),*) {
                // SAFETY: this function's features.
                let $s = unsafe { $crate::simd::Avx512::<false>::new() };
                $body
            }
            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx2,fma,f16c,avx512f,avx512bw,avx512vl,avx512dq,avx512vnni")]
            fn vnni<$t: $bound>($($arg: $ty),*) {
                // SAFETY: this function's features.
                let $s = unsafe { $crate::simd::Avx512::<true>::new() };
                $body
            }
            #[cfg(target_arch = "aarch64")]
            #[target_feature(enable = "neon")]
            fn neon<$t: $bound>($($arg: $ty),*) {
                // SAFETY: this function's features.
                let $s = unsafe { $crate::simd::Pair($crate::simd::Neon::<{ $crate::simd::dot::NONE }>::new()) };
                $body
            }
            #[cfg(target_arch = "aarch64")]
            #[target_feature(enable = "neon,dotprod")]
            fn dot_prod<$t: $bound>($($arg: $ty),*) {
                // SAFETY: this function's features.
                let $s = unsafe { $crate::simd::Pair($crate::simd::Neon::<{ $crate::simd::dot::SIGNED }>::new()) };
                $body
            }
            #[cfg(target_arch = "aarch64")]
            #[target_feature(enable = "neon,dotprod,i8mm")]
            fn i8mm<$t: $bound>($($arg: $ty),*) {
                // SAFETY: this function's features.
                let $s = unsafe { $crate::simd::Pair($crate::simd::Neon::<{ $crate::simd::dot::MIXED }>::new()) };
                $body
            }
            fn scalar<$t: $bound>($($arg: $ty),*) {
                let $s = $crate::simd::Scalar;
                $body
            }
            match level.kind() {
                #[cfg(target_arch = "x86_64")]
                // SAFETY: a level exists only where the processor has its features.
                $crate::isa::Kind::Avx2 => unsafe { avx2::<$t>($($arg),*) },
                #[cfg(target_arch = "x86_64")]
                // SAFETY: a level exists only where the processor has its features.
                $crate::isa::Kind::AvxVnni => unsafe { avx_vnni::<$t>($($arg),*) },
                #[cfg(target_arch = "x86_64")]
                // SAFETY: a level exists only where the processor has its features.
                $crate::isa::Kind::Avx512 => unsafe { avx512::<$t>($($arg),*) },
                #[cfg(target_arch = "x86_64")]
                // SAFETY: a level exists only where the processor has its features.
                $crate::isa::Kind::Vnni | $crate::isa::Kind::Amx => unsafe { vnni::<$t>($($arg),*) },
                #[cfg(target_arch = "aarch64")]
                // SAFETY: a level exists only where the processor has its features.
                $crate::isa::Kind::Neon => unsafe { neon::<$t>($($arg),*) },
                #[cfg(target_arch = "aarch64")]
                // SAFETY: a level exists only where the processor has its features.
                $crate::isa::Kind::DotProd => unsafe { dot_prod::<$t>($($arg),*) },
                #[cfg(target_arch = "aarch64")]
                // SAFETY: a level exists only where the processor has its features.
                $crate::isa::Kind::I8mm => unsafe { i8mm::<$t>($($arg),*) },
                _ => scalar::<$t>($($arg),*),
            }
        }
    };
}

pub(crate) use {dot_levels, levels};
