//! Diff: invariants that hold for whatever changes.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use pulumi_testkit::proto::diff_response::DiffChanges;
use pulumi_testkit::proto::property_diff::Kind;
use pulumi_testkit::{Difference, Harness, Stored, map};
use pulumi_value::{PropertyMap, PropertyPath, Value};
use tokio::runtime::Runtime;

use super::given::{Journal, NOTE, ROLLOUT, a_note, a_specimen};

/// Some text, secret or not, or unknown.
fn some_text() -> impl Strategy<Value = Value> {
    prop_oneof![
        4 => "[ab]{0,2}".prop_map(Value::from),
        2 => "[ab]{0,2}".prop_map(Value::secret),
        1 => Just(Value::Unknown),
        1 => Just(Value::Null),
    ]
}

fn some_line() -> impl Strategy<Value = Value> {
    (some_text(), proptest::option::of(0..3))
        .prop_map(|(text, weight)| Value::from([("text", text), ("weight", weight.into())]))
}

fn some_note() -> impl Strategy<Value = PropertyMap> {
    let labels = proptest::collection::btree_map("[ab.]{1,2}", some_text(), 0..3);
    let lines = proptest::collection::vec(some_line(), 0..3);
    (
        some_text(),
        some_text(),
        some_text(),
        some_text(),
        labels,
        lines,
        proptest::option::of(0..3),
    )
        .prop_map(|(title, body, slot, password, labels, lines, priority)| {
            map([
                ("title", title),
                ("body", body),
                ("slot", slot),
                ("password", password),
                ("labels", labels.into()),
                ("lines", lines.into()),
                ("priority", priority.into()),
            ])
        })
}

struct Fixture {
    runtime: Runtime,
    specimen: Harness<pulumi_specimen::Config>,
}

impl Fixture {
    fn new() -> Self {
        let runtime = Runtime::new().expect("a runtime");
        let specimen = runtime.block_on(a_specimen());
        Self { runtime, specimen }
    }

    fn diff(&self, olds: &PropertyMap, news: &PropertyMap) -> Difference {
        let stored = Stored {
            id: "a".to_owned(),
            inputs: olds.clone(),
            outputs: olds.clone(),
        };
        let note = self.specimen.resource(NOTE, "a");
        self.runtime
            .block_on(note.diff(&stored, news))
            .expect("a difference")
    }
}

fn root(path: &str) -> String {
    let path: PropertyPath = path.parse().expect("a property path");
    path.first_key().expect("a property").to_owned()
}

#[test]
fn the_parts_of_every_answer_agree() {
    let fixture = Fixture::new();
    proptest!(ProptestConfig::with_cases(128), |(olds in some_note(), news in some_note())| {
        let difference = fixture.diff(&olds, &news);

        prop_assert_ne!(difference.changes, DiffChanges::DiffUnknown);
        prop_assert_eq!(difference.is_none(), difference.detailed.is_empty());
        let roots: BTreeSet<_> = difference.detailed.keys().map(|path| root(path)).collect();
        prop_assert_eq!(&difference.diffs, &roots.into_iter().collect::<Vec<_>>());
        let replacing = difference.detailed.iter().filter(|(_, (kind, _))| {
            matches!(kind, Kind::AddReplace | Kind::DeleteReplace | Kind::UpdateReplace)
        });
        let replacing: BTreeSet<_> = replacing.map(|(path, _)| root(path)).collect();
        prop_assert_eq!(&difference.replaces, &replacing.into_iter().collect::<Vec<_>>());
        for key in &difference.replaces {
            prop_assert!(key == "slot" || key == "title", "{} replaces", key);
        }
    });
}

/// The same content, all of it secret.
fn hidden(map: &PropertyMap) -> PropertyMap {
    map.iter()
        .map(|(key, value)| (key.clone(), Value::secret(value.stripped())))
        .collect()
}

#[test]
fn secrecy_alone_is_no_difference() {
    let fixture = Fixture::new();
    proptest!(ProptestConfig::with_cases(64), |(note in some_note())| {
        prop_assume!(!Value::Map(note.clone()).contains_unknown());
        prop_assert!(fixture.diff(&note, &note).is_none());
        prop_assert!(fixture.diff(&note, &hidden(&note)).is_none());
        prop_assert!(fixture.diff(&hidden(&note), &note).is_none());
    });
}

#[test]
fn the_other_way_round_everything_is_told_the_other_way_round() {
    let fixture = Fixture::new();
    let inverse = |kind: Kind| match kind {
        Kind::Add => Kind::Delete,
        Kind::AddReplace => Kind::DeleteReplace,
        Kind::Delete => Kind::Add,
        Kind::DeleteReplace => Kind::AddReplace,
        same @ (Kind::Update | Kind::UpdateReplace) => same,
    };
    proptest!(ProptestConfig::with_cases(64), |(olds in some_note(), news in some_note())| {
        let there = fixture.diff(&olds, &news).detailed;
        let back = fixture.diff(&news, &olds).detailed;

        let inverted: BTreeMap<_, _> =
            back.into_iter().map(|(path, (kind, input))| (path, (inverse(kind), input))).collect();
        prop_assert_eq!(there, inverted);
    });
}

#[test]
fn an_unknown_may_be_a_change_and_is_told_as_an_update() {
    let fixture = Fixture::new();
    let mut news = a_note("a");
    news.insert("body".to_owned(), Value::Unknown);
    let mut olds = a_note("a");
    olds.insert("body".to_owned(), "x".into());

    let difference = fixture.diff(&olds, &news);

    assert_eq!(
        difference.detailed,
        BTreeMap::from([("body".to_owned(), (Kind::Update, true))])
    );
    assert_eq!(difference.replaces, [""; 0]);
}

#[tokio::test]
async fn what_there_can_be_one_of_only_is_deleted_before_it_is_replaced() {
    let (specimen, journal, other) = (a_specimen().await, Journal::empty(), Journal::empty());
    let rollout = specimen.resource(ROLLOUT, "a");
    let stored = rollout
        .create(&journal.rollout(1, 1))
        .await
        .expect("a rollout");

    let difference = rollout
        .diff(&stored, &other.rollout(1, 1))
        .await
        .expect("a difference");

    assert_eq!(difference.replaces, ["journal"]);
    assert!(difference.delete_before_replace);
    assert_eq!(difference.stables, ["operation"]);
}
