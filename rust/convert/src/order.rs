//! The order of tensors in a rewritten file.

/// The key to sort tensors by: those without a block first, then by block number, then by name.
pub(crate) fn key(name: &str) -> (Option<u32>, &str) {
    (block_number(name), name)
}

/// The number in a name that starts with `blk.` and a number.
fn block_number(name: &str) -> Option<u32> {
    let rest = name.strip_prefix("blk.")?;
    let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
    rest.get(..digits)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::key;

    #[test]
    fn tensors_without_a_block_come_first_and_blocks_are_counted() {
        let mut names = [
            "blk.10.attn_q.weight",
            "blk.9.ffn_up.weight",
            "token_embd.weight",
            "blk.9.attn_q.weight",
            "blk.x.weight",
            "output.weight",
        ];
        names.sort_by_key(|name| key(name));
        let sorted = [
            "blk.x.weight",
            "output.weight",
            "token_embd.weight",
            "blk.9.attn_q.weight",
            "blk.9.ffn_up.weight",
            "blk.10.attn_q.weight",
        ];
        assert_eq!(names, sorted);
    }
}
