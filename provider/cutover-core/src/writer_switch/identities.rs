//! From where the new writer counts on.
//!
//! Replication carries rows and not what counted them up, so the new writer's sequences stand where they stood before. They
//! are set while nobody writes, beyond everything that either side has given or holds, by a gap. A sequence keeps its
//! residue: one that counts 1, 3, 5 goes on with odd numbers.

use std::collections::BTreeMap;

use super::control::Identity;
use crate::validation::side::Side;

/// What is to be set on the side that is to be opened.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Identities {
    /// Each by its name, to what is given next, in the order of names. Those that are far enough already are not in it.
    pub set: Vec<(String, i128)>,
    /// What cannot be set, since the values that are left do not suffice.
    pub problems: Vec<String>,
    /// What only one side has: for people.
    pub told: Vec<String>,
}

/// Decides what the identities of the side that is to be `open` give next.
pub fn plan(open: Side, ours: &[Identity], theirs: &[Identity], gap: u64) -> Identities {
    let theirs: BTreeMap<_, _> = theirs.iter().map(|one| (one.name.as_str(), one)).collect();
    let ours: BTreeMap<_, _> = ours.iter().map(|one| (one.name.as_str(), one)).collect();
    let mut identities = Identities::default();
    for (name, own) in &ours {
        let other = theirs.get(name).copied();
        if other.is_none() {
            let (has, lacks) = (open, open.other());
            identities.told.push(format!(
                "`{name}` is counted up on the {has} and not on the {lacks}"
            ));
        }
        let next = next_of(own, other, gap);
        if is_beyond(own, next) {
            identities.problems.push(format!(
                "`{name}` on the {open} would have to go on with {next}, and ends at {}",
                own.limit
            ));
        } else if next != own.next {
            identities.set.push(((*name).to_owned(), next));
        }
    }
    let only_theirs = theirs.keys().filter(|name| !ours.contains_key(*name));
    identities.told.extend(only_theirs.map(|name| {
        format!(
            "`{name}` is counted up on the {} and not on the {open}: who writes there must give its values",
            open.other()
        )
    }));
    identities
}

/// Returns what an identity gives next: what it would give anyway when that is far enough, so that setting twice is as good
/// as once.
fn next_of(own: &Identity, other: Option<&Identity>, gap: u64) -> i128 {
    // Counted in the direction of the identity, so that both directions are one.
    let sign: i128 = if own.increment < 0 { -1 } else { 1 };
    let given = [
        other.map(|other| other.next),
        other.and_then(|other| other.greatest),
        own.greatest,
    ];
    let forward = |value: i128| value.saturating_mul(sign);
    let furthest = given.into_iter().flatten().map(forward).max();
    let own_next = forward(own.next);
    let least = furthest.map_or(own_next, |value| value.saturating_add(i128::from(gap)));
    if own_next >= least {
        return own.next;
    }
    let step = i128::from(own.increment.unsigned_abs().max(1));
    let missing = least.saturating_sub(own_next);
    let steps = missing
        .saturating_add(step.saturating_sub(1))
        .div_euclid(step);
    forward(own_next.saturating_add(steps.saturating_mul(step)))
}

