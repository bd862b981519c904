//! A zone with a shift in it, and somebody who types commands.

use std::io::Cursor;
use std::sync::Arc;
use std::time::Duration;

use clap::Parser as _;
use cutover_core::Timestamp;
use cutover_core::shift::journal::{Entry, Mark, RunId};
use cutover_core::shift::preflight::Routing;
use cutover_core::shift::records::{
    Member, RecordChange, RecordSet, Verb, journal_name_of, return_batch,
};
use cutover_core::shift::spec::RecordType;
use cutover_driver::{Applied, Batch, Clock as _};
use cutover_sim::{Cloud, CloudConfig, SimClock, SimDatabases, SimSecrets, SimTraffic};
use tokio_util::sync::CancellationToken;

use crate::{Cli, Console, Exit, Here, run};

pub(super) const ZONE: &str = "Z0AB";
pub(super) const NAMES: [&str; 2] = ["pay.example.com", "www.example.com"];

pub(super) struct Bench {
    pub(super) clock: SimClock,
    pub(super) sim: SimTraffic,
    pub(super) here: Here,
    pub(super) answer: Option<&'static str>,
}

/// What a command printed, and how it exited.
#[derive(Debug)]
pub(super) struct Typed {
    pub(super) exit: Exit,
    pub(super) out: String,
    pub(super) err: String,
}

impl Typed {
    pub(super) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

impl Bench {
    pub(super) fn new() -> Self {
        let clock = SimClock::default();
        let mut cloud = Cloud::new(CloudConfig::default());
        cloud.put_hosted_zone(clock.now(), ZONE, "example.com", false);
        let sim = SimTraffic::new(cloud, clock.clone());
        let here = Here {
            clock: Arc::new(clock.clone()),
            traffic: sim.traffic(),
            databases: Arc::new(SimDatabases::default()),
            secrets: Arc::new(SimSecrets::default()),
            variable: |_| None,
            stop: CancellationToken::new(),
        };
        Self {
            clock,
            sim,
            here,
            answer: None,
        }
    }

    /// Two names at these weights, INSYNC and answered.
    pub(super) async fn at(old: u16, new: u16) -> Self {
        let bench = Self::new();
        bench.put(old, new).await;
        bench.clock.pass(Duration::from_mins(2));
        bench
    }

    /// The same with a journal that was written so many minutes ago.
    pub(super) async fn with_journal(old: u16, new: u16, mark: Mark, minutes_ago: u64) -> Self {
        let bench = Self::new();
        bench.put(100, 0).await;
        let at = bench.clock.now();
        let entry = Entry {
            shift: "pay-1".to_owned(),
            run: RunId::new("ci-42"),
            seq: 7,
            attempt: 1,
            mark,
            step: 1,
            at: Timestamp::from_unix_millis(at.unix_millis() / 1_000 * 1_000),
            exposed: Timestamp::from_unix_millis(at.unix_millis() / 1_000 * 1_000),
            bake: None,
            plan: 0xfeed,
            ttl_seconds: None,
        };
        let changes = return_batch(
            &journal_name_of(NAMES[0]),
            &members(),
            &entry,
            &bench.sets().await,
        );
        bench.apply(changes).await;
        bench.put(old, new).await;
        bench.clock.pass(Duration::from_mins(minutes_ago));
        bench
    }

    pub(super) async fn put(&self, old: u16, new: u16) {
        let sides = [
            ("old-system", old, "192.0.2.1"),
            ("new-system", new, "198.51.100.1"),
        ];
        let sets = NAMES.iter().flat_map(|name| {
            sides.map(|(side, weight, value)| RecordSet {
                name: (*name).to_owned(),
                record_type: "A".to_owned(),
                routing: Routing::Weighted {
                    set_identifier: side.to_owned(),
                    weight,
                },
                ttl_seconds: Some(60),
                values: vec![value.to_owned()],
                alias: None,
                health_check: None,
            })
        });
        let changes = sets.map(|set| RecordChange {
            verb: Verb::Upsert,
            set,
        });
        self.apply(changes.collect()).await;
    }

    async fn apply(&self, changes: Vec<RecordChange>) {
        let batch = Batch {
            zone_id: ZONE.to_owned(),
            changes,
            urgent: false,
        };
        // Preparing uses up nothing of the requests that are allowed in a second.
        self.clock.pass(Duration::from_secs(1));
        let applied = self.here.traffic.zones.apply(&batch).await;
        assert!(
            matches!(applied, Ok(Applied::Accepted { .. })),
            "{applied:?}"
        );
    }

    /// Everything that stands in the zone about the shift.
    pub(super) async fn sets(&self) -> Vec<RecordSet> {
        self.clock.pass(Duration::from_secs(1));
        let names: Vec<String> = NAMES
            .iter()
            .map(|name| (*name).to_owned())
            .chain([journal_name_of(NAMES[0])])
            .collect();
        let sets = self
            .here
            .traffic
            .zones
            .fetch_record_sets(ZONE, &names)
            .await;
        sets.expect("the zone is readable")
    }

    /// The weights of old and new, per name.
    pub(super) async fn weights(&self) -> Vec<u16> {
        let sets = self.sets().await;
        let of = |name: &str, side: &str| {
            let found = sets.iter().find_map(|set| match &set.routing {
                Routing::Weighted {
                    set_identifier,
                    weight,
                } if set.name == name && set_identifier == side => Some(*weight),
                _ => None,
            });
            found.expect("has a record")
        };
        NAMES
            .iter()
            .flat_map(|name| [of(name, "old-system"), of(name, "new-system")])
            .collect()
    }

    /// How often records were changed, or it was tried.
    pub(super) fn changes(&self) -> usize {
        let cloud = self.sim.cloud();
        let changes = cloud
            .requests()
            .iter()
            .filter(|request| request.operation == "ChangeResourceRecordSets");
        changes.count()
    }

    /// Types a command.
    pub(super) async fn types(&self, line: &str) -> Typed {
        let cli = Cli::try_parse_from(["cutover"].into_iter().chain(line.split(' ')))
            .unwrap_or_else(|error| panic!("{error}"));
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let mut input = Cursor::new(self.answer.unwrap_or_default().as_bytes());
        let mut console = Console::new(
            &mut out,
            &mut err,
            &mut input,
            self.answer.is_some(),
            cli.json,
        );
        let exit = run(&cli, &self.here, &mut console).await;
        Typed {
            exit,
            out: String::from_utf8(out).expect("is text"),
            err: String::from_utf8(err).expect("is text"),
        }
    }
}

fn members() -> Vec<Member> {
    let member = |name: &&str| Member {
        name: (*name).to_owned(),
        types: vec![RecordType::A],
        old: "old-system".to_owned(),
        new: "new-system".to_owned(),
    };
    NAMES.iter().map(member).collect()
}
