//! Databases, DMS and settings that note what they are asked, for tests.

use std::collections::BTreeMap;
use std::future::{pending, ready};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use cutover_core::replication::facts::AssessmentSeen;
use cutover_core::replication::spec::Assessment;
use cutover_core::replication::task::{
    ConnectionSeen, NewTask, StartKind, TableSeen, TaskMetrics, TaskSeen,
};
use cutover_core::validation::catalog::Engine;
use cutover_core::validation::facts::{DbFailure, DbFailureClass};
use cutover_core::validation::side::Side;
use cutover_core::writer_switch::control::{Control, Entry, Fence, Identity, LogPosition};
use cutover_core::writer_switch::facts::Row;
use cutover_core::{Failure, Timestamp};
use futures_util::future::BoxFuture;

use crate::shift::given::PausedClock;
use crate::{
    Answered, Asked, Clock, Closing, Hidden, Noted, Parameters, Replications, Secrets,
    WriterControl,
};

/// What fakes share: what they were asked, and how they answer.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) clock: PausedClock,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
pub(crate) struct State {
    /// What was asked, in its order: `source.fence 3`.
    pub(crate) calls: Vec<String>,
    /// Calls that fail, by their names: `source.fence`.
    pub(crate) fails: BTreeMap<String, DbFailureClass>,
    /// Calls that never answer.
    pub(crate) hangs: Vec<String>,
    /// How long calls take.
    pub(crate) takes: Duration,
    /// Who holds the lock of a side.
    pub(crate) holders: BTreeMap<String, String>,
    /// When the marker arrives.
    pub(crate) marker_at: Option<Timestamp>,
    /// What closing a fence comes to.
    pub(crate) closing: Option<Closing>,
    /// The epoch of the row of both sides.
    pub(crate) epoch: u64,
    /// Tasks by their identifiers.
    pub(crate) tasks: BTreeMap<String, TaskSeen>,
    /// What was made.
    pub(crate) made: Vec<NewTask>,
    /// Parameters and secrets.
    pub(crate) settings: BTreeMap<String, String>,
}

impl World {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self {
            clock: PausedClock::new(),
            state: Mutex::default(),
        })
    }

    pub(crate) fn with<T>(&self, act: impl FnOnce(&mut State) -> T) -> T {
        act(&mut self.state.lock().unwrap())
    }

    pub(crate) fn calls(&self) -> Vec<String> {
        self.with(|state| state.calls.clone())
    }

    /// Notes a call, and answers after its time.
    fn call<'a, T: Send + 'a>(
        &'a self,
        name: String,
        with: &str,
        answer: impl FnOnce(&mut State) -> T + Send + 'a,
    ) -> Asked<'a, T> {
        let (hangs, takes) = self.with(|state| {
            state
                .calls
                .push(format!("{name} {with}").trim_end().to_owned());
            (state.hangs.contains(&name), state.takes)
        });
        Box::pin(async move {
            if hangs {
                return pending().await;
            }
            tokio::time::sleep(takes).await;
            self.with(|state| match state.fails.get(&name) {
                Some(class) => Err(DbFailure {
                    class: *class,
                    doing: name.clone(),
                    code: None,
                    message: "no".to_owned(),
                }),
                None => Ok(answer(state)),
            })
        })
    }

    /// As [`call`](Self::call), of a service.
    fn serve<'a, T: Send + 'a>(
        &'a self,
        name: &'static str,
        with: &str,
        answer: impl FnOnce(&mut State) -> T + Send + 'a,
    ) -> Answered<'a, T> {
        let asked = self.call(name.to_owned(), with, answer);
        Box::pin(async move { asked.await.map_err(|_| Failure::refused(name, "no")) })
    }
}

impl Clock for World {
    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    fn sleep_until(&self, at: Timestamp) -> crate::Wait {
        self.clock.sleep_until(at)
    }
}

/// One database.
#[derive(Debug)]
pub(crate) struct Fake(pub(crate) Side, pub(crate) Arc<World>);

