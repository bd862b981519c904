//! What is kept in DNS, in the same change as the weights: who holds the fence, and how far the shift is.
//!
//! One string of a TXT record. In a public zone everybody can read it, so it has no business words.

use std::fmt::Write;

use thiserror::Error;

use crate::Timestamp;

/// The form that is written here.
pub const VERSION: u32 = 1;

/// The longest string of a TXT record, in characters. Source: Route 53 developer guide, "TXT record type".
pub const STRING_CHARS_MAX: usize = 255;

/// How a journal begins, before its version.
const HEAD: &str = "cutover";

/// The longest name of a run: ours; with the longest name of a shift an entry still fits.
const RUN_CHARS_MAX: usize = 32;

/// One run of the program: letters, digits and `-`. No two runs may have the same name: the fence goes by it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunId(String);

impl RunId {
    /// Names a run. Other characters become `-`, and what is too long is cut.
    pub fn new(name: &str) -> Self {
        let clean = name.chars().map(|char| {
            if char.is_ascii_alphanumeric() {
                char
            } else {
                '-'
            }
        });
        let name: String = clean.take(RUN_CHARS_MAX).collect();
        Self(if name.is_empty() {
            "-".to_owned()
        } else {
            name
        })
    }

    /// Returns the name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// How far a shift was when its entry was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// The fence is taken; weights are as they were.
    Preparing,
    /// The weights of a step are written.
    Going,
    /// The step has baked, and its gates have held.
    Baked,
    /// Everything was sent back to old.
    Back,
    /// It is over: everything is on new.
    Completed,
    /// It is over: everything is on old.
    RolledBack,
}

impl Mark {
    const ALL: [(Self, &'static str); 6] = [
        (Self::Preparing, "p"),
        (Self::Going, "g"),
        (Self::Baked, "k"),
        (Self::Back, "b"),
        (Self::Completed, "c"),
        (Self::RolledBack, "r"),
    ];

    /// Tells whether nobody holds the fence any more.
    pub const fn is_over(self) -> bool {
        matches!(self, Self::Completed | Self::RolledBack)
    }
}

/// An entry: the journal holds the latest one only, and its number rises by one with each change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The shift: letters, digits and `-`.
    pub shift: String,
    /// Who wrote it.
    pub run: RunId,
    /// The fencing number.
    pub seq: u64,
    /// The attempt that it belongs to.
    pub attempt: u32,
    /// How far it was.
    pub mark: Mark,
    /// The step whose weights are on, counted from 0; meaningless before the first.
    pub step: u32,
    /// When it was written, to the second.
    pub at: Timestamp,
    /// Since when new has had a share without a break; harm counts from then on.
    pub exposed: Timestamp,
    /// When the step's bake began; `None` before that.
    pub bake: Option<Timestamp>,
    /// The fingerprint of the steps up to this one.
    pub plan: u64,
    /// The TTL to be restored at the end, in seconds.
    pub ttl_seconds: Option<u32>,
}

/// Why a text is not an entry.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum NotAnEntry {
    /// It was written by a later release; nothing is guessed about it.
    #[error("the journal has form `{0}`, and this release reads up to `{VERSION}`")]
    Newer(u32),
    /// It is cut, edited, or something else altogether.
    #[error("the journal cannot be read")]
    Damaged,
}

impl Entry {
    /// Writes the entry as one string of printable ASCII, at most [`STRING_CHARS_MAX`] long.
    pub fn encode(&self) -> String {
        let mark = Mark::ALL
            .iter()
            .find(|(mark, _)| *mark == self.mark)
            .map_or("", |(_, letter)| letter);
        let mut text = format!(
            "{HEAD}{VERSION} {} {} {} {} {mark}{} {} {} {} {:x} {}",
            self.shift,
            self.run.as_str(),
            self.seq,
            self.attempt,
            self.step,
            seconds(self.at),
            seconds(self.exposed),
            self.bake
                .map_or("-".to_owned(), |bake| seconds(bake).to_string()),
            self.plan,
            self.ttl_seconds
                .map_or("-".to_owned(), |ttl| ttl.to_string()),
        );
        let check = checksum(&text);
        // Writing to a string does not fail.
        let _ = write!(text, " {check:08x}");
        text
    }

    /// Reads an entry.
    ///
    /// # Errors
    /// When it is of a later form, or not whole. Nothing may be changed then before a person has looked.
    pub fn decode(text: &str) -> Result<Self, NotAnEntry> {
        let head = text
            .split(' ')
            .next()
            .and_then(|head| head.strip_prefix(HEAD))
            .ok_or(NotAnEntry::Damaged)?;
        let version: u32 = head.parse().map_err(|_| NotAnEntry::Damaged)?;
        if version > VERSION {
            return Err(NotAnEntry::Newer(version));
        }
        let (body, check) = text.rsplit_once(' ').ok_or(NotAnEntry::Damaged)?;
        if version != VERSION || format!("{:08x}", checksum(body)) != check {
            return Err(NotAnEntry::Damaged);
        }
        Self::read(body).ok_or(NotAnEntry::Damaged)
    }

