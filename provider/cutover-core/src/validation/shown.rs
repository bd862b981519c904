//! Keys of rows as a report shows them.

use std::fmt::Write;
use std::hash::Hasher;

use super::digest::{Key, KeyPart};
use super::fingerprint::Fingerprint;
use super::spec::KeysShown;

/// How many characters of a part are shown. Ours: enough for any identifier, and too few for a letter.
const PART_MAX: usize = 100;

/// Shows a key. `seed` is that of the run, and the secret of the hashes.
pub fn shown(key: &Key, how: KeysShown, seed: u64) -> Option<String> {
    match how {
        KeysShown::Plain => Some(plain(key)),
        KeysShown::Hashed => Some(format!("{:016x}", hashed(&plain(key), seed))),
        KeysShown::None => None,
    }
}

fn plain(key: &Key) -> String {
    let parts: Vec<_> = key.0.iter().map(part).collect();
    match parts.as_slice() {
        [only] => only.clone(),
        several => format!("({})", several.join(", ")),
    }
}

fn part(part: &KeyPart) -> String {
    match part {
        KeyPart::Integer(number) => number.to_string(),
        KeyPart::Text(text) => {
            let mut shown: String = text.chars().take(PART_MAX).collect();
            if shown.len() < text.len() {
                shown.push('…');
            }
            shown.escape_debug().to_string()
        }
        KeyPart::Bytes(bytes) => {
            let mut shown = String::new();
            for byte in bytes {
                // Writing to a string does not fail.
                let _ = write!(shown, "{byte:02x}");
            }
            shown
        }
    }
}

/// `SipHash` with a secret: whoever has the report alone cannot try out the few keys that there may be.
#[expect(
    deprecated,
    reason = "the standard library has no other keyed hash whose numbers stay the same in later versions"
)]
fn hashed(text: &str, seed: u64) -> u64 {
    let other = {
        let mut print = Fingerprint::default();
        print.add(&seed.to_le_bytes());
        print.get()
    };
    let mut hasher = std::hash::SipHasher::new_with_keys(seed, other);
    hasher.write(text.as_bytes());
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_shown_as_wished() {
        let key = Key(vec![
            KeyPart::Integer(-7),
            KeyPart::Text("a\n\u{1b}[2Jb".to_owned()),
            KeyPart::Bytes(vec![0, 255]),
        ]);

        assert_eq!(
            shown(&key, KeysShown::Plain, 1).as_deref(),
            Some("(-7, a\\n\\u{1b}[2Jb, 00ff)")
        );
        assert_eq!(shown(&key, KeysShown::None, 1), None);
        let (one, other) = (
            shown(&key, KeysShown::Hashed, 1),
            shown(&key, KeysShown::Hashed, 2),
        );
        assert_eq!(one, shown(&key, KeysShown::Hashed, 1));
        assert_ne!(one, other);
    }

    #[test]
    fn a_long_text_is_cut() {
        let key = Key(vec![KeyPart::Text("x".repeat(5_000))]);

        let shown = shown(&key, KeysShown::Plain, 1).expect("keys are shown");

        assert_eq!(shown.chars().count(), PART_MAX.saturating_add(1));
    }
}
