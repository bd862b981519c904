//! What a change of inputs means for a resource.

use std::collections::{BTreeMap, BTreeSet};

use pulumi_proto::DiffResponse;
use pulumi_proto::diff_response::DiffChanges;
use pulumi_proto::property_diff::Kind;
use pulumi_value::PropertyPath;
use pulumi_value::schema::{Change, ChangeKind};

/// The answer to "what would an update do".
///
/// It begins with every difference between old and new inputs; a resource may then amend it. The parts of the
/// engine's answer are derived from the entries, so they cannot disagree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diff {
    entries: BTreeMap<PropertyPath, Entry>,
    stables: BTreeSet<String>,
    delete_before_replace: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Entry {
    kind: ChangeKind,
    replace: bool,
    input: bool,
}

/// Both sides of a comparison, as typed values.
#[derive(Debug)]
pub struct Versions<'v, Args, State> {
    /// What the program asked for before; `None` when it is not readable as the current type.
    pub old_args: Option<&'v Args>,
    /// What came of it; `None` when it is not readable as the current type.
    pub old_state: Option<&'v State>,
    /// What the program asks for now; `None` while part of it is unknown.
    pub new_args: Option<&'v Args>,
}

impl Diff {
    pub(crate) fn new(changes: Vec<Change>) -> Self {
        let entries = changes.into_iter();
        let entries = entries
            .map(|change| {
                (
                    change.path,
                    Entry {
                        kind: change.kind,
                        replace: change.replace,
                        input: true,
                    },
                )
            })
            .collect();
        Self {
            entries,
            stables: BTreeSet::new(),
            delete_before_replace: false,
        }
    }

    /// Tells whether an update would do nothing.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Tells whether the given top-level property changes.
    pub fn changes(&self, property: &str) -> bool {
        self.entries
            .keys()
            .any(|path| path.first_key() == Some(property))
    }

    /// Makes every change below the given top-level property replace the resource.
    pub fn replace_on(&mut self, property: &str) {
        for (path, entry) in &mut self.entries {
            entry.replace |= path.first_key() == Some(property);
        }
    }

    /// Takes a top-level property out: its change needs no update.
    pub fn ignore(&mut self, property: &str) {
        self.entries
            .retain(|path, _| path.first_key() != Some(property));
    }

    /// Adds a change of an output that the update would bring about, so that the preview shows why there is one.
    pub fn output_changes(&mut self, path: PropertyPath) {
        self.entries.insert(
            path,
            Entry {
                kind: ChangeKind::Update,
                replace: false,
                input: false,
            },
        );
    }

    /// Names an output that no update can change.
    pub fn stable(&mut self, output: &str) {
        self.stables.insert(output.to_owned());
    }

    /// Has the old resource deleted before its replacement is created: for things of which there can be one only.
    pub fn delete_before_replace(&mut self) {
        self.delete_before_replace = true;
    }

    pub(crate) fn into_response(self) -> DiffResponse {
        let roots = |replacing: bool| -> Vec<String> {
            let entries = self
                .entries
                .iter()
                .filter(|(_, entry)| !replacing || entry.replace);
            let roots: BTreeSet<_> = entries.filter_map(|(path, _)| path.first_key()).collect();
            roots.into_iter().map(str::to_owned).collect()
        };
        let changes = if self.entries.is_empty() {
            DiffChanges::DiffNone
        } else {
            DiffChanges::DiffSome
        };
        DiffResponse {
            replaces: roots(true),
            diffs: roots(false),
            changes: changes.into(),
            delete_before_replace: self.delete_before_replace,
            has_detailed_diff: true,
            detailed_diff: self
                .entries
                .iter()
                .map(|(path, entry)| (path.to_string(), entry.detail()))
                .collect(),
            stables: self.stables.into_iter().collect(),
        }
    }
}

impl Entry {
    fn detail(self) -> pulumi_proto::PropertyDiff {
        let kind = match (self.kind, self.replace) {
            (ChangeKind::Add, false) => Kind::Add,
            (ChangeKind::Add, true) => Kind::AddReplace,
            (ChangeKind::Delete, false) => Kind::Delete,
            (ChangeKind::Delete, true) => Kind::DeleteReplace,
            (ChangeKind::Update, false) => Kind::Update,
            (ChangeKind::Update, true) => Kind::UpdateReplace,
        };
        pulumi_proto::PropertyDiff {
            kind: kind.into(),
            input_diff: self.input,
        }
    }
}
