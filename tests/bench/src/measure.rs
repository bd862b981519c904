//! The measurements. Both sides of a comparison are measured in turns, so that a mood of the machine meets both.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use futures_util::future::join_all;
use pulumi_testkit::{FakeEngine, Plugin, PluginCommand, Stored, Subject, map};
use pulumi_value::{PropertyMap, Value};

use crate::report::Report;

/// How often a process is started.
const STARTS: usize = 31;

/// How many calls of a kind are made one after the other, after a tenth of them to warm up.
const CALLS: usize = 2000;

/// How many calls are under way at the same time where that is measured.
const AT_ONCE: usize = 32;

/// How many children a component has, and how often it is constructed.
const CHILDREN: u32 = 100;
const CONSTRUCTS: usize = 30;

/// What the plugin may need, from the project's budgets.
const PLUGIN_MEGABYTES_MAX: f64 = 30.0;
const PLUGIN_RESIDENT_MEGABYTES_MAX: f64 = 25.0;
const CONSTRUCT_CPU_MILLISECONDS_MAX: f64 = 10.0;
const START_MILLISECONDS_MAX: f64 = 300.0;

/// A plugin binary to measure.
pub(crate) struct Side {
    name: &'static str,
    binary: PathBuf,
}

impl Side {
    pub(crate) fn new(name: &'static str, binary: &Path) -> Self {
        Self {
            name,
            binary: binary.to_owned(),
        }
    }

    /// Starts the plugin and has it configured.
    async fn start(&self, engine: &FakeEngine) -> Result<Plugin> {
        let plugin = PluginCommand::new(&self.binary)
            .engine(engine)
            .start()
            .await;
        // The peer does without a handshake.
        let _ = plugin.client.handshake(engine.address()).await;
        plugin
            .client
            .configure(PropertyMap::new())
            .await
            .with_context(|| format!("configuring {}", self.name))?;
        Ok(plugin)
    }

    fn megabytes(&self) -> Result<f64> {
        Ok(float(std::fs::metadata(&self.binary)?.len()) / 1e6)
    }
}

pub(crate) fn sizes(ours: &Side, peer: &Side, report: &mut Report) -> Result<()> {
    report.compare("binary", "MB", ours.megabytes()?, peer.megabytes()?);
    Ok(())
}

/// From the start of the process to the first answer.
pub(crate) async fn starts(ours: &Side, peer: &Side, report: &mut Report) -> Result<()> {
    let engine = FakeEngine::start();
    let (mut our_times, mut peer_times) = (Vec::new(), Vec::new());
    for _ in 0..STARTS {
        our_times.push(first_answer(ours, &engine).await?);
        peer_times.push(first_answer(peer, &engine).await?);
    }
    report.compare(
        "start to first answer, median",
        "ms",
        median(&mut our_times),
        median(&mut peer_times),
    );
    Ok(())
}

async fn first_answer(side: &Side, engine: &FakeEngine) -> Result<f64> {
    let begun = Instant::now();
    let plugin = PluginCommand::new(&side.binary)
        .engine(engine)
        .start()
        .await;
    plugin.client.plugin_version().await?;
    Ok(milliseconds(begun.elapsed()))
}

/// Resident memory once configured, when nothing goes on.
pub(crate) async fn memory(ours: &Side, peer: &Side, report: &mut Report) -> Result<()> {
    let engine = FakeEngine::start();
    let (our_plugin, peer_plugin) = (ours.start(&engine).await?, peer.start(&engine).await?);
    let megabytes = |plugin: &Plugin| float(plugin.resident_kib()) * 1024.0 / 1e6;
    report.compare(
        "resident after Configure",
        "MB",
        megabytes(&our_plugin),
        megabytes(&peer_plugin),
    );
    Ok(())
}

/// Check, Diff and Create of one resource, one after the other and many at once.
pub(crate) async fn calls(ours: &Side, peer: &Side, report: &mut Report) -> Result<()> {
    let engine = FakeEngine::start();
    let (our_plugin, peer_plugin) = (ours.start(&engine).await?, peer.start(&engine).await?);
    let ours = Calls::new(&our_plugin).await?;
    let peer = Calls::new(&peer_plugin).await?;
    let rows = [
        (Kind::Check, "Check, one by one", "Check, 32 at once"),
        (Kind::Diff, "Diff, one by one", "Diff, 32 at once"),
        (Kind::Create, "Create, one by one", "Create, 32 at once"),
    ];
    for (kind, one_by_one, at_once) in rows {
        report.compare(
            one_by_one,
            "us/call",
            ours.time(kind, 1).await?,
            peer.time(kind, 1).await?,
        );
        report.compare(
            at_once,
            "us/call",
            ours.time(kind, AT_ONCE).await?,
            peer.time(kind, AT_ONCE).await?,
        );
    }
    Ok(())
}

#[derive(Clone, Copy)]
enum Kind {
    Check,
    Diff,
    Create,
}

/// Resources, one for each call under way, with what their calls need.
struct Calls {
    subjects: Vec<Subject>,
    inputs: PropertyMap,
    changed: PropertyMap,
    stored: Stored,
}

