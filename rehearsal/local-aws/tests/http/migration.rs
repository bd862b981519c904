//! A migration by DMS, through its real client.

use std::sync::Arc;

use aws_sdk_databasemigration::Client;
use aws_sdk_databasemigration::error::ProvideErrorMetadata as _;
use aws_sdk_databasemigration::types::{
    ComputeConfig, Filter, MigrationTypeValue, PostgreSqlSettings, ReplicationEndpointTypeValue,
    ReplicationTask, StartReplicationTaskTypeValue, TableToReload,
};
use cutover_sim::cloud::{
    DmsPace, Job, JobSeen, Maintenance, MovedDatabase, Mover, ReplicationInstance,
};

use crate::world::{INSTANCE, World};

/// One table, as DMS wants it.
pub(crate) const MAPPINGS: &str = r#"{"rules":[{"rule-type":"selection","rule-id":"1","rule-name":"1",
    "object-locator":{"schema-name":"shop","table-name":"payments"},"rule-action":"include"}]}"#;

/// Starts an account in which everything that DMS does is done at once.
pub(crate) async fn start() -> World {
    let world = World::start().await;
    {
        let mut cloud = world.aws.cloud();
        cloud.config.dms = DmsPace::at_once();
        let what = Maintenance {
            action: "os-upgrade".to_owned(),
            description: "New operating system".to_owned(),
            apply_at: Some(cutover_core::Timestamp::default()),
        };
        cloud.put_replication_instance(ReplicationInstance {
            multi_az: true,
            maintenance: vec![what],
            ..ReplicationInstance::usual(INSTANCE, "instance")
        });
    }
    world
}

/// Makes an endpoint; returns its ARN.
pub(crate) async fn endpoint(dms: &Client, kind: ReplicationEndpointTypeValue) -> String {
    let settings = PostgreSqlSettings::builder().heartbeat_enable(true).build();
    let create = dms
        .create_endpoint()
        .endpoint_identifier(format!("pay-{}", kind.as_str()))
        .endpoint_type(kind)
        .engine_name("postgres")
        .server_name("db.example.com")
        .port(5432)
        .database_name("shop")
        .username("dms")
        .password("pw")
        .ssl_mode("verify-full".into())
        .postgre_sql_settings(settings);
    // A future of the SDK is large, and held by many others here.
    let made = Box::pin(create.send()).await.unwrap();
    made.endpoint().unwrap().endpoint_arn().unwrap().to_owned()
}

/// Makes both endpoints and tests their connections.
pub(crate) async fn endpoints(dms: &Client) -> [String; 2] {
    let source = endpoint(dms, ReplicationEndpointTypeValue::Source).await;
    let target = endpoint(dms, ReplicationEndpointTypeValue::Target).await;
    for arn in [&source, &target] {
        let test = dms.test_connection().replication_instance_arn(INSTANCE);
        let tested = test.endpoint_arn(arn).send().await.unwrap();
        assert_eq!(tested.connection().unwrap().status(), Some("testing"));
    }
    [source, target]
}

/// Makes a task; returns its ARN.
pub(crate) async fn task(dms: &Client) -> String {
    let [source, target] = endpoints(dms).await;
    let made = dms
        .create_replication_task()
        .replication_task_identifier("forward")
        .source_endpoint_arn(source)
        .target_endpoint_arn(target)
        .replication_instance_arn(INSTANCE)
        .migration_type(MigrationTypeValue::FullLoadAndCdc)
        .table_mappings(MAPPINGS)
        .send()
        .await
        .unwrap();
    let task = made.replication_task().unwrap();
    task.replication_task_arn().unwrap().to_owned()
}

fn by(name: &str, value: &str) -> Filter {
    Filter::builder().name(name).values(value).build().unwrap()
}

async fn seen(dms: &Client, arn: &str) -> ReplicationTask {
    let describe = dms.describe_replication_tasks();
    let found = describe.filters(by("replication-task-arn", arn)).send();
    let mut tasks = found.await.unwrap().replication_tasks.unwrap();
    assert_eq!(tasks.len(), 1);
    tasks.remove(0)
}

