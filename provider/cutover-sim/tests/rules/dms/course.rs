//! What becomes of a task that nobody moves rows for.

use std::time::Duration;

use cutover_core::Timestamp;
use cutover_sim::Cloud;
use cutover_sim::cloud::{
    DmsEvent, GetMetricData, MetricDataQuery, MetricKey, MetricStat, ReplicationTask,
};

use super::{TASK, account, started, starting, states, status, tables, task};
use crate::{START, minutes, seconds};

fn payments() -> (String, String) {
    ("shop".to_owned(), "payments".to_owned())
}

fn newest(
    cloud: &mut Cloud,
    at: Timestamp,
    name: &str,
    dimensions: &[(&str, &str)],
) -> Option<f64> {
    let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    let key = MetricKey {
        namespace: "AWS/DMS".to_owned(),
        name: name.to_owned(),
        dimensions: dimensions.iter().map(own).collect(),
    };
    let stat = MetricStat {
        key,
        period_seconds: 60,
        stat: "Maximum".to_owned(),
    };
    let input = GetMetricData {
        queries: vec![MetricDataQuery::of("m", stat)],
        from: START,
        until: at,
        ..GetMetricData::default()
    };
    let data = cloud.get_metric_data(at, &input).unwrap();
    data.results[0].values.first().copied()
}

const INSTANCE: (&str, &str) = ("ReplicationInstanceIdentifier", "instance");
const BOTH: [(&str, &str); 2] = [INSTANCE, ("ReplicationTaskIdentifier", "forward")];

#[test]
fn tables_are_loaded_one_after_the_other() {
    let mut cloud = account();
    started(&mut cloud, "full-load-and-cdc");

    assert_eq!(states(&mut cloud, 6), ["Before load", "Before load"]);
    assert_eq!(states(&mut cloud, 20), ["Full load", "Before load"]);
    assert_eq!(states(&mut cloud, 45), ["Table completed", "Full load"]);
    let half = task(&mut cloud, seconds(60));
    assert_eq!(
        (half.stats.load_percent, half.stats.load_finished_at),
        (50, None)
    );
    assert_eq!(tables(&mut cloud, 60)[1].rows, 500);

    let loaded = task(&mut cloud, seconds(500));
    assert_eq!(loaded.status, "running");
    assert_eq!(loaded.stats.load_percent, 100);
    assert_eq!(loaded.stats.load_started_at, Some(seconds(15)));
    assert_eq!(loaded.stats.load_finished_at, Some(seconds(75)));
    assert_eq!(loaded.tables_in(&["Table completed"]), 2);
}

#[test]
fn a_task_that_has_never_run_has_no_tables() {
    let mut cloud = account();
    super::made(&mut cloud, "cdc");

    let refused = cloud.describe_table_statistics(seconds(9), TASK, &super::DmsQuery::default());

    assert_eq!(refused.unwrap_err().code, "InvalidResourceStateFault");
}

#[test]
fn a_load_without_changes_ends_by_itself() {
    let mut cloud = account();
    started(&mut cloud, "full-load");

    let ended = task(&mut cloud, seconds(500));

    assert_eq!(ended.status, "stopped");
    let reason = "Stop Reason FULL_LOAD_ONLY_FINISHED";
    assert_eq!(ended.stop_reason.as_deref(), Some(reason));
    assert_eq!(ended.stats.stopped_at, Some(seconds(75)));
}

#[test]
fn a_load_that_failed_goes_on_with_the_tables_that_are_left() {
    let mut cloud = account();
    started(&mut cloud, "full-load-and-cdc");
    let fails = DmsEvent::TaskFails {
        arn: TASK.to_owned(),
        reason: "RECOVERABLE_ERROR".to_owned(),
        message: "Last Error connection lost".to_owned(),
    };
    cloud.script_dms(seconds(50), fails);

    let failed = task(&mut cloud, seconds(100));
    assert_eq!(failed.status, "failed");
    assert_eq!(
        failed.failure.as_deref(),
        Some("Last Error connection lost")
    );
    let reason = failed.stop_reason.unwrap();
    assert!(
        reason.starts_with("Stop Reason RECOVERABLE_ERROR"),
        "{reason}"
    );
    let resume = starting("resume-processing");
    cloud.start_replication_task(seconds(100), &resume).unwrap();

    assert_eq!(states(&mut cloud, 120), ["Table completed", "Full load"]);
    let loaded = task(&mut cloud, seconds(140));
    assert_eq!(loaded.stats.load_finished_at, Some(seconds(140)));
}

#[test]
fn a_task_that_is_loaded_anew_begins_from_nothing() {
    let mut cloud = account();
    started(&mut cloud, "full-load-and-cdc");
    cloud.stop_replication_task(seconds(100), TASK).unwrap();

    let reload = starting("reload-target");
    cloud.start_replication_task(seconds(200), &reload).unwrap();

    assert_eq!(states(&mut cloud, 215), ["Full load", "Before load"]);
    let anew = task(&mut cloud, seconds(215));
    assert_eq!(anew.stats.fresh_start_at, Some(seconds(200)));
    assert_eq!(anew.stats.load_finished_at, None);
}

