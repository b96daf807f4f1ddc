//! The list of byte-pair merges as tables.

use hashbrown::HashMap;
use ollamars_gguf::Strings;

use crate::joints::Joints;
use crate::texts::Texts;

/// Rank of a pair of symbols and the symbol that it becomes.
pub(crate) type Ranks = HashMap<(u32, u32), (u32, u32)>;

/// The two sides of a merge. The left one is not empty, so it may begin with the space.
fn sides(merge: &[u8]) -> Option<(&[u8], &[u8])> {
    let space = merge.iter().skip(1).position(|&byte| byte == b' ')?;
    let (left, rest) = merge.split_at_checked(space + 1)?;
    Some((left, rest.get(1..)?))
}

/// Characters that touch where a merge joins its sides.
pub(crate) fn joints(merges: &Strings) -> Joints {
    let mut joints = Joints::new();
    for (left, right) in merges.iter().filter_map(sides) {
        let (left, right) = (std::str::from_utf8(left), std::str::from_utf8(right));
        if let (Ok(left), Ok(right)) = (left, right)
            && let (Some(left), Some(right)) = (left.chars().last(), right.chars().next())
        {
            joints.add(left, right);
        }
    }
    joints
}

/// The rank of every pair and what it becomes. A pair that is listed twice keeps its first rank.
pub(crate) fn ranks(texts: &mut Texts, merges: &Strings) -> Ranks {
    let mut ranks = HashMap::with_capacity(merges.len());
    let mut joined = Vec::new();
    for (rank, merge) in merges.iter().enumerate() {
        let Some((left, right)) = sides(merge) else {
            continue;
        };
        joined.clear();
        joined.extend_from_slice(left);
        joined.extend_from_slice(right);
        let pair = (texts.intern(left), texts.intern(right));
        let result = texts.intern(&joined);
        ranks.entry(pair).or_insert((rank as u32, result));
    }
    ranks
}
