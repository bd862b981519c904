//! Shifts of traffic through the driver, against the simulated AWS: what goes wrong, what the router shows of it, and
//! what is told.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

mod balancers;
mod clocks;
mod deaths;
mod locks;
mod many;
mod rights;
mod rivals;
mod sweep;
mod telling;
mod zones;

use std::time::Duration;

use cutover_core::Timestamp;
use cutover_core::shift::facts::JournalRead;
use cutover_core::shift::gates::Side;
use cutover_core::shift::journal::Entry;
use cutover_core::shift::machine::Outcome;
use cutover_core::shift::preflight::Routing;
use cutover_core::shift::records::{RecordSet, read_journal};
use cutover_driver::{Clock, Conducted};
use cutover_sim::cloud::{Incident, SideProfile};
use cutover_sim::shop::{Life, Program, Shop, Site};
use cutover_sim::{Cloud, CloudConfig};

/// A shop on records and the program that moves it: 10 % for ten minutes, then everything, watched for ten more. The
/// first share is on after 31 s, its bake begins at 3 min and ends at 13 min, and everything is on new at 13:31.
fn pay() -> (Shop, Site, Program) {
    over(Site::pay())
}

fn over(site: Site) -> (Shop, Site, Program) {
    let shop = Shop::with(CloudConfig::default(), &site);
    let program = Program::of(&shop, &site);
    (shop, site, program)
}

const fn minutes(minutes: u64) -> Duration {
    Duration::from_mins(minutes)
}

const fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// Lets one in five requests and payments of a side fail, from a moment on.
fn breaks(shop: &Shop, side: Side, from: Duration) {
    let profile = SideProfile {
        error_rate: 0.2,
        payment_failure_rate: 0.2,
        latency_p95: Duration::from_millis(180),
    };
    let incident = Incident {
        from: shop.at(from),
        until: shop.at(Duration::from_hours(24)),
        side,
        profile,
    };
    let now = shop.clock.now();
    shop.sim.cloud().add_incident(now, incident);
}

/// Returns when the first event whose text begins so happened, in seconds since the start.
fn when<S>(shop: &Shop, conducted: &Conducted<S>, begins: &str) -> Option<f64> {
    let mut events = conducted.shift.events().iter();
    let found = events.find(|event| event.what.to_string().starts_with(begins))?;
    Some(found.at.since(shop.start).as_secs_f64())
}

fn told<S>(conducted: &Conducted<S>, begins: &str) -> bool {
    let mut events = conducted.shift.events().iter();
    events.any(|event| event.what.to_string().starts_with(begins))
}

/// Returns every entry that the journal had, in their order.
fn journal(site: &Site, cloud: &Cloud) -> Vec<Entry> {
    let name = format!("_cutover.{}", site.name);
    let over_time = cloud.values_over_time(&site.zone_id, &name, "TXT");
    let entry = |values: Vec<String>| {
        let set = RecordSet {
            name: name.clone(),
            record_type: "TXT".to_owned(),
            routing: Routing::Simple,
            ttl_seconds: Some(60),
            values,
            alias: None,
            health_check: None,
        };
        match read_journal(&[&set]) {
            JournalRead::Entry(entry) => Some(entry),
            JournalRead::Absent => None,
            JournalRead::Unreadable(why) => panic!("{why}: {set:?}"),
        }
    };
    let there = over_time
        .into_iter()
        .filter(|(_, values)| !values.is_empty());
    there.filter_map(|(_, values)| entry(values)).collect()
}

/// Returns how often a batch was accepted.
fn batches(shop: &Shop) -> usize {
    let calls = shop.calls("ChangeResourceRecordSets");
    calls.iter().filter(|(_, error)| error.is_none()).count()
}

/// Returns the subjects of everything that was sent to people.
fn subjects(shop: &Shop) -> Vec<String> {
    let cloud = shop.sim.cloud();
    let sent = cloud.sent().iter();
    sent.filter_map(|sent| sent.input.subject.clone()).collect()
}

fn is_old(shop: &Shop, site: &Site, at: Timestamp) -> bool {
    let (old, new, none) = site.ask(&mut shop.sim.cloud(), at, 200);
    old > 0 && new == 0 && none == 0
}

/// Everything on old, then the first share, then everything on new.
const WHOLE: [(u64, u64); 3] = [(100, 0), (90, 10), (0, 100)];

/// There and back.
const BACK: [(u64, u64); 3] = [(100, 0), (90, 10), (100, 0)];
