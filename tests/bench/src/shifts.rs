//! Shifts of traffic over the simulated AWS: what was promised, measured. Everything but the last figures is simulated
//! time, so that it is the same on every machine.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use cutover_core::shift::compare::Comparison;
use cutover_core::shift::gates::{Gate, GateKind, Limit, Severity, Side, payment_gates};
use cutover_core::shift::machine::Outcome;
use cutover_driver::{Allowance, Clock as _};
use cutover_sim::cloud::{AlarmState, Counted, Incident, PutParameter, Request, SideProfile, What};
use cutover_sim::shop::{Program, Shop, Site, steps};
use cutover_sim::{CloudConfig, CloudFault};
use futures_util::future::join_all;

use crate::report::Report;

/// The promise for each default gate, in seconds: stated, in the table of gates.
const DETECTION: [(&str, &str, f64); 6] = [
    ("errorRate", "breach to rollback: errorRate", 450.0),
    ("latency", "breach to rollback: latency", 750.0),
    (
        "paymentFailures",
        "breach to rollback: paymentFailures",
        210.0,
    ),
    ("availability", "breach to rollback: availability", 210.0),
    (
        "dbConnectionFailures",
        "breach to rollback: dbConnectionFailures",
        270.0,
    ),
    (
        "dataConsistency",
        "breach to rollback: dataConsistency",
        210.0,
    ),
];

/// How many rollbacks and bakes are simulated: stated.
const MANY: u64 = 10_000;

/// The chance that a call is throttled: ours, far more than an account sees that is not overloaded.
const THROTTLED_PERCENT: u64 = 10;

/// Adds the figures of shifts.
pub(crate) fn measure(report: &mut Report) -> Result<()> {
    simulated(|| detection(report))??;
    simulated(|| acceptance(report))??;
    simulated(|| calls(report))??;
    simulated(|| equals(report))??;
    simulated(|| crowd(report))??;
    simulated(|| waves(report))??;
    simulated(|| wall_time(report))?
}

/// Runs on one thread, in time that jumps over every wait.
fn simulated<T: Send, F: Future<Output = T>>(run: impl FnOnce() -> F + Send) -> Result<T> {
    std::thread::scope(|scope| {
        let thread = scope.spawn(|| {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_time()
                .start_paused(true)
                .build()?;
            Ok(runtime.block_on(run()))
        });
        match thread.join() {
            Ok(result) => result,
            Err(panic) => std::panic::resume_unwind(panic),
        }
    })
}

/// How new is when everything about it is bad.
const BAD: SideProfile = SideProfile {
    error_rate: 0.2,
    payment_failure_rate: 0.2,
    latency_p95: Duration::from_secs(6),
};

/// A shop whose database is measured as well: connections that fail, and rows that differ.
fn shop_with_a_database(site: &Site, broken_from: Duration) -> Shop {
    let shop = Shop::with(CloudConfig::default(), site);
    let now = shop.clock.now();
    let incident = Incident {
        from: shop.at(broken_from),
        until: shop.at(Duration::from_hours(24)),
        side: Side::New,
        profile: BAD,
    };
    let mut database = site.traffic(now);
    for side in [&mut database.old, &mut database.new] {
        (side.error_rate, side.payment_failure_rate) = (0.0, 0.0);
    }
    database.measured.retain_mut(|measured| {
        let name = match measured.counted {
            Counted::Errors => "ConnectionFailures",
            Counted::FailedPayments => "Mismatches",
            Counted::Requests | Counted::Payments | Counted::Latency => return false,
        };
        name.clone_into(&mut measured.key.name);
        true
    });
    let mut cloud = shop.sim.cloud();
    cloud.change_traffic(now, |model| {
        for side in [&mut model.old, &mut model.new] {
            side.error_rate = 0.0;
        }
    });
    cloud.run_traffic(database);
    cloud.add_incident(now, incident);
    drop(cloud);
    shop
}

/// The gates of the runbooks; latencies are published in milliseconds.
fn gates() -> Vec<Gate> {
    let mut gates = payment_gates();
    for gate in gates.iter_mut().filter(|gate| gate.name == "latency") {
        gate.limit = Limit::Max(3_000.0);
    }
    gates
}