#[tokio::test]
async fn a_task_is_driven_through_its_life() {
    let world = start().await;
    let dms = world.dms();
    let arn = task(&dms).await;
    assert_eq!(seen(&dms, &arn).await.status(), Some("ready"));

    let kind = StartReplicationTaskTypeValue::StartReplication;
    let start = dms.start_replication_task().replication_task_arn(&arn);
    let started = start.start_replication_task_type(kind).send().await;
    let started = started.unwrap().replication_task.unwrap();
    assert_eq!(started.status(), Some("starting"));
    let running = seen(&dms, &arn).await;
    assert_eq!(running.status(), Some("running"));
    let stats = running.replication_task_stats().unwrap();
    assert_eq!(
        (stats.tables_loaded(), stats.full_load_progress_percent()),
        (1, 100)
    );
    assert!(stats.full_load_finish_date().is_some() && stats.start_date().is_some());
    assert_eq!(stats.stop_date(), None);

    let table = TableToReload::builder()
        .schema_name("shop")
        .table_name("payments");
    let reload = dms.reload_tables().replication_task_arn(&arn);
    let reloaded = reload.tables_to_reload(table.build().unwrap()).send().await;
    assert_eq!(reloaded.unwrap().replication_task_arn(), Some(&*arn));
    let describe = dms.describe_table_statistics().replication_task_arn(&arn);
    let tables = describe.send().await.unwrap();
    let payments = &tables.table_statistics()[0];
    assert_eq!(payments.table_state(), Some("Table completed"));
    assert_eq!(
        (payments.full_load_rows(), payments.full_load_reloaded()),
        (1000, Some(true))
    );

    let stop = dms.stop_replication_task().replication_task_arn(&arn);
    stop.send().await.unwrap();
    let stopped = seen(&dms, &arn).await;
    assert_eq!(stopped.stop_reason(), Some("Stop Reason NORMAL"));
    assert!(stopped.recovery_checkpoint().is_some());
    let delete = dms.delete_replication_task().replication_task_arn(&arn);
    delete.send().await.unwrap();
    let describe = dms.describe_replication_tasks();
    let gone = describe.filters(by("replication-task-arn", &arn)).send();
    let error = gone.await.unwrap_err().into_service_error();
    assert!(error.is_resource_not_found_fault(), "{error:?}");
}

#[tokio::test]
async fn what_dms_refuses_is_the_error_that_it_models() {
    let world = start().await;
    let dms = world.dms();
    let arn = task(&dms).await;

    let stop = dms.stop_replication_task().replication_task_arn(&arn);
    let stopped = stop.send().await.unwrap_err().into_service_error();
    let again = dms
        .create_endpoint()
        .endpoint_identifier("pay-source")
        .endpoint_type(ReplicationEndpointTypeValue::Source)
        .engine_name("mysql")
        .server_name("db.example.com")
        .port(3306)
        .username("dms");
    let again = Box::pin(again.send()).await;
    let again = again.unwrap_err().into_service_error();
    let kind = StartReplicationTaskTypeValue::ResumeProcessing;
    let resume = dms.start_replication_task().replication_task_arn(&arn);
    let resumed = resume.start_replication_task_type(kind).send().await;

    assert!(stopped.is_invalid_resource_state_fault(), "{stopped:?}");
    assert!(again.is_resource_already_exists_fault(), "{again:?}");
    let resumed = resumed.unwrap_err().into_service_error();
    assert_eq!(resumed.code(), Some("InvalidParameterCombinationException"));
}

#[tokio::test]
async fn a_task_is_described_without_settings_when_that_is_asked() {
    let world = start().await;
    let dms = world.dms();
    let arn = task(&dms).await;

    let full = seen(&dms, &arn).await;
    let describe = dms.describe_replication_tasks().without_settings(true);
    let found = describe.filters(by("replication-task-id", "forward"));
    let short = found.send().await.unwrap();

    assert_eq!(full.table_mappings(), Some(MAPPINGS));
    assert_eq!(full.replication_task_settings(), Some("{}"));
    let short = &short.replication_tasks()[0];
    assert_eq!(short.replication_task_arn(), Some(&*arn));
    assert_eq!(
        (short.table_mappings(), short.replication_task_settings()),
        (None, None)
    );
}

