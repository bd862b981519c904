//! An account with a shift in it, and somebody who types commands.

use std::collections::BTreeMap;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use cutover_core::Timestamp;
use cutover_core::shift::facts::JournalRead;
use cutover_core::shift::gates::Side;
use cutover_core::shift::journal::{Entry, Mark, RunId};
use cutover_core::shift::preflight::Routing;
use cutover_core::shift::records::{
    Member, RecordSet, journal_name_of, read_journal, return_batch,
};
use cutover_core::shift::spec::RecordType;
use cutover_driver::{Clock, SystemClock};
use cutover_local_aws::{LocalAws, Options};
use cutover_sim::cloud::{PutParameter, ResourceRecordSet};
use cutover_sim::shop::{NEW, OLD, Site};
use cutover_sim::{Cloud, CloudConfig};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStderr, Command};

use crate::name_server::NameServer;

pub(crate) const ZONE: &str = "Z0PAY";
pub(crate) const NAMES: [&str; 2] = ["pay.example.com", "checkout.example.com"];
pub(crate) const PARAMETER: &str = "/cutover/pay";

pub(crate) const ACCESS_KEY: &str = "AKIACUTOVEREXAMPLE";
pub(crate) const SECRET_KEY: &str = "the-secret-key-that-nobody-prints";
pub(crate) const TOKEN: &str = "the-session-token-that-nobody-prints";

/// How often something is looked at that is waited for: ours, unnoticed among processes.
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// How long it is waited for: ours, so that a machine with much to do does not fail a test.
const PATIENCE: Duration = Duration::from_mins(2);

/// The weights of old and new.
pub(crate) type Pair = (u64, u64);

/// An account that answers.
pub(crate) struct World {
    pub(crate) aws: Arc<LocalAws>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) name_server: NameServer,
    pub(crate) folder: TempDir,
}

/// What a command printed, and how it exited.
#[derive(Debug)]
pub(crate) struct Typed {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Typed {
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// Checks how it exited.
    #[track_caller]
    pub(crate) fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{self:?}");
        self
    }

    /// Checks that the error says all of this.
    #[track_caller]
    pub(crate) fn complains(&self, words: &[&str]) {
        for word in words {
            assert!(self.err.contains(word), "`{word}` is not in {self:?}");
        }
    }
}

/// A command that runs. It is killed when it is dropped.
pub(crate) struct Running {
    child: Child,
    lines: Lines<BufReader<ChildStderr>>,
    err: String,
}

impl Running {
    /// Waits until a line of its progress contains a word.
    pub(crate) async fn says(&mut self, word: &str) {
        loop {
            let line = self.lines.next_line().await.unwrap();
            let line = line.unwrap_or_else(|| panic!("it ended without `{word}`: {}", self.err));
            self.err.push_str(&line);
            self.err.push('\n');
            if line.contains(word) {
                return;
            }
        }
    }

    /// Presses Ctrl-C.
    pub(crate) async fn interrupt(&self) {
        let id = self.child.id().unwrap().to_string();
        let sent = Command::new("kill").args(["-INT", &id]).status().await;
        assert!(sent.unwrap().success());
    }

    /// Waits for its end.
    pub(crate) async fn ended(mut self) -> Typed {
        while let Some(line) = self.lines.next_line().await.unwrap() {
            self.err.push_str(&line);
            self.err.push('\n');
        }
        let output = self.child.wait_with_output().await.unwrap();
        let out = String::from_utf8(output.stdout).unwrap();
        checked(Typed {
            code: output.status.code(),
            out,
            err: self.err,
        })
    }
}

impl World {
    /// An account in which changes are everywhere a second after they were accepted, with both names on old.
    pub(crate) async fn start() -> Self {
        Self::with(quick(), Options::default(), |_, _| ()).await
    }

    /// The same with both names at these weights, and a journal of so long ago.
    pub(crate) async fn split(old: u64, new: u64, mark: Mark, ago: Duration) -> Self {
        Self::with(quick(), Options::default(), |cloud, now| {
            put_journal(cloud, now, mark, ago);
            put_weights(cloud, now, old, new);
        })
        .await
    }

