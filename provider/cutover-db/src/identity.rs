//! What tells a server's database from any other.

use xxhash_rust::xxh3::xxh3_128;

/// Hashes what is known of a server and its database. Every part has its length with it, so that `ab`, `c` is not `a`, `bc`.
pub(crate) fn of(parts: &[&str]) -> String {
    let mut bytes = Vec::new();
    for part in parts {
        bytes.extend(part.len().to_string().bytes());
        bytes.push(b':');
        bytes.extend(part.bytes());
    }
    format!("{:032x}", xxh3_128(&bytes))
}