fn is_beyond(own: &Identity, next: i128) -> bool {
    if own.increment < 0 {
        next < own.limit
    } else {
        next > own.limit
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BIGINT_MAX: i128 = 9_223_372_036_854_775_807;

    fn identity(next: i128) -> Identity {
        Identity {
            name: "public.payments.id".to_owned(),
            next,
            greatest: None,
            increment: 1,
            limit: BIGINT_MAX,
        }
    }

    fn check(own: Identity, other: Identity, gap: u64) -> Identities {
        plan(Side::Target, &[own], &[other], gap)
    }

    fn set_to(next: i128) -> Vec<(String, i128)> {
        vec![("public.payments.id".to_owned(), next)]
    }

    #[test]
    fn goes_beyond_what_either_side_has_given_or_holds() {
        let held = |next, greatest| Identity {
            greatest: Some(greatest),
            ..identity(next)
        };

        assert_eq!(check(identity(1), identity(500), 10).set, set_to(510));
        assert_eq!(check(identity(1), held(500, 700), 10).set, set_to(710));
        assert_eq!(check(held(1, 900), held(500, 700), 10).set, set_to(910));
    }

    #[test]
    fn setting_twice_is_as_good_as_once() {
        let first = check(identity(1), identity(500), 10);

        let second = check(identity(510), identity(500), 10);

        assert_eq!(first.set, set_to(510));
        assert_eq!(second, Identities::default());
    }

    #[test]
    fn keeps_its_residue() {
        let odd = |next| Identity {
            increment: 2,
            ..identity(next)
        };

        assert_eq!(check(odd(1), odd(500), 10).set, set_to(511));
        assert_eq!(check(odd(1), odd(501), 10).set, set_to(511));
        assert_eq!(check(odd(2), odd(501), 10).set, set_to(512));
    }

    #[test]
    fn counts_down_where_that_is_its_way() {
        let down = |next, least| Identity {
            increment: -3,
            limit: -1_000,
            greatest: Some(least),
            ..identity(next)
        };

        assert_eq!(check(down(-1, -1), down(-50, -47), 10).set, set_to(-61));
        let beyond = check(down(-1, -1), down(-990, -987), 20);
        assert!(beyond.set.is_empty());
        assert_eq!(beyond.problems.len(), 1);
    }

    #[test]
    fn one_that_would_pass_its_end_is_a_problem_and_is_not_set() {
        let small = |next| Identity {
            limit: 32_767,
            ..identity(next)
        };

        assert_eq!(check(small(1), small(32_000), 767).set, set_to(32_767));
        let beyond = check(small(1), small(32_000), 768);
        assert!(beyond.set.is_empty());
        assert_eq!(
            beyond.problems,
            [
                "`public.payments.id` on the target would have to go on with 32768, and ends at 32767"
            ]
        );
        let greatest = check(identity(1), identity(BIGINT_MAX), 1);
        assert_eq!(greatest.problems.len(), 1);
    }

    #[test]
    fn what_only_one_side_has_is_told_and_goes_beyond_its_own_rows() {
        let own = Identity {
            greatest: Some(40),
            ..identity(1)
        };
        let theirs = Identity {
            name: "public.old_seq".to_owned(),
            ..identity(9)
        };

        let identities = plan(Side::Target, &[own], &[theirs], 10);

        assert_eq!(identities.set, set_to(50));
        assert_eq!(
            identities.told,
            [
                "`public.payments.id` is counted up on the target and not on the source",
                "`public.old_seq` is counted up on the source and not on the target: who writes there must give its values",
            ]
        );
    }

    #[test]
    fn whatever_is_set_is_beyond_everything_and_keeps_the_residue() {
        let values = [-100_i128, -7, 0, 1, 8, 99, 1_000_003];
        for increment in [1_i64, 2, 3, 10, -1, -2, -5] {
            for own_next in values {
                for other_next in values {
                    let make = |next| Identity {
                        increment,
                        limit: if increment < 0 {
                            -BIGINT_MAX
                        } else {
                            BIGINT_MAX
                        },
                        greatest: Some(next),
                        ..identity(next)
                    };

                    let set = check(make(own_next), make(other_next), 13).set;

                    let next = set.first().map_or(own_next, |(_, next)| *next);
                    let step = i128::from(increment);
                    let ahead = |value: i128| (next - value) * step.signum();
                    assert!(ahead(own_next) >= 13 && ahead(other_next) >= 13);
                    assert_eq!((next - own_next).rem_euclid(step.abs()), 0);
                    assert!(ahead(own_next.max(other_next * step.signum())) < 2_000_200);
                }
            }
        }
    }
}
