//! What becomes of a task whose rows are moved by somebody.

use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use cutover_sim::Cloud;
use cutover_sim::cloud::{
    DmsEndpoint, DmsQuery, Job, JobSeen, JobStart, JobTable, ModifyEndpoint, MovedDatabase, Mover,
    NewReplicationTask,
};

use super::{
    INSTANCE, SOURCE, TASK, account, endpoint, made, new_task, started, starting, states, status,
    task, untested,
};
use crate::{START, seconds};

/// A mover that only takes notes, and whose job is as the test says.
#[derive(Debug, Default)]
struct Notes(Mutex<Noted>);

#[derive(Debug, Default)]
struct Noted {
    calls: Vec<String>,
    jobs: Vec<Job>,
    seen: Option<JobSeen>,
    tested: Option<Result<(), String>>,
}

impl Notes {
    fn open(&self) -> MutexGuard<'_, Noted> {
        self.0.lock().unwrap()
    }

    fn note(&self, call: impl Into<String>) {
        self.open().calls.push(call.into());
    }

    fn see(&self, seen: JobSeen) {
        self.open().seen = Some(seen);
    }
}

impl Mover for Notes {
    fn test(&self, database: &MovedDatabase) {
        self.note(format!("test {}", database.host));
    }

    fn tested(&self, _endpoint_arn: &str) -> Option<Result<(), String>> {
        self.open().tested.clone()
    }

    fn start(&self, job: Job) {
        self.open().jobs.push(job);
    }

    fn stop(&self, task_arn: &str) {
        self.note(format!("stop {task_arn}"));
    }

    fn reload(&self, task_arn: &str, tables: &[(String, String)]) {
        self.note(format!("reload {task_arn} {}", tables[0].1));
    }

    fn seen(&self, _task_arn: &str) -> Option<JobSeen> {
        self.open().seen.clone()
    }

    fn remove(&self, task_arn: &str) {
        self.note(format!("remove {task_arn}"));
    }
}

fn with_notes(mut cloud: Cloud) -> (Cloud, Arc<Notes>) {
    let notes = Arc::new(Notes::default());
    cloud.move_rows_by(Arc::<Notes>::clone(&notes));
    (cloud, notes)
}

fn at_work(state: &str, rows: u64) -> JobSeen {
    let table = JobTable {
        schema: "shop".to_owned(),
        name: "payments".to_owned(),
        state: state.to_owned(),
        rows,
        inserts: 3,
        ..JobTable::default()
    };
    JobSeen {
        running: true,
        tables: vec![table],
        ..JobSeen::default()
    }
}

#[test]
fn a_job_is_made_of_the_task_and_its_endpoints() {
    let (mut cloud, notes) = with_notes(account());
    let slot = [("SlotName".to_owned(), "way_back".into())];
    let change = ModifyEndpoint {
        arn: SOURCE.to_owned(),
        settings: slot.into_iter().collect(),
        ..ModifyEndpoint::default()
    };
    cloud.modify_endpoint(START, &change).unwrap();
    cloud.put_connection(START, INSTANCE, SOURCE).unwrap();

    started(&mut cloud, "full-load-and-cdc");

    let job = notes.open().jobs.remove(0);
    assert_eq!(
        (job.start, job.load, job.changes),
        (JobStart::Anew, true, true)
    );
    assert_eq!(job.source.host, "source.example.com");
    assert_eq!((job.source.user.as_str(), job.source.port), ("dms", 5432));
    assert_eq!(job.source.slot.as_deref(), Some("way_back"));
    assert_eq!(job.target.slot, None);
    assert_eq!(job.include.len(), 2);
    assert_eq!(job.exclude, [("shop".to_owned(), "%_old".to_owned())]);
}

#[test]
fn a_job_goes_by_the_secret_of_its_endpoint() {
    let (mut cloud, notes) = with_notes(account());
    let text = r#"{"username":"u2","password":"p2","host":"db2.example.com","port":6432}"#;
    let wished = DmsEndpoint {
        secret: Some(cloud.put_secret(START, "dms/source", text)),
        ..endpoint("third", "source")
    };
    let third = cloud.create_endpoint(START, wished, None).unwrap().arn;
    cloud.put_connection(START, INSTANCE, &third).unwrap();
    let input = NewReplicationTask {
        source_endpoint_arn: third,
        ..new_task("cdc")
    };
    cloud.create_replication_task(START, &input).unwrap();

    let start = starting("start-replication");
    cloud.start_replication_task(seconds(5), &start).unwrap();

    let source = notes.open().jobs.remove(0).source;
    assert_eq!(
        (source.host.as_str(), source.port),
        ("db2.example.com", 6432)
    );
    assert_eq!(
        (source.user.as_str(), source.password.as_str()),
        ("u2", "p2")
    );
}

#[test]
fn a_task_is_as_its_job_is() {
    let (mut cloud, notes) = with_notes(account());
    started(&mut cloud, "full-load-and-cdc");
    assert_eq!(
        status(&mut cloud, 100),
        "starting",
        "nothing is known of the job yet"
    );

    notes.see(at_work("Full load", 7));
    let loading = task(&mut cloud, seconds(101));
    notes.see(JobSeen {
        loaded: true,
        ..at_work("Table completed", 9)
    });
    let loaded = task(&mut cloud, seconds(110));

    assert_eq!(loading.status, "running");
    assert_eq!((loading.tables[0].rows, loading.tables[0].inserts), (7, 3));
    assert_eq!(loading.stats.load_finished_at, None);
    assert_eq!(loaded.stats.load_percent, 100);
    assert_eq!(loaded.stats.load_finished_at, Some(seconds(110)));
    assert_eq!(states(&mut cloud, 111), ["Table completed"]);
}