/// From a breach to the change that goes back, each gate alone, the worst over moments of the breach and of the start.
async fn detection(report: &mut Report) -> Result<()> {
    for (gate, name, promised) in DETECTION {
        let mut worst: f64 = 0.0;
        for breach in (600..660).step_by(10) {
            for start in (0..30).step_by(6) {
                let site = Site::pay();
                let breach = Duration::from_secs(breach);
                let shop = shop_with_a_database(&site, breach);
                let mut program = Program::of(&shop, &site);
                program.tells = false;
                program.wish.steps = steps(&[(10.0, 30), (100.0, 0)]);
                program.wish.soak = Duration::from_mins(30);
                program.wish.gates = gates();
                program.wish.gates.retain(|one| one.name == gate);
                shop.wait(Duration::from_secs(start)).await;
                let ended = program.up("run-1").await.ended();
                let weights = site.weights_of(&shop.sim.cloud(), "A");
                let back = weights
                    .last()
                    .filter(|last| last.1 == Some(100) && weights.len() == 3);
                let back = back.with_context(|| format!("{gate}: {:?}", ended.outcome))?;
                worst = worst.max(back.0.since(shop.at(breach)).as_secs_f64());
            }
        }
        report.budget(name, "s", worst, promised);
    }
    Ok(())
}

/// From the decision to the accepted change, with calls throttled at random.
async fn acceptance(report: &mut Report) -> Result<()> {
    let mut took = Vec::new();
    for seed in 0..MANY {
        let throttled = in_a_row(seed);
        took.push(accepted_after(seed, throttled).await?);
    }
    took.sort_by(f64::total_cmp);
    let of = |part: f64| quantile(&took, part);
    report.budget("decision to accepted, p50", "s", of(0.5), 2.0);
    report.budget("decision to accepted, p99", "s", of(0.99), 2.0);
    report.add("decision to accepted, worst", "s", of(1.0), None, None);
    let mut three: f64 = 0.0;
    for seed in 0..100 {
        three = three.max(accepted_after(seed, 3).await?);
    }
    report.budget("decision to accepted, three throttles", "s", three, 10.0);
    Ok(())
}

fn quantile(sorted: &[f64], part: f64) -> f64 {
    let last = sorted.len().saturating_sub(1);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "an index of a sorted list of thousands"
    )]
    let index = (part * last as f64).ceil() as usize;
    sorted.get(index).copied().unwrap_or_default()
}

/// How many calls in a row are throttled, drawn from a seed.
fn in_a_row(seed: u64) -> usize {
    let mut state = seed;
    let mut drawn = || {
        // SplitMix64.
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % 100
    };
    std::iter::repeat_with(|| drawn() < THROTTLED_PERCENT)
        .take_while(|throttled| *throttled)
        .count()
}

async fn accepted_after(seed: u64, throttled: usize) -> Result<f64> {
    let site = Site::pay();
    let shop = Shop::with(CloudConfig::default(), &site);
    let mut program = Program::of(&shop, &site);
    program.tells = false;
    program.wish.policy.control_parameter = Some("/pay/switch".to_owned());
    program.wish.policy.control_poll = Some(Duration::from_secs(10));
    let now = shop.clock.now();
    shop.sim.cloud().by_others(|cloud| put(cloud, now, "run"));
    // The fence and the first share go before.
    let fault = CloudFault::nth("ChangeResourceRecordSets", 3, throttled, What::Throttled);
    shop.sim.cloud().script([fault]);
    let millis = 40_000 + seed.wrapping_mul(7_919) % 30_000;
    let act = shop.then(Duration::from_millis(millis), |cloud, now| {
        put(cloud, now, "rollback: measured");
    });
    let run = format!("run-{seed}");
    let (life, ()) = tokio::join!(program.up(&run), act);
    let ended = life.ended();
    let at = |begins: &str| {
        let mut events = ended.shift.events().iter();
        events
            .find(|event| event.what.to_string().starts_with(begins))
            .map(|event| event.at)
    };
    let (decided, accepted) = (at("rollback: "), at("rollback accepted"));
    let (decided, accepted) = decided.zip(accepted).context("it did not go back")?;
    Ok(accepted.since(decided).as_secs_f64())
}

fn put(cloud: &mut cutover_sim::Cloud, now: cutover_core::Timestamp, value: &str) {
    let input = PutParameter {
        name: "/pay/switch".to_owned(),
        kind: Some("String".to_owned()),
        value: value.to_owned(),
        overwrite: true,
    };
    // What is put is valid, and a switch that is not there would show in the figures.
    let _ = cloud.put_parameter(now, &input);
}

