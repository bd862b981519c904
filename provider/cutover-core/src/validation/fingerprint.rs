//! Short digests of what this process itself made: catalogs, figures, tallies.
//!
//! They tell whether something is the same as before. Nobody gains by making two of them collide, since both texts come
//! from servers that the caller trusts with the data itself, and a collision by chance has one in 2^64. So FNV-1a will do,
//! and no cryptographic hash is needed. What must not be guessed, keys of rows, is hashed elsewhere, with a secret.

/// FNV-1a with 64 bits. Offset and prime are those of its definition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fingerprint(u64);

impl Default for Fingerprint {
    fn default() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }
}

impl Fingerprint {
    /// Returns the fingerprint of a text.
    pub fn of(text: &str) -> u64 {
        let mut print = Self::default();
        print.add(text.as_bytes());
        print.get()
    }

    /// Adds some bytes, so that what is added in other parts gives another fingerprint.
    pub fn add(&mut self, bytes: &[u8]) {
        let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        for byte in length.to_le_bytes().iter().chain(bytes) {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    }

    /// Returns it as a number whose bits all depend on all that was added, by the finaliser of `SplitMix64`.
    pub fn get(self) -> u64 {
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_bytes_in_other_parts_are_told_apart() {
        let of = |parts: &[&str]| {
            let mut print = Fingerprint::default();
            for part in parts {
                print.add(part.as_bytes());
            }
            print.get()
        };

        assert_eq!(of(&["ab", "c"]), of(&["ab", "c"]));
        assert_ne!(of(&["ab", "c"]), of(&["a", "bc"]));
        assert_ne!(of(&[]), of(&[""]));
        assert_eq!(Fingerprint::of("ab"), of(&["ab"]));
    }
}
