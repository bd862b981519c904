//! The rules that hold for every resource, tried on one.

use pulumi_value::{PropertyMap, PropertyPath, Value};

use crate::client::Client;
use crate::subject::{Stored, Subject};

/// One resource from its check to its end.
///
/// Along the way it is held against what the engine expects of every resource: known values of a preview come true,
/// nothing is unknown outside of previews, what was secret stays secret at the same depth, a second look finds no
/// difference and no drift.
#[derive(Debug)]
pub struct Lifecycle {
    subject: Subject,
    inputs: PropertyMap,
    updates: Vec<PropertyMap>,
}

impl Lifecycle {
    /// Prepares the life of a resource with these inputs.
    pub fn of(client: &Client, token: &str, name: &str, inputs: PropertyMap) -> Self {
        Self {
            subject: client.resource(token, name),
            inputs,
            updates: Vec::new(),
        }
    }

    /// Adds an update, with whole inputs, that can be done in place.
    #[must_use]
    pub fn updated(mut self, inputs: PropertyMap) -> Self {
        self.updates.push(inputs);
        self
    }

    /// Lives it, and returns what was stored after the creation and after each update.
    ///
    /// # Panics
    /// When a rule is broken.
    pub async fn run(self) -> Vec<Stored> {
        let Self {
            subject,
            inputs: given,
            updates,
        } = self;
        let checked = subject.check(&given).await.expect("a check").accepted();
        keeps_secrets(&given, &checked, "Check");

        let promised = subject.preview_create(&checked).await.expect("a preview");
        keeps_secrets(&checked, &promised, "the preview of Create");
        let mut stored = subject.create(&checked).await.expect("a creation");
        keeps_secrets(&checked, &stored.outputs, "Create");
        comes_true(&promised, &stored.outputs);
        stored = settles(&subject, stored, &given).await;

        let mut history = vec![stored.clone()];
        for given in updates {
            let news = subject
                .check_again(&stored.inputs, &given)
                .await
                .expect("a check")
                .accepted();
            keeps_secrets(&given, &news, "Check");
            let difference = subject.diff(&stored, &news).await.expect("a difference");
            assert!(!difference.is_none(), "an update without a difference");
            assert_eq!(difference.replaces, [""; 0], "an update that replaces");

            let promised = subject
                .preview_update(&stored, &news)
                .await
                .expect("a preview");
            keeps_secrets(&news, &promised, "the preview of Update");
            stored = subject.update(&stored, &news).await.expect("an update");
            keeps_secrets(&news, &stored.outputs, "Update");
            comes_true(&promised, &stored.outputs);
            stored = settles(&subject, stored, &given).await;
            history.push(stored.clone());
        }
        subject.delete(&stored).await.expect("a deletion");
        subject
            .delete(&stored)
            .await
            .expect("a deletion of what is gone");
        history
    }
}

/// Looks again at what is stored: nothing has changed, neither for a refresh nor for the program.
async fn settles(subject: &Subject, stored: Stored, given: &PropertyMap) -> Stored {
    let again = subject
        .check_again(&stored.inputs, given)
        .await
        .expect("a check")
        .accepted();
    assert_eq!(again, stored.inputs, "a second check answers otherwise");
    let difference = subject.diff(&stored, &again).await.expect("a difference");
    assert!(
        difference.is_none(),
        "a difference without a change: {difference:?}"
    );

    let found = subject
        .read(&stored)
        .await
        .expect("a refresh")
        .expect("it is there");
    assert_eq!(found, stored, "a refresh finds drift without a change");
    // A refresh compares the other way round: what was found stands for the old.
    let drift = subject
        .diff(&found, &stored.inputs)
        .await
        .expect("a difference");
    assert!(drift.is_none(), "drift without a change: {drift:?}");
    stored
}

/// Holds that whatever is secret in `before` is secret, at the same depth, in `after` where `after` has it.
fn keeps_secrets(before: &PropertyMap, after: &PropertyMap, step: &str) {
    let root = PropertyPath::root();
    for (key, value) in before {
        if let Some(after) = after.get(key) {
            keeps_secret(value, after, &root.key(key), step);
        }
    }
}

fn keeps_secret(before: &Value, after: &Value, path: &PropertyPath, step: &str) {
    assert!(
        !before.is_secret() || after.is_secret(),
        "`{path}` is not secret any more after {step}"
    );
    match (before.content(), after.content()) {
        (Value::Map(before), Value::Map(after)) => {
            for (key, value) in before {
                if let Some(after) = after.get(key) {
                    keeps_secret(value, after, &path.key(key), step);
                }
            }
        }
        (Value::List(before), Value::List(after)) => {
            for (index, (before, after)) in before.iter().zip(after).enumerate() {
                keeps_secret(before, after, &path.index(index), step);
            }
        }
        _ => {}
    }
}

/// Holds that every value that a preview knew is the real one, secrecy included. What it left out it did not know.
fn comes_true(promised: &PropertyMap, real: &PropertyMap) {
    let root = PropertyPath::root();
    for (key, promised) in promised {
        let real = real.get(key).unwrap_or(&Value::Null);
        came_true(promised, real, &root.key(key));
    }
}

fn came_true(promised: &Value, real: &Value, path: &PropertyPath) {
    assert_eq!(
        promised.is_secret(),
        real.is_secret(),
        "`{path}` is secret on one side only"
    );
    match (promised.content(), real.content()) {
        (Value::Unknown, _) => {}
        (Value::Map(promised), Value::Map(real)) => {
            for (key, real) in real {
                came_true(
                    promised.get(key).unwrap_or(&Value::Null),
                    real,
                    &path.key(key),
                );
            }
        }
        (Value::List(promised), Value::List(real)) if promised.len() == real.len() => {
            for (index, (promised, real)) in promised.iter().zip(real).enumerate() {
                came_true(promised, real, &path.index(index));
            }
        }
        (promised, real) => {
            assert_eq!(promised, real, "the preview promised otherwise at `{path}`");
        }
    }
}