    fn read(body: &str) -> Option<Self> {
        let mut words = body.split(' ').skip(1);
        let mut word = || words.next();
        let (shift, run) = (word()?.to_owned(), RunId::new(word()?));
        let (seq, attempt) = (word()?.parse().ok()?, word()?.parse().ok()?);
        let place = word()?;
        let (mark, step) = Mark::ALL
            .iter()
            .find_map(|(mark, letter)| Some((*mark, place.strip_prefix(letter)?)))?;
        let step = step.parse().ok()?;
        let (at, exposed) = (moment(word()?)?, moment(word()?)?);
        let bake = optional(word()?, moment)?;
        let plan = u64::from_str_radix(word()?, 16).ok()?;
        let ttl_seconds = optional(word()?, |text| text.parse().ok())?;
        let entry = Self {
            shift,
            run,
            seq,
            attempt,
            mark,
            step,
            at,
            exposed,
            bake,
            plan,
            ttl_seconds,
        };
        word().is_none().then_some(entry)
    }
}

/// Reads a word that may be absent; the outer `None` says that it cannot be read.
#[expect(
    clippy::option_option,
    reason = "absent and unreadable are two answers"
)]
fn optional<T>(word: &str, read: impl FnOnce(&str) -> Option<T>) -> Option<Option<T>> {
    if word == "-" {
        Some(None)
    } else {
        read(word).map(Some)
    }
}

fn seconds(at: Timestamp) -> i64 {
    at.unix_millis().div_euclid(1_000)
}

fn moment(word: &str) -> Option<Timestamp> {
    let seconds: i64 = word.parse().ok()?;
    seconds.checked_mul(1_000).map(Timestamp::from_unix_millis)
}

/// FNV-1a over 32 bits: notices what was cut or edited, and guards against nobody.
fn checksum(text: &str) -> u32 {
    text.bytes().fold(0x811c_9dc5, |hash: u32, byte| {
        (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
    })
}

#[cfg(test)]
#[expect(clippy::arithmetic_side_effects, reason = "tests may overflow")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn an_entry() -> Entry {
        Entry {
            shift: "pay-1".to_owned(),
            run: RunId::new("ci-42"),
            seq: 7,
            attempt: 1,
            mark: Mark::Going,
            step: 2,
            at: Timestamp::from_unix_millis(1_700_000_000_000),
            exposed: Timestamp::from_unix_millis(1_699_990_000_000),
            bake: None,
            plan: 0xfeed,
            ttl_seconds: Some(300),
        }
    }

    /// Written by the first release; later ones must read it.
    #[test]
    fn an_entry_of_the_first_form_is_read() {
        let text = "cutover1 pay-1 ci-42 7 1 g2 1700000000 1699990000 - feed 300 223157b9";

        assert_eq!(Entry::decode(text), Ok(an_entry()));
        assert_eq!(an_entry().encode(), text);
    }

    #[test]
    fn a_later_form_is_refused_and_not_guessed_at() {
        assert_eq!(
            Entry::decode("cutover2 what ever"),
            Err(NotAnEntry::Newer(2))
        );
    }

    #[test]
    fn something_else_is_not_an_entry() {
        for text in ["", "v=spf1 -all", "cutover", "cutover1", "cutoverx 1"] {
            assert_eq!(Entry::decode(text), Err(NotAnEntry::Damaged), "{text}");
        }
    }

    fn entries() -> impl Strategy<Value = Entry> {
        let moment = || {
            (0_i64..=i64::from(u32::MAX))
                .prop_map(|seconds| Timestamp::from_unix_millis(seconds * 1_000))
        };
        let names = (
            "[A-Za-z0-9-]{1,48}",
            ".{0,40}",
            any::<u64>(),
            any::<u32>(),
            prop::sample::select(&Mark::ALL[..]),
            any::<u32>(),
        );
        let times = (
            moment(),
            moment(),
            prop::option::of(moment()),
            any::<u64>(),
            any::<Option<u32>>(),
        );
        (names, times).prop_map(
            |(
                (shift, run, seq, attempt, (mark, _), step),
                (at, exposed, bake, plan, ttl_seconds),
            )| {
                Entry {
                    shift,
                    run: RunId::new(&run),
                    seq,
                    attempt,
                    mark,
                    step,
                    at,
                    exposed,
                    bake,
                    plan,
                    ttl_seconds,
                }
            },
        )
    }

    proptest! {
        #[test]
        fn every_entry_reads_back_as_it_was_and_fits(entry in entries()) {
            let text = entry.encode();

            prop_assert!(text.len() <= STRING_CHARS_MAX);
            prop_assert!(text.bytes().all(|byte| (0x20..0x7f).contains(&byte) && byte != b'"' && byte != b'\\'));
            prop_assert_eq!(Entry::decode(&text), Ok(entry));
        }

        #[test]
        fn a_cut_or_edited_entry_is_noticed(entry in entries(), at in any::<prop::sample::Index>()) {
            let text = entry.encode();
            let at = at.index(text.len());
            let mut edited = text.clone().into_bytes();
            edited[at] = if edited[at] == b'0' { b'1' } else { b'0' };

            prop_assert!(Entry::decode(&text[..at]).is_err());
            prop_assert!(Entry::decode(&String::from_utf8(edited).unwrap()).is_err());
        }
    }
}
