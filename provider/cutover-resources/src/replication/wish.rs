//! From arguments to a wish, and to everything that is wrong with them.

use std::time::Duration;

use cutover_core::replication::check::check;
use cutover_core::replication::spec::{Assessment, Lag, Spec};
use cutover_core::validation::side::Both;
use pulumi_host::Problem;
use pulumi_value::{Output, PropertyPath};

use super::args::{ReplicationArgs, ReplicationMarkers};
use crate::code::Code;
use crate::data_validation::Reader;
use crate::migration::{Given, SLOT_PLUGIN};

/// Stands in for the ARN of a task that is not known yet.
const TASK: &str = "arn:aws:dms:unknown:unknown:task:unknown";

/// Stands in for the ARN of a role that is not known yet.
const ROLE: &str = "arn:aws:iam::unknown:role/unknown";

/// Stands in for the name of a bucket that is not known yet.
const BUCKET: &str = "unknown";

/// What the arguments of a replication come to.
#[derive(Debug)]
pub(super) struct Asked {
    /// What can be carried out; `None` when it is refused.
    pub(super) spec: Option<Spec>,
    /// Everything that refuses it, in the order of the inputs.
    pub(super) problems: Vec<Problem>,
}

/// Reads the arguments of a replication.
pub(super) fn ask(args: &ReplicationArgs) -> Asked {
    let mut reader = Reader::new(Code::ReplicationMalformed);
    let spec = reader.replication(args);
    let mut problems = reader.problems;
    if problems.is_empty() {
        problems.extend(check(&spec).into_iter().map(|found| {
            let path = match found.path {
                "arn" => "taskArn",
                "lag.max" => "maxLag",
                "lag.samples" => "lagSamples",
                "lag.over" => "lagOver",
                path => path,
            };
            let path = path.parse().unwrap_or_else(|_| PropertyPath::root());
            Problem::new(
                path,
                format!("{}: {}", Code::ReplicationMalformed, found.message),
            )
        }));
    }
    Asked {
        spec: problems.is_empty().then_some(spec),
        problems,
    }
}

/// The databases and tables of markers.
pub(super) fn given(markers: &ReplicationMarkers) -> Given<'_> {
    Given {
        migration: &markers.migration,
        control_schema: &markers.control_schema,
        sides: Both {
            source: &markers.source,
            target: &markers.target,
        },
        tables: &markers.tables,
        schemas: &markers.schemas,
        apply_users: markers.apply_users.as_ref(),
        slot_plugin: SLOT_PLUGIN,
    }
}

impl Reader {
    fn replication(&mut self, args: &ReplicationArgs) -> Spec {
        let root = PropertyPath::root();
        let spec = Spec {
            arn: known(&args.task_arn, TASK),
            test_connections: args.test_connections,
            assessment: args.assessment.as_ref().map(|assessment| Assessment {
                role_arn: known(&assessment.role_arn, ROLE),
                bucket: known(&assessment.bucket, BUCKET),
            }),
            lag: Lag {
                max: self.time("maxLag", &args.max_lag),
                samples: args.lag_samples,
                over: self.time("lagOver", &args.lag_over),
            },
            load_limit: self.time("loadLimit", &args.load_limit),
            catch_up_limit: self.time("catchUpLimit", &args.catch_up_limit),
            poll: self.time("poll", &args.poll),
            reloads: args.reloads,
            markers: args.markers.is_some(),
            allow_reload: args.allow_reload,
        };
        if args.stopped && args.allow_reload {
            let reason = "has no effect on a task that is `stopped`";
            self.malformed(root.key("allowReload"), reason);
        }
        if let Some(markers) = &args.markers {
            given(markers).check(self, &root.key("markers"));
        }
        spec
    }

    /// Reads a duration of the root; one that cannot be read is stood in for.
    pub(crate) fn time(&mut self, key: &'static str, text: &str) -> Duration {
        self.duration(
            &PropertyPath::root().key(key),
            Some(text),
            Duration::from_mins(1),
        )
    }
}

fn known(text: &Output<String>, stand_in: &str) -> String {
    text.get().map_or_else(|| stand_in.to_owned(), Clone::clone)
}
