//! A stable phase for each key, so that a thousand journeys with the same interval do not start together.

/// The phase of `key` within an interval, in nanoseconds, below `interval_ns`.
///
/// FNV-1a over the key (64-bit; G. Fowler, L. C. Noll, K.-P. Vo), then the finaliser of splitmix64, because FNV's high bits
/// hardly move for short keys that differ at the end.
pub(super) fn phase(key: &str, interval_ns: u64) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for byte in key.bytes() {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
    }
    hash = (hash ^ (hash >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    hash = (hash ^ (hash >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    hash ^= hash >> 31;
    // The product's upper half maps the hash onto the interval without the bias of a remainder.
    u64::try_from((u128::from(hash) * u128::from(interval_ns)) >> 64).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_fill_the_interval_evenly() {
        let minute = 60_000_000_000;
        let mut seconds = [0_u32; 60];
        for n in 0..6000 {
            let at = phase(&format!("journey-{n}/production/fra1"), minute);
            assert!(at < minute);
            seconds[usize::try_from(at / 1_000_000_000).unwrap()] += 1;
        }
        // 100 expected in each second; a Poisson count leaves 50..=160 with a chance far below one in a million.
        assert!(seconds.iter().all(|n| (50..=160).contains(n)), "{seconds:?}");
    }

    #[test]
    fn the_phase_is_the_same_for_ever() {
        assert_eq!(
            phase("checkout/production/fra1", 60_000_000_000),
            phase("checkout/production/fra1", 60_000_000_000)
        );
        assert_ne!(
            phase("checkout/production/fra1", 60_000_000_000),
            phase("checkout/staging/fra1", 60_000_000_000)
        );
        assert_eq!(phase("x", 0), 0);
    }
}