fn service(operation: &str) -> &'static str {
    match operation {
        "ChangeResourceRecordSets" | "ListResourceRecordSets" | "GetChange" | "GetHostedZone" => {
            "Route 53"
        }
        "GetMetricData" | "DescribeAlarms" | "PutMetricData" => "CloudWatch",
        "GetParameter" => "SSM",
        "Publish" => "SNS",
        _ => "others",
    }
}

/// Calls in an hour of a bake, with everything that can be watched.
async fn calls(report: &mut Report) -> Result<()> {
    let names = [
        (10, "calls per hour of bake, switch every 10 s", 750.0),
        (30, "calls per hour of bake, switch every 30 s", 400.0),
    ];
    for (poll, name, promised) in names {
        let site = Site::pay();
        let shop = Shop::with(CloudConfig::default(), &site);
        let mut program = Program::of(&shop, &site);
        program.wish.steps = steps(&[(10.0, 60), (100.0, 0)]);
        program.wish.policy.control_parameter = Some("/pay/switch".to_owned());
        program.wish.policy.control_poll = Some(Duration::from_secs(poll));
        program
            .wish
            .gates
            .push(Gate::new("bell", GateKind::Alarm, Limit::Max(0.0)));
        program
            .sources
            .alarms
            .insert("bell".to_owned(), "pay-bell".to_owned());
        let now = shop.clock.now();
        shop.sim.cloud().by_others(|cloud| {
            put(cloud, now, "run");
            cloud.put_alarm(now, "pay-bell", None);
            cloud.set_alarm_data(now, "pay-bell", AlarmState::Ok);
        });
        let ended = program.up("run-1").await.ended();
        ensure!(
            ended.outcome == Some(Outcome::Completed),
            "{:?}",
            ended.outcome
        );
        let from = ended
            .shift
            .events()
            .iter()
            .find(|event| event.what.to_string().starts_with("bake of step 1"))
            .context("it has baked")?
            .at;
        let hour = from..from.after(Duration::from_hours(1));
        let mut counts: BTreeMap<&str, f64> = BTreeMap::new();
        let cloud = shop.sim.cloud();
        for request in cloud.requests().iter().filter(|one| hour.contains(&one.at)) {
            *counts.entry(service(request.operation)).or_default() += 1.0;
        }
        report.budget(name, "calls", counts.values().sum(), promised);
        if poll == 10 {
            for (service, name) in [
                ("Route 53", "  of Route 53"),
                ("CloudWatch", "  of CloudWatch"),
                ("SSM", "  of SSM"),
                ("SNS", "  of SNS"),
            ] {
                let count = counts.get(service).copied().unwrap_or_default();
                report.add(name, "calls", count, None, None);
            }
        }
    }
    Ok(())
}

/// Bakes of two equal sides whose counts scatter; none should go back for a comparison.
async fn equals(report: &mut Report) -> Result<()> {
    let mut wrong = 0.0;
    for seed in 0..MANY {
        let site = Site::pay();
        let config = CloudConfig {
            seed,
            ..CloudConfig::default()
        };
        let shop = Shop::with(config, &site);
        let now = shop.clock.now();
        shop.sim.cloud().change_traffic(now, |model| {
            model.scattered = true;
            for side in [&mut model.old, &mut model.new] {
                (side.error_rate, side.payment_failure_rate) = (0.01, 0.01);
            }
        });
        let mut program = Program::of(&shop, &site);
        program.tells = false;
        program.wish.steps = steps(&[(50.0, 20), (100.0, 0)]);
        program.wish.gates = vec![Gate::new("errorRate", GateKind::Ratio, Limit::Max(0.5))];
        program.wish.compare = ["errorRate", "paymentFailures"]
            .map(|name| Comparison {
                severity: Severity::Critical,
                ..Comparison::of_rates(name)
            })
            .to_vec();
        program.wish.policy.mode = cutover_core::shift::spec::Mode::Staged;
        let ended = program.up("run-1").await.ended();
        if matches!(ended.outcome, Some(Outcome::RolledBack { .. })) {
            wrong += 1.0;
        }
    }
    report.budget(
        "false comparison rollbacks of 10,000 bakes",
        "%",
        wrong / 100.0,
        1.0,
    );
    Ok(())
}

fn is_route53(request: &Request) -> bool {
    service(request.operation) == "Route 53"
}