impl Calls {
    async fn new(plugin: &Plugin) -> Result<Self> {
        let named = |index| {
            plugin
                .client
                .resource("specimen:index:Note", &format!("note-{index}"))
        };
        let subjects: Vec<_> = (0..AT_ONCE).map(named).collect();
        let subject = &subjects[0];
        let lines =
            (0..20).map(|line| Value::from([("text", Value::from(format!("line {line}")))]));
        let given = map([
            ("title", Value::from("a note")),
            ("body", Value::from("what it says")),
            ("priority", Value::from(3)),
            ("password", Value::secret("hunter22")),
            (
                "labels",
                Value::from([
                    ("team", Value::from("payments")),
                    ("tier", Value::from("one")),
                ]),
            ),
            ("lines", Value::List(lines.collect())),
        ]);
        let inputs = subject.check(&given).await?.accepted();
        let stored = subject.create(&inputs).await?;
        let mut changed = inputs.clone();
        changed.insert("body".to_owned(), Value::from("something else"));
        Ok(Self {
            subjects,
            inputs,
            changed,
            stored,
        })
    }

    async fn call(&self, kind: Kind, subject: &Subject) -> Result<()> {
        match kind {
            Kind::Check => drop(subject.check(&self.inputs).await?),
            Kind::Diff => drop(subject.diff(&self.stored, &self.changed).await?),
            Kind::Create => drop(subject.create(&self.inputs).await?),
        }
        Ok(())
    }

    /// Returns the mean time of a call in microseconds, with so many under way at the same time.
    async fn time(&self, kind: Kind, at_once: usize) -> Result<f64> {
        self.repeat(kind, at_once, CALLS / 10).await?;
        let begun = Instant::now();
        self.repeat(kind, at_once, CALLS).await?;
        Ok(begun.elapsed().as_secs_f64() * 1e6 / float(u64::try_from(CALLS)?))
    }

    async fn repeat(&self, kind: Kind, at_once: usize, calls: usize) -> Result<()> {
        let worker = |subject| async move {
            for _ in 0..calls / at_once {
                self.call(kind, subject).await?;
            }
            anyhow::Ok(())
        };
        let workers = self.subjects.iter().take(at_once).map(worker);
        join_all(workers).await.into_iter().collect()
    }
}

/// A component with a hundred children of another package, whose engine answers at once.
pub(crate) async fn constructs(ours: &Side, peer: &Side, report: &mut Report) -> Result<()> {
    let (our_time, our_cpu) = construct(ours).await?;
    let (peer_time, peer_cpu) = construct(peer).await?;
    report.compare(
        "Construct of 100 children, median",
        "ms",
        our_time,
        peer_time,
    );
    report.add(
        "Construct of 100 children, CPU",
        "ms",
        our_cpu,
        Some(peer_cpu),
        Some(CONSTRUCT_CPU_MILLISECONDS_MAX),
    );
    Ok(())
}

async fn construct(side: &Side) -> Result<(f64, f64)> {
    let engine = FakeEngine::start();
    let plugin = side.start(&engine).await?;
    let inputs = map([
        ("size", Value::Number(CHILDREN.into())),
        ("prefix", Value::from("m6")),
    ]);
    let once = |name: String| {
        plugin
            .client
            .construct(&engine, "specimen:index:Shelf", &name, &inputs)
            .send()
    };
    once("warm".to_owned()).await?;
    let cpu_before = cpu(plugin.pid())?;
    let mut times = Vec::new();
    for round in 0..CONSTRUCTS {
        let begun = Instant::now();
        once(format!("shelf-{round}")).await?;
        times.push(milliseconds(begun.elapsed()));
    }
    let cpu_each = (cpu(plugin.pid())? - cpu_before) / float(u64::try_from(CONSTRUCTS)?);
    Ok((median(&mut times), cpu_each))
}

/// The plugin that is shipped, against its budgets.
pub(crate) async fn plugin(side: &Side, report: &mut Report) -> Result<()> {
    let engine = FakeEngine::start();
    report.budget(
        "plugin: binary",
        "MB",
        side.megabytes()?,
        PLUGIN_MEGABYTES_MAX,
    );
    let mut times = Vec::new();
    for _ in 0..STARTS {
        times.push(first_answer(side, &engine).await?);
    }
    report.budget(
        "plugin: start to first answer, median",
        "ms",
        median(&mut times),
        START_MILLISECONDS_MAX,
    );
    let running = side.start(&engine).await?;
    let resident = float(running.resident_kib()) * 1024.0 / 1e6;
    report.budget(
        "plugin: resident after Configure",
        "MB",
        resident,
        PLUGIN_RESIDENT_MEGABYTES_MAX,
    );
    Ok(())
}

/// Processor time that a process has used so far, in milliseconds.
fn cpu(pid: u32) -> Result<f64> {
    /// Linux counts in hundredths of a second here, whatever the kernel's own tick (`proc_pid_stat(5)`).
    const TICK_MILLISECONDS: f64 = 10.0;
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"))?;
    // The name of the program, in brackets, may hold spaces; user and system time are fields 14 and 15 of the line.
    let after_name = stat
        .rsplit_once(')')
        .context("a line of the kernel's form")?
        .1;
    let ticks: Vec<u64> = after_name
        .split_whitespace()
        .skip(11)
        .take(2)
        .map(str::parse)
        .collect::<Result<_, _>>()?;
    Ok(float(ticks.iter().sum()) * TICK_MILLISECONDS)
}

fn median(times: &mut [f64]) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

#[expect(
    clippy::cast_precision_loss,
    reason = "sizes and counts here are far below 2^53"
)]
fn float(number: u64) -> f64 {
    number as f64
}