    /// An account in which things are as somebody says.
    pub(crate) async fn with(
        config: CloudConfig,
        options: Options,
        fill: impl FnOnce(&mut Cloud, Timestamp),
    ) -> Self {
        let clock = Arc::new(SystemClock);
        let now = clock.now();
        let mut cloud = Cloud::new(config);
        Site::pay().open(&mut cloud, now);
        put_weights(&mut cloud, now, 100, 0);
        put_parameter(&mut cloud, now, "run");
        fill(&mut cloud, now);
        Self::of(cloud, clock, options).await
    }

    /// Answers for a cloud.
    pub(crate) async fn of(cloud: Cloud, clock: Arc<dyn Clock>, options: Options) -> Self {
        let aws = LocalAws::start(cloud, Arc::clone(&clock), options).await;
        let aws = Arc::new(aws.unwrap());
        Self {
            name_server: NameServer::start(Arc::clone(&aws), Arc::clone(&clock)).await,
            aws,
            clock,
            folder: tempfile::tempdir().unwrap(),
        }
    }

    /// Prepares a command with nothing in its environment but what reaches this account.
    pub(crate) fn command(&self, line: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_cutover"));
        command
            .args(line.split(' '))
            .env_clear()
            .env("HOME", self.folder.path())
            .env("AWS_ENDPOINT_URL", self.aws.url())
            .env("AWS_EC2_METADATA_DISABLED", "true")
            .env("AWS_REGION", "eu-central-1")
            .env("AWS_ACCESS_KEY_ID", ACCESS_KEY)
            .env("AWS_SECRET_ACCESS_KEY", SECRET_KEY)
            .env("AWS_SESSION_TOKEN", TOKEN)
            .stdin(Stdio::null())
            .kill_on_drop(true);
        command
    }

    /// Types a command and waits for its end.
    pub(crate) async fn types(&self, line: &str) -> Typed {
        typed(self.command(line)).await
    }

    /// Types a command that asks name servers.
    pub(crate) async fn asks(&self, line: &str) -> Typed {
        self.types(&self.asking(line)).await
    }

    /// Types a command and lets it run.
    pub(crate) fn begins(&self, line: &str) -> Running {
        let mut command = self.command(line);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let stderr = child.stderr.take().unwrap();
        Running {
            lines: BufReader::new(stderr).lines(),
            child,
            err: String::new(),
        }
    }

    /// Adds the name server to what is typed.
    pub(crate) fn asking(&self, line: &str) -> String {
        format!("{line} --name-server {}", self.name_server.at())
    }

    /// Waits until something is so.
    pub(crate) async fn until(&self, is_so: impl Fn(&Self) -> bool) {
        let waiting = async {
            while !is_so(self) {
                tokio::time::sleep(LOOK_AGAIN).await;
            }
        };
        let waited = tokio::time::timeout(PATIENCE, waiting).await;
        assert!(waited.is_ok(), "it did not come about");
    }

    /// Returns the weights that a name and type had, each from its acceptance on.
    pub(crate) fn history(&self, name: &str, kind: &str) -> Vec<(Timestamp, Pair)> {
        let history = self.aws.cloud().weights_over_time(ZONE, name, kind);
        let pair = |members: BTreeMap<String, u64>| Some((*members.get(OLD)?, *members.get(NEW)?));
        history
            .into_iter()
            .filter_map(|(at, members)| Some((at, pair(members)?)))
            .collect()
    }

    /// Returns the weights of both names and types as they are.
    pub(crate) fn weights(&self) -> Vec<Pair> {
        let of = |name| ["A", "AAAA"].map(|kind| self.history(name, kind).last().unwrap().1);
        NAMES.into_iter().flat_map(of).collect()
    }

    /// Returns the errors with which an operation was answered, `None` for the calls that were served.
    pub(crate) fn calls(&self, operation: &str) -> Vec<Option<&'static str>> {
        let cloud = self.aws.cloud();
        let of = cloud.requests().iter();
        of.filter(|request| request.operation == operation)
            .map(|request| request.error)
            .collect()
    }

    /// Returns how often records were changed, or it was tried.
    pub(crate) fn changes(&self) -> usize {
        self.calls("ChangeResourceRecordSets").len()
    }

    /// Returns the journal.
    pub(crate) fn journal(&self) -> JournalRead {
        let sets: Vec<RecordSet> = self
            .aws
            .cloud()
            .records(ZONE)
            .into_iter()
            .filter(|set| set.record_type == "TXT")
            .map(|set| RecordSet {
                name: set.name,
                record_type: set.record_type,
                routing: Routing::Simple,
                ttl_seconds: Some(60),
                values: set.values,
                alias: None,
                health_check: None,
            })
            .collect();
        read_journal(&sets.iter().collect::<Vec<_>>())
    }

    /// Returns what the kill switch says.
    pub(crate) fn parameter(&self) -> String {
        let now = self.clock.now();
        let mut cloud = self.aws.cloud();
        let read = cloud.by_others(|cloud| cloud.get_parameter(now, PARAMETER, false));
        read.unwrap().value
    }
}