#[test]
fn a_table_in_error_stays_so_until_it_is_loaded_again() {
    let mut cloud = account();
    started(&mut cloud, "full-load-and-cdc");
    let (schema, table) = payments();
    let fails = DmsEvent::TableFails {
        arn: TASK.to_owned(),
        schema,
        table,
    };
    cloud.script_dms(seconds(20), fails);

    assert_eq!(states(&mut cloud, 500)[1], "Table error");
    assert_eq!(
        task(&mut cloud, seconds(500)).tables_in(&["Table error"]),
        1
    );
    cloud
        .reload_tables(seconds(600), TASK, &[payments()])
        .unwrap();

    assert_eq!(states(&mut cloud, 610)[1], "Table is being reloaded");
    let table = tables(&mut cloud, 630).remove(1);
    assert_eq!(
        (table.state.as_str(), table.reloaded),
        ("Table completed", true)
    );
}

#[test]
fn only_known_tables_of_a_running_task_are_loaded_again() {
    let mut cloud = account();
    started(&mut cloud, "full-load-and-cdc");
    let mut code = |at, tables: &[(String, String)]| {
        let refused = cloud.reload_tables(seconds(at), TASK, tables);
        refused.unwrap_err().code
    };

    assert_eq!(code(10, &[payments()]), "InvalidResourceStateFault");
    assert_eq!(code(100, &[]), "InvalidParameterValueException");
    assert_eq!(
        code(100, &vec![payments(); 11]),
        "InvalidParameterValueException"
    );
    let unknown = ("shop".to_owned(), "refunds".to_owned());
    assert_eq!(code(100, &[unknown]), "InvalidParameterValueException");
}

#[test]
fn the_former_status_is_described_for_a_while_after_a_start() {
    let mut cloud = account();
    started(&mut cloud, "cdc");
    cloud.stop_replication_task(seconds(50), TASK).unwrap();
    cloud.config.dms.former = Duration::from_secs(10);

    let resume = starting("resume-processing");
    cloud.start_replication_task(seconds(60), &resume).unwrap();

    let old = task(&mut cloud, seconds(69));
    assert_eq!(old.status, "stopped");
    assert_eq!(old.stats.started_at, Some(seconds(5)));
    let new = task(&mut cloud, seconds(70));
    assert_eq!(new.status, "running");
    assert_eq!(new.stats.started_at, Some(seconds(60)));
}

#[test]
fn the_lag_is_what_the_script_says_and_ends_with_the_run() {
    let mut cloud = account();
    started(&mut cloud, "cdc");
    let lag = |seconds| DmsEvent::Lag {
        arn: TASK.to_owned(),
        lag: Some(Duration::from_secs(seconds)),
    };
    cloud.script_dms(minutes(5), lag(40));
    cloud.script_dms(minutes(10), lag(2));
    let mut target = |at| newest(&mut cloud, at, "CDCLatencyTarget", &BOTH);

    assert_eq!(target(minutes(3)), Some(0.0));
    assert_eq!(target(minutes(7)), Some(40.0));
    assert_eq!(target(minutes(12)), Some(2.0));
    cloud.stop_replication_task(minutes(15), TASK).unwrap();
    cloud.script([]);
    let before = newest(&mut cloud, minutes(20), "CDCLatencyTarget", &BOTH);
    assert_eq!(
        before,
        Some(2.0),
        "points of the time before are still there"
    );
    assert_eq!(status(&mut cloud, 20 * 60), "stopped");
}

#[test]
fn metrics_of_a_task_need_both_dimensions() {
    let mut cloud = account();
    started(&mut cloud, "cdc");
    let at = minutes(5);

    assert_eq!(newest(&mut cloud, at, "CDCLatencyTarget", &BOTH[..1]), None);
    assert_eq!(newest(&mut cloud, at, "CDCLatencyTarget", &BOTH[1..]), None);
    assert_eq!(newest(&mut cloud, at, "CDCLatencySource", &BOTH), Some(0.0));
    assert_eq!(newest(&mut cloud, at, "CPUUtilization", &BOTH), Some(10.0));
    assert_eq!(
        newest(&mut cloud, at, "CPUUtilization", &[INSTANCE]),
        Some(10.0)
    );
}

#[test]
fn a_task_that_was_put_there_at_work_stays_as_it_is() {
    let mut cloud = account();
    let put = ReplicationTask {
        arn: TASK.to_owned(),
        status: "running".to_owned(),
        migration_type: "full-load-and-cdc".to_owned(),
        ..ReplicationTask::default()
    };
    cloud.put_replication_task(START, put.clone());

    assert_eq!(task(&mut cloud, minutes(60)), put);
    cloud.stop_replication_task(minutes(60), TASK).unwrap();
    assert_eq!(status(&mut cloud, 3700), "stopped");
}