#[tokio::test]
async fn an_endpoint_is_read_changed_and_removed() {
    let world = start().await;
    let dms = world.dms();
    let arn = endpoint(&dms, ReplicationEndpointTypeValue::Source).await;

    let slot = PostgreSqlSettings::builder().slot_name("back").build();
    let change = dms.modify_endpoint().endpoint_arn(&arn);
    let change = change.postgre_sql_settings(slot).exact_settings(false);
    Box::pin(change.send()).await.unwrap();
    let describe = dms.describe_endpoints().filters(by("endpoint-arn", &arn));
    let found = describe.send().await.unwrap();
    let delete = dms.delete_endpoint().endpoint_arn(&arn).send().await;

    let found = &found.endpoints()[0];
    assert_eq!(found.endpoint_identifier(), Some("pay-source"));
    assert_eq!(
        (found.server_name(), found.port()),
        (Some("db.example.com"), Some(5432))
    );
    let ssl_mode = found.ssl_mode().map(|mode| mode.as_str().to_owned());
    assert_eq!(ssl_mode.as_deref(), Some("verify-full"));
    let settings = found.postgre_sql_settings().unwrap();
    assert_eq!(settings.slot_name(), Some("back"));
    assert_eq!(settings.heartbeat_enable(), Some(true));
    assert_eq!(settings.password(), None);
    let deleted = delete.unwrap().endpoint.unwrap();
    assert_eq!(deleted.status(), Some("deleting"));
}

#[tokio::test]
async fn an_instance_tells_what_is_pending_and_is_removed() {
    let world = start().await;
    let dms = world.dms();
    let describe = dms.describe_replication_instances();
    let filter = by("replication-instance-arn", INSTANCE);
    let found = describe.filters(filter).send().await.unwrap();
    let pending = dms.describe_pending_maintenance_actions();
    let pending = pending.replication_instance_arn(INSTANCE).send().await;
    let delete = dms.delete_replication_instance();
    let used = delete.replication_instance_arn(INSTANCE).send().await;

    let found = &found.replication_instances()[0];
    assert_eq!(found.replication_instance_status(), Some("available"));
    assert_eq!(found.replication_instance_class(), Some("dms.t3.medium"));
    assert!(found.multi_az());
    let pending = pending.unwrap();
    let actions = pending.pending_maintenance_actions()[0].pending_maintenance_action_details();
    assert_eq!(actions[0].description(), Some("New operating system"));
    // The account begins with a task on it.
    let used = used.unwrap_err().into_service_error();
    assert!(used.is_invalid_resource_state_fault(), "{used:?}");
}

#[tokio::test]
async fn an_assessment_is_told_check_by_check() {
    let world = start().await;
    let dms = world.dms();
    let arn = task(&dms).await;
    seen(&dms, &arn).await;

    let run = dms
        .start_replication_task_assessment_run()
        .replication_task_arn(&arn)
        .service_access_role_arn("arn:aws:iam::123456789012:role/results")
        .result_location_bucket("results")
        .assessment_run_name("before");
    run.send().await.unwrap();
    let filter = by("replication-task-arn", &arn);
    let runs = dms.describe_replication_task_assessment_runs();
    let runs = runs.filters(filter.clone()).send().await.unwrap();
    let checks = dms.describe_replication_task_individual_assessments();
    let checks = checks.filters(filter).send().await.unwrap();

    let run = &runs.replication_task_assessment_runs()[0];
    assert_eq!(
        (run.assessment_run_name(), run.status()),
        (Some("before"), Some("passed"))
    );
    let progress = run.assessment_progress().unwrap();
    assert_eq!(progress.individual_assessment_completed_count(), 3);
    let checks = checks.replication_task_individual_assessments();
    assert_eq!((checks.len(), checks[0].status()), (3, Some("passed")));
}