/// Runs a prepared command to its end. Whatever it prints, it prints no secret.
pub(crate) async fn typed(mut command: Command) -> Typed {
    let output = command.output().await.unwrap();
    checked(Typed {
        code: output.status.code(),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    })
}

fn checked(typed: Typed) -> Typed {
    for secret in [SECRET_KEY, TOKEN] {
        let is_told = typed.out.contains(secret) || typed.err.contains(secret);
        assert!(!is_told, "a secret was printed");
    }
    typed
}

/// Everything is everywhere a second after it was accepted.
pub(crate) fn quick() -> CloudConfig {
    CloudConfig {
        propagation: Duration::ZERO,
        insync: Some(Duration::from_secs(1)),
        ..CloudConfig::default()
    }
}

/// Writes the weights of both names, as somebody else.
pub(crate) fn put_weights(cloud: &mut Cloud, now: Timestamp, old: u64, new: u64) {
    let site = Site::pay();
    let sets: Vec<_> = ["A", "AAAA"]
        .into_iter()
        .flat_map(|kind| {
            [
                site.member(kind, Side::Old, old),
                site.member(kind, Side::New, new),
                plain(kind, OLD, old),
                plain(kind, NEW, new),
            ]
        })
        .collect();
    site.write(cloud, now, &sets);
}

/// The second name is answered without an alias.
fn plain(kind: &str, side: &str, weight: u64) -> ResourceRecordSet {
    let host = if side == OLD { 11 } else { 12 };
    let value = match kind {
        "A" => format!("192.0.2.{host}"),
        _ => format!("2001:db8::{host}"),
    };
    ResourceRecordSet {
        name: NAMES[1].to_owned(),
        record_type: kind.to_owned(),
        set_identifier: Some(side.to_owned()),
        weight: Some(weight),
        ttl: Some(60),
        values: vec![value],
        ..ResourceRecordSet::default()
    }
}

/// Writes a journal of so long ago, as a run has left it.
pub(crate) fn put_journal(cloud: &mut Cloud, now: Timestamp, mark: Mark, ago: Duration) {
    let second = (now.unix_millis() - i64::try_from(ago.as_millis()).unwrap()) / 1_000 * 1_000;
    let at = Timestamp::from_unix_millis(second);
    let entry = Entry {
        shift: "pay-1".to_owned(),
        run: RunId::new("ci-42"),
        seq: 7,
        attempt: 1,
        mark,
        step: 0,
        at,
        exposed: at,
        bake: None,
        plan: 0xfeed,
        ttl_seconds: None,
    };
    let members = NAMES.map(|name| Member {
        name: name.to_owned(),
        types: vec![RecordType::A, RecordType::Aaaa],
        old: OLD.to_owned(),
        new: NEW.to_owned(),
    });
    let journal = journal_name_of(NAMES[0]);
    let mut changes = return_batch(&journal, &members, &entry, &[]).into_iter();
    let written = changes.find(|change| change.set.record_type == "TXT");
    put_text(cloud, now, written.unwrap().set.values);
}

/// Writes whatever stands where the journal is looked for.
pub(crate) fn put_text(cloud: &mut Cloud, now: Timestamp, values: Vec<String>) {
    let set = ResourceRecordSet {
        name: journal_name_of(NAMES[0]),
        record_type: "TXT".to_owned(),
        ttl: Some(60),
        values,
        ..ResourceRecordSet::default()
    };
    Site::pay().write(cloud, now, &[set]);
}

/// Makes the kill switch say something.
pub(crate) fn put_parameter(cloud: &mut Cloud, now: Timestamp, value: &str) {
    let input = PutParameter {
        name: PARAMETER.to_owned(),
        kind: Some("String".to_owned()),
        value: value.to_owned(),
        overwrite: true,
    };
    let put = cloud.by_others(|cloud| cloud.put_parameter(now, &input));
    put.unwrap();
}