/// Runs so many shifts at once in one process and one account; twenty share a zone.
async fn together(count: usize, steps_of: &[(f64, u64)]) -> Result<(Shop, Vec<Site>, usize)> {
    let sites: Vec<Site> = (0..count)
        .map(|number| Site::numbered(number / 20, number))
        .collect();
    let shop = Shop::with_all(CloudConfig::default(), &sites);
    let allowance = Arc::new(Allowance::new(Arc::new(shop.clock)));
    let ups = sites.iter().map(|site| {
        let mut program = Program::of(&shop, site);
        program.tells = false;
        program.allowance = Some(Arc::clone(&allowance));
        program.wish.steps = steps(steps_of);
        async move {
            program
                .up(&format!("run-{}", site.id))
                .await
                .ended()
                .outcome
        }
    });
    let outcomes = join_all(ups).await;
    let done = outcomes
        .iter()
        .filter(|one| **one == Some(Outcome::Completed));
    let done = done.count();
    Ok((shop, sites, done))
}

/// Five hundred shifts at once: what they ask of the account.
async fn crowd(report: &mut Report) -> Result<()> {
    let (shop, _, done) = together(500, &[(50.0, 10), (100.0, 0)]).await?;
    let cloud = shop.sim.cloud();
    let figure = |count: usize| f64::from(u32::try_from(count).unwrap_or(u32::MAX));
    let peak = cloud.peak(Duration::from_secs(1), is_route53);
    report.budget(
        "500 shifts: Route 53 calls in a second",
        "calls",
        figure(peak),
        5.0,
    );
    let throttled = cloud
        .requests()
        .iter()
        .filter(|one| one.error == Some("Throttling"));
    report.budget(
        "500 shifts: throttled calls",
        "calls",
        figure(throttled.count()),
        0.0,
    );
    report.budget(
        "500 shifts: not completed",
        "shifts",
        figure(500 - done),
        0.0,
    );
    let hours = shop.clock.now().since(shop.start).as_secs_f64() / 3600.0;
    report.add("500 shifts: until the last is over", "h", hours, None, None);
    Ok(())
}

/// Five times a hundred shifts, each in a world of its own that is gone before the next: what stays is ours.
async fn waves(report: &mut Report) -> Result<()> {
    let mut resident = Vec::new();
    for _ in 0..5 {
        together(100, &[(50.0, 10), (100.0, 0)]).await?;
        resident.push(resident_kib()?);
    }
    for (name, kib) in [
        "memory after 100 shifts",
        "memory after 200 shifts",
        "memory after 300 shifts",
        "memory after 400 shifts",
        "memory after 500 shifts",
    ]
    .into_iter()
    .zip(&resident)
    {
        report.add(name, "MiB", kib / 1024.0, None, None);
    }
    report.budget(
        "memory kept of each further shift",
        "KiB",
        slope(&resident) / 100.0,
        1.0,
    );
    Ok(())
}

/// The slope of the line that fits evenly spaced values best.
fn slope(values: &[f64]) -> f64 {
    let count = f64::from(u32::try_from(values.len()).unwrap_or(u32::MAX));
    let middle = (count - 1.0) / 2.0;
    let places = || (0_u32..).map(|place| f64::from(place) - middle);
    let products: f64 = places()
        .zip(values)
        .map(|(place, value)| place * value)
        .sum();
    let squares: f64 = places().zip(values).map(|(place, _)| place * place).sum();
    products / squares
}

fn resident_kib() -> Result<f64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|rest| rest.split_whitespace().next());
    Ok(kib.context("the kernel tells the resident size")?.parse()?)
}

/// How long the plan of three hours takes on this machine.
async fn wall_time(report: &mut Report) -> Result<()> {
    let site = Site::pay();
    let shop = Shop::with(CloudConfig::default(), &site);
    let mut program = Program::of(&shop, &site);
    program.wish.steps = steps(&[(10.0, 30), (50.0, 60), (90.0, 60), (100.0, 0)]);
    program.wish.soak = Duration::from_mins(30);
    let began = Instant::now();
    let ended = program.up("run-1").await.ended();
    let took = began.elapsed();
    ensure!(
        ended.outcome == Some(Outcome::Completed),
        "{:?}",
        ended.outcome
    );
    report.budget(
        "plan of 3 h 12 min, wall time",
        "s",
        took.as_secs_f64(),
        2.0,
    );
    Ok(())
}