#[test]
fn a_job_that_fails_is_a_task_that_failed() {
    let (mut cloud, notes) = with_notes(account());
    started(&mut cloud, "cdc");
    notes.see(JobSeen {
        failure: Some("slot `a` is gone".to_owned()),
        ..JobSeen::default()
    });

    let failed = task(&mut cloud, seconds(20));

    assert_eq!(failed.status, "failed");
    assert_eq!(failed.failure.as_deref(), Some("slot `a` is gone"));
    assert!(failed.stop_reason.unwrap().contains("FATAL_ERROR"));
}

#[test]
fn a_small_load_may_be_over_before_the_task_runs() {
    let (mut cloud, notes) = with_notes(account());
    started(&mut cloud, "full-load");
    notes.see(JobSeen {
        running: false,
        loaded: true,
        ..at_work("Table completed", 1)
    });

    let ended = task(&mut cloud, seconds(20));

    assert_eq!(ended.status, "stopped");
    let reason = "Stop Reason FULL_LOAD_ONLY_FINISHED";
    assert_eq!(ended.stop_reason.as_deref(), Some(reason));
}

#[test]
fn a_task_stops_when_its_job_has_and_goes_on_from_there() {
    let (mut cloud, notes) = with_notes(account());
    started(&mut cloud, "cdc");
    notes.see(at_work("Table completed", 0));
    assert_eq!(status(&mut cloud, 20), "running");

    cloud.stop_replication_task(seconds(20), TASK).unwrap();
    assert_eq!(
        status(&mut cloud, 100),
        "stopping",
        "the job is still at work"
    );
    notes.see(JobSeen {
        running: false,
        ..at_work("Table completed", 4)
    });
    let stopped = task(&mut cloud, seconds(101));
    assert_eq!(
        (stopped.status.as_str(), stopped.tables[0].rows),
        ("stopped", 4)
    );
    let resume = starting("resume-processing");
    cloud.start_replication_task(seconds(200), &resume).unwrap();

    assert_eq!(notes.open().jobs[1].start, JobStart::Resume);
    assert_eq!(notes.open().calls, [format!("stop {TASK}")]);
}

#[test]
fn a_task_that_is_gone_takes_its_job_with_it() {
    let (mut cloud, notes) = with_notes(account());
    started(&mut cloud, "cdc");
    notes.see(JobSeen {
        failure: Some("no".to_owned()),
        ..JobSeen::default()
    });
    assert_eq!(status(&mut cloud, 20), "failed");

    cloud.delete_replication_task(seconds(20), TASK).unwrap();
    cloud.get_caller_identity(seconds(60)).unwrap();

    assert_eq!(notes.open().calls, [format!("remove {TASK}")]);
}

#[test]
fn a_task_for_changes_begins_at_its_place() {
    let (mut cloud, notes) = with_notes(account());
    let input = NewReplicationTask {
        cdc_start: Some("binlog.000003:154".to_owned()),
        ..new_task("cdc")
    };
    cloud.create_replication_task(START, &input).unwrap();

    let start = starting("start-replication");
    cloud.start_replication_task(seconds(5), &start).unwrap();

    let job = notes.open().jobs.remove(0);
    assert_eq!(job.start, JobStart::At("binlog.000003:154".to_owned()));
    assert!(!job.load);
}

#[test]
fn a_connection_is_tested_by_the_mover() {
    let (mut cloud, notes) = with_notes(untested());
    made(&mut cloud, "cdc");
    let query = DmsQuery::only("endpoint-arn", SOURCE);
    let tested = cloud.test_connection(START, INSTANCE, SOURCE).unwrap();
    assert_eq!(tested.status, "testing");
    let mut seen = |at| {
        let page = cloud.describe_connections(seconds(at), &query).unwrap();
        let connection = &page.items[0];
        (connection.status.clone(), connection.failure.clone())
    };

    assert_eq!(seen(60).0, "testing", "the test goes on");
    notes.open().tested = Some(Err("password refused".to_owned()));

    let failed = ("failed".to_owned(), Some("password refused".to_owned()));
    assert_eq!(seen(61), failed);
    assert_eq!(notes.open().calls, ["test source.example.com"]);
}

#[test]
fn tables_are_loaded_again_by_the_mover() {
    let (mut cloud, notes) = with_notes(account());
    started(&mut cloud, "full-load-and-cdc");
    notes.see(at_work("Table error", 0));
    assert_eq!(states(&mut cloud, 20), ["Table error"]);

    let tables = [("shop".to_owned(), "payments".to_owned())];
    cloud.reload_tables(seconds(21), TASK, &tables).unwrap();

    assert_eq!(notes.open().calls, [format!("reload {TASK} payments")]);
}

#[test]
fn latencies_are_published_as_they_were_seen() {
    let (mut cloud, notes) = with_notes(account());
    started(&mut cloud, "cdc");
    for (at, latency) in [(60, 9), (70, 4), (130, 1)] {
        notes.see(JobSeen {
            latency_source: Some(Duration::ZERO),
            latency_target: Some(Duration::from_secs(latency)),
            ..at_work("Table completed", 0)
        });
        cloud.get_caller_identity(seconds(at)).unwrap();
    }

    let values = super::ports::latency_target(&mut cloud, seconds(180));

    assert_eq!(values, [1.0, 9.0]);
}