#[tokio::test]
async fn a_replication_without_server_is_driven_through_its_life() {
    let world = start().await;
    let dms = world.dms();
    let [source, target] = endpoints(&dms).await;
    let made = dms
        .create_replication_config()
        .replication_config_identifier("serverless")
        .source_endpoint_arn(source)
        .target_endpoint_arn(target)
        .replication_type(MigrationTypeValue::FullLoadAndCdc)
        .compute_config(ComputeConfig::builder().max_capacity_units(2).build())
        .table_mappings(MAPPINGS);
    let made = made.send().await.unwrap().replication_config.unwrap();
    let arn = made.replication_config_arn().unwrap();

    let start = dms.start_replication().replication_config_arn(arn);
    let start = start.start_replication_type("start-replication");
    let started = start.send().await.unwrap().replication.unwrap();
    let describe = dms.describe_replications();
    let found = describe.filters(by("replication-config-arn", arn)).send();
    let found = found.await.unwrap();
    let tables = dms.describe_replication_table_statistics();
    let tables = tables.replication_config_arn(arn).send().await.unwrap();
    let stop = dms.stop_replication().replication_config_arn(arn);
    stop.send().await.unwrap();
    // What stops has stopped by the next call.
    dms.describe_replications().send().await.unwrap();
    let delete = dms.delete_replication_config().replication_config_arn(arn);
    delete.send().await.unwrap();

    assert_eq!(started.status(), Some("initializing"));
    let found = &found.replications()[0];
    assert_eq!(found.status(), Some("running"));
    let provision = found.provision_data().unwrap();
    assert_eq!(provision.provision_state(), Some("provisioned"));
    let tables = tables.replication_table_statistics();
    assert_eq!(tables[0].table_state(), Some("Table completed"));
    let left = dms.describe_replications().send().await.unwrap();
    assert!(left.replications().is_empty());
}

#[tokio::test]
async fn a_secret_is_read_and_changed() {
    let world = World::start().await;
    let now = cutover_core::Timestamp::default();
    let arn = world.aws.cloud().put_secret(now, "pay/db", "one");
    let client = world.secrets();

    let first = client.get_secret_value().secret_id("pay/db");
    let first = first.send().await.unwrap();
    let put = client.put_secret_value().secret_id(&arn);
    put.secret_string("two").send().await.unwrap();
    let second = client.get_secret_value().secret_id(&arn);
    let second = second.send().await.unwrap();
    let none = client.get_secret_value().secret_id("none").send().await;

    assert_eq!(
        (first.arn(), first.secret_string()),
        (Some(&*arn), Some("one"))
    );
    assert_eq!(
        (second.name(), second.secret_string()),
        (Some("pay/db"), Some("two"))
    );
    let none = none.unwrap_err().into_service_error();
    assert!(none.is_resource_not_found_exception(), "{none:?}");
}

/// A mover that reaches nothing.
#[derive(Debug)]
struct Nowhere;

impl Mover for Nowhere {
    fn test(&self, _database: &MovedDatabase) {}

    fn tested(&self, endpoint_arn: &str) -> Option<Result<(), String>> {
        Some(Err(format!("{endpoint_arn} is nowhere")))
    }

    fn start(&self, _job: Job) {}

    fn stop(&self, _task_arn: &str) {}

    fn reload(&self, _task_arn: &str, _tables: &[(String, String)]) {}

    fn seen(&self, _task_arn: &str) -> Option<JobSeen> {
        None
    }

    fn remove(&self, _task_arn: &str) {}
}

#[tokio::test]
async fn the_cloud_that_is_served_may_have_somebody_who_moves_rows() {
    let world = start().await;
    world.aws.cloud().move_rows_by(Arc::new(Nowhere));
    let dms = world.dms();
    let [source, _] = endpoints(&dms).await;

    let describe = dms.describe_connections();
    let found = describe.filters(by("endpoint-arn", &source)).send().await;

    let found = found.unwrap().connections.unwrap().remove(0);
    assert_eq!(found.status(), Some("failed"));
    assert_eq!(
        found.last_failure_message(),
        Some(&*format!("{source} is nowhere"))
    );
}
