//! What people read.

use cutover_core::validation::side::Side;
use cutover_core::writer_switch::events::Event;
use cutover_core::writer_switch::render::{Reach, guarantee, lines};
use cutover_core::writer_switch::spec::Spec;

/// Says what a run would do, each step with its way back.
pub(super) fn describe(spec: &Spec) -> String {
    let writer = spec.writer;
    let mut text = vec![format!(
        "has the {writer} write, if it does not yet; each step with who waits, and with its way back:"
    )];
    text.extend(lines(spec).into_iter().map(|line| format!("  {line}")));
    text.push("what going back gives, by how far it has come:".to_owned());
    text.extend(
        Reach::ALL
            .iter()
            .map(|reach| format!("  {}", guarantee(spec, *reach))),
    );
    text.push("neither database is reached before `pulumi up`".to_owned());
    text.join("\n")
}

/// Says what happened, and whether it is a warning.
pub(super) fn event_line(event: &Event) -> (bool, String) {
    (event.what.is_alarm(), event.what.to_string())
}

/// Says what a rollback gives, by who writes and whether the way back has caught up. `spec` is the wish towards the target.
pub(super) fn promise(spec: &Spec, writer: Side, is_ready: bool) -> String {
    let reach = match (writer, is_ready) {
        (Side::Source, _) => Reach::Before,
        (Side::Target, false) => Reach::Switched,
        (Side::Target, true) => Reach::BackReady,
    };
    let forth = Spec {
        writer: Side::Target,
        ..spec.clone()
    };
    guarantee(&forth, reach)
}
