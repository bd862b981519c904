//! What people read.

use cutover_core::replication::plan::lines;
use cutover_core::replication::spec::Spec;

use super::args::ReplicationArgs;

/// Says what a run would do.
pub(super) fn describe(args: &ReplicationArgs, spec: &Spec) -> String {
    if args.stopped {
        return "stops the task and keeps it; nothing else is changed".to_owned();
    }
    let mut text = vec![
        "brings the replication to where the target follows closely, and holds it there:"
            .to_owned(),
    ];
    if let Some(markers) = &args.markers {
        text.push(format!(
            "  make the schema `{}` in both databases where it is missing, and close {} tables of the target to applications",
            markers.control_schema,
            markers.tables.len()
        ));
    }
    text.extend(lines(spec).into_iter().map(|line| format!("  {line}")));
    text.push("neither DMS nor a database is reached before `pulumi up`".to_owned());
    text.join("\n")
}