impl Fake {
    fn call<'a, T: Send + 'a>(
        &'a self,
        name: &str,
        with: &(impl ToString + ?Sized),
        answer: impl FnOnce(&mut State) -> T + Send + 'a,
    ) -> Asked<'a, T> {
        self.1
            .call(format!("{}.{name}", self.0), &with.to_string(), answer)
    }
}

fn a_control(side: Side) -> Control {
    Control {
        engine: Engine::Postgres,
        identity: side.to_string(),
        is_replica: false,
        state: None,
        fence: Fence::Absent,
        captured: None,
        unfenced: vec![],
        old_transactions: vec![],
        clients: vec![],
        exceptions: None,
    }
}

pub(crate) fn a_position() -> LogPosition {
    LogPosition::Slot {
        name: "back_1".to_owned(),
        lsn: "0/16B3748".to_owned(),
    }
}

impl WriterControl for Fake {
    fn lock(&self) -> Asked<'_, Result<(), String>> {
        let side = self.0.to_string();
        self.call("lock", "", move |state| match state.holders.get(&side) {
            Some(by) => Err(by.clone()),
            None => Ok(()),
        })
    }

    fn look(&self, _older_than: Duration) -> Asked<'_, Control> {
        self.call("look", "", |_| a_control(self.0))
    }

    fn prepare<'a>(&'a self, row: &'a Row) -> Asked<'a, ()> {
        self.call("prepare", &row.epoch, |_| ())
    }

    fn note<'a>(&'a self, entry: &'a Entry) -> Asked<'a, ()> {
        self.call("note", &entry.step, |_| ())
    }

    fn journal(&self, _limit: u32) -> Asked<'_, Vec<Noted>> {
        self.call("journal", "", |_| vec![])
    }

    fn mark(&self, number: u64) -> Asked<'_, ()> {
        self.call("mark", &number, |_| ())
    }

    fn has_marker(&self, number: u64) -> Asked<'_, bool> {
        let now = self.1.now();
        self.call("hasMarker", &number, move |state| {
            state.marker_at.is_some_and(|at| at <= now)
        })
    }

    fn fence<'a>(
        &'a self,
        _lock: Duration,
        _expires_in: Duration,
        entry: &'a Entry,
    ) -> Asked<'a, Closing> {
        self.call("fence", &entry.step, closing)
    }

    fn close<'a>(&'a self, _lock: Duration, entry: &'a Entry) -> Asked<'a, Closing> {
        self.call("close", &entry.step, closing)
    }

    fn open<'a>(
        &'a self,
        expected: u64,
        row: &'a Row,
        _entry: &'a Entry,
    ) -> Asked<'a, Result<(), u64>> {
        self.call("open", &row.epoch, move |state| {
            if state.epoch == expected {
                Ok(())
            } else {
                Err(state.epoch)
            }
        })
    }

    fn record<'a>(&'a self, row: &'a Row, _entry: &'a Entry) -> Asked<'a, ()> {
        self.call("record", &row.epoch, |_| ())
    }

    fn probe(&self) -> Asked<'_, bool> {
        let is_target = self.0 == Side::Target;
        self.call("probe", "", move |_| is_target)
    }

    fn capture<'a>(&'a self, name: &'a str) -> Asked<'a, LogPosition> {
        self.call("capture", name, |_| a_position())
    }

    fn release<'a>(&'a self, name: &'a str) -> Asked<'a, ()> {
        self.call("release", name, |_| ())
    }

    fn identities(&self) -> Asked<'_, Vec<Identity>> {
        self.call("identities", "", |_| vec![])
    }

    fn set_identities<'a>(&'a self, next: &'a [(String, i128)]) -> Asked<'a, ()> {
        self.call("setIdentities", &next.len(), |_| ())
    }

    fn remove(&self) -> Asked<'_, ()> {
        self.call("remove", "", |_| ())
    }

    fn leave(&self) -> BoxFuture<'_, ()> {
        Box::pin(ready(()))
    }
}

fn closing(state: &mut State) -> Closing {
    let locked = Duration::from_millis(18);
    state.closing.clone().unwrap_or(Closing::Closed { locked })
}

