//! When to speak on a long operation: a pure rule, so that its figures can be tested without waiting.

use std::time::Duration;

/// The shortest time between two status lines of the same phase: logs of a build server get at most two a minute.
pub(crate) const PAUSE: Duration = Duration::from_secs(30);

/// The longest silence: below the five minutes after which some build servers take a job for dead.
pub(crate) const SILENCE_MAX: Duration = Duration::from_mins(4);

/// What has been said so far about one resource.
#[derive(Debug)]
pub(crate) struct Cadence<T> {
    said: Option<Said<T>>,
}

#[derive(Debug)]
struct Said<T> {
    phase: String,
    text: String,
    at: T,
}

impl<T> Default for Cadence<T> {
    fn default() -> Self {
        Self { said: None }
    }
}

impl<T: Copy> Cadence<T> {
    /// Decides whether a status line should be sent now, and remembers it if so.
    ///
    /// A new phase is news at once. Within a phase a changed text waits for the pause, and an unchanged one is
    /// repeated only to break the silence. `since` measures the time from an earlier moment to now.
    pub(crate) fn speak(
        &mut self,
        phase: &str,
        text: &str,
        now: T,
        since: impl Fn(T) -> Duration,
    ) -> bool {
        let due = match &self.said {
            None => true,
            Some(said) if said.phase != phase => true,
            Some(said) => {
                let silent = since(said.at);
                silent
                    >= if said.text == text {
                        SILENCE_MAX
                    } else {
                        PAUSE
                    }
            }
        };
        if due {
            self.said = Some(Said {
                phase: phase.to_owned(),
                text: text.to_owned(),
                at: now,
            });
        }
        due
    }

    /// Returns what to repeat when nothing was said for the longest silence, and takes it as said now.
    pub(crate) fn repeat(&mut self, now: T, since: impl Fn(T) -> Duration) -> Option<String> {
        let said = self.said.as_mut()?;
        (since(said.at) >= SILENCE_MAX).then(|| {
            said.at = now;
            said.text.clone()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spoken(lines: &[(u64, &str, &str)]) -> Vec<bool> {
        let mut cadence = Cadence::default();
        lines
            .iter()
            .map(|(now, phase, text)| {
                cadence.speak(phase, text, *now, |at| {
                    Duration::from_secs(now.saturating_sub(at))
                })
            })
            .collect()
    }

    #[test]
    fn a_new_phase_is_said_at_once_and_a_new_text_waits() {
        let lines = [
            (0, "hold", "5 min left"),
            (1, "hold", "4 min left"),
            (2, "next", "x"),
            (31, "next", "y"),
            (32, "next", "z"),
        ];

        assert_eq!(spoken(&lines), [true, false, true, false, true]);
    }

    #[test]
    fn the_same_text_is_repeated_only_to_break_the_silence() {
        assert_eq!(
            spoken(&[
                (0, "a", "x"),
                (100, "a", "x"),
                (239, "a", "x"),
                (240, "a", "x")
            ]),
            [true, false, false, true]
        );
    }

    #[test]
    fn an_hour_of_changing_texts_is_at_most_two_lines_a_minute_and_never_silent() {
        let mut cadence = Cadence::default();
        let mut said = vec![];
        for now in 0..3600_u64 {
            if cadence.speak("bake", &now.to_string(), now, |at| {
                Duration::from_secs(now - at)
            }) {
                said.push(now);
            }
        }

        assert_eq!(said.len(), 120);
        assert!(said.windows(2).all(|pair| pair[1] - pair[0] <= 300));
    }

    #[test]
    fn repeats_the_last_text_after_the_longest_silence() {
        let mut cadence = Cadence::default();
        assert!(cadence.speak("a", "x", 0_u64, |_| Duration::ZERO));

        assert_eq!(
            cadence.repeat(239, |at| Duration::from_secs(239 - at)),
            None
        );
        assert_eq!(
            cadence.repeat(240, |at| Duration::from_secs(240 - at)),
            Some("x".to_owned())
        );
        assert_eq!(
            cadence.repeat(241, |at| Duration::from_secs(241 - at)),
            None
        );
    }
}
