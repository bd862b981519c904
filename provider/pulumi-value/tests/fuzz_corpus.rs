//! A bounded run of the fuzz targets: over their corpus, and over changes made to it by a fixed seed.

#[path = "../fuzz/checks.rs"]
mod checks;

use std::fs;
use std::path::Path;

/// Changed inputs for each file of a corpus. Ours: about a second for all of them in a debug build.
const CHANGES_PER_FILE: usize = 60;

/// The most edits to one input. Ours: few, so that most of a message stays readable.
const EDITS_MAX: usize = 4;

const SEED: u64 = 0x7073_6565_6421;

#[test]
fn decoding_holds_its_promises_around_the_corpus() {
    around("decode", checks::decode);
}

#[test]
fn addresses_hold_their_promises_around_the_corpus() {
    around("paths", checks::paths);
}

#[expect(
    clippy::print_stdout,
    reason = "shown only when the test fails, for running it again"
)]
fn around(target: &str, check: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fuzz/corpus")
        .join(target);
    let mut files: Vec<_> = fs::read_dir(&folder)
        .expect("a corpus")
        .map(|file| file.expect("a file").path())
        .collect();
    files.sort();
    assert!(
        !files.is_empty(),
        "the corpus in {} is empty",
        folder.display()
    );
    println!("seed {SEED:#x}");

    let all: Vec<_> = files
        .iter()
        .map(|file| fs::read(file).expect("a readable file"))
        .collect();
    let mut random = Random(SEED);
    for (file, bytes) in files.iter().zip(&all) {
        println!("{}", file.display());
        check(bytes);
        for _ in 0..CHANGES_PER_FILE {
            let changed = random.change(bytes.clone(), &all);
            println!("{changed:?}");
            check(&changed);
        }
    }
}

/// A sequence of numbers that is the same on every machine (xorshift, Marsaglia 2003).
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        let end = u64::try_from(end.max(1)).expect("lengths fit into 64 bits");
        usize::try_from(self.0 % end).expect("less than a length")
    }

    fn change(&mut self, mut bytes: Vec<u8>, others: &[Vec<u8>]) -> Vec<u8> {
        for _ in 0..=self.below(EDITS_MAX) {
            let at = self.below(bytes.len());
            match self.below(5) {
                0 if !bytes.is_empty() => bytes[at] ^= 1 << self.below(8),
                1 if !bytes.is_empty() => bytes[at] = self.0.to_be_bytes()[0],
                2 if !bytes.is_empty() => drop(bytes.remove(at)),
                3 => bytes.truncate(at),
                // Messages one after the other are read as one message.
                _ => bytes.extend_from_slice(&others[self.below(others.len())]),
            }
        }
        bytes
    }
}