impl Replications for World {
    fn fetch<'a>(&'a self, arn: &'a str) -> Answered<'a, Option<TaskSeen>> {
        self.serve("fetch", arn, move |state| {
            state.tasks.values().find(|task| task.arn == arn).cloned()
        })
    }

    fn find<'a>(&'a self, identifier: &'a str) -> Answered<'a, Option<TaskSeen>> {
        self.serve("find", identifier, move |state| {
            state.tasks.get(identifier).cloned()
        })
    }

    fn fetch_tables<'a>(&'a self, arn: &'a str) -> Answered<'a, Vec<TableSeen>> {
        self.serve("tables", arn, |_| vec![])
    }

    fn fetch_metrics<'a>(&'a self, task: &'a TaskSeen) -> Answered<'a, TaskMetrics> {
        self.serve("metrics", &task.arn, |_| TaskMetrics::default())
    }

    fn test_connection<'a>(
        &'a self,
        instance_arn: &'a str,
        endpoint_arn: &'a str,
    ) -> Answered<'a, ()> {
        self.serve("test", &format!("{instance_arn} {endpoint_arn}"), |_| ())
    }

    fn fetch_connection<'a>(
        &'a self,
        instance_arn: &'a str,
        endpoint_arn: &'a str,
    ) -> Answered<'a, Option<ConnectionSeen>> {
        self.serve(
            "connection",
            &format!("{instance_arn} {endpoint_arn}"),
            |_| None,
        )
    }

    fn assess<'a>(
        &'a self,
        _arn: &'a str,
        name: &'a str,
        assessment: &'a Assessment,
    ) -> Answered<'a, ()> {
        self.serve("assess", &format!("{name} {}", assessment.bucket), |_| ())
    }

    fn fetch_assessment<'a>(
        &'a self,
        _arn: &'a str,
        name: &'a str,
    ) -> Answered<'a, Option<AssessmentSeen>> {
        self.serve("assessment", name, |_| None)
    }

    fn start<'a>(&'a self, arn: &'a str, kind: StartKind) -> Answered<'a, ()> {
        self.serve("start", &format!("{arn} {kind:?}"), |_| ())
    }

    fn stop<'a>(&'a self, arn: &'a str) -> Answered<'a, ()> {
        self.serve("stop", arn, |_| ())
    }

    fn reload<'a>(&'a self, arn: &'a str, tables: &'a [(String, String)]) -> Answered<'a, ()> {
        self.serve("reload", &format!("{arn} {}", tables.len()), |_| ())
    }

    fn create<'a>(&'a self, task: &'a NewTask) -> Answered<'a, String> {
        self.serve("create", &task.identifier, move |state| {
            state.made.push(task.clone());
            format!("arn:{}", task.identifier)
        })
    }

    fn delete<'a>(&'a self, arn: &'a str) -> Answered<'a, ()> {
        self.serve("delete", arn, |_| ())
    }

    fn delete_instance<'a>(&'a self, arn: &'a str) -> Answered<'a, ()> {
        self.serve("deleteInstance", arn, |_| ())
    }
}

impl Parameters for World {
    fn fetch<'a>(&'a self, name: &'a str) -> Answered<'a, Option<String>> {
        self.serve("readParameter", name, move |state| {
            state.settings.get(name).cloned()
        })
    }

    fn put<'a>(&'a self, name: &'a str, value: &'a str) -> Answered<'a, ()> {
        self.serve("putParameter", name, move |state| {
            state.settings.insert(name.to_owned(), value.to_owned());
        })
    }
}

impl Secrets for World {
    fn fetch<'a>(&'a self, id: &'a str) -> Answered<'a, Hidden> {
        self.serve("readSecret", id, move |state| {
            Hidden::new(state.settings.get(id).cloned().unwrap_or_default())
        })
    }

    fn put<'a>(&'a self, id: &'a str, value: &'a Hidden) -> Answered<'a, ()> {
        self.serve("putSecret", id, move |state| {
            state
                .settings
                .insert(id.to_owned(), value.reveal().to_owned());
        })
    }
}
