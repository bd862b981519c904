//! Which crate uses which, held against the rooms.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt;

use cargo_metadata::{Dependency, DependencyKind, Metadata, Package, PackageId};

use super::rooms::{Crates, Room};

/// What tidy looks at: the members of the workspace, and what every package needs to be built.
#[derive(Debug, Default)]
pub(crate) struct Graph {
    /// The members of the workspace.
    pub(crate) members: Vec<Member>,
    /// For each package the packages that it is built with, tests apart. Versions are not told apart.
    pub(crate) links: BTreeMap<String, BTreeSet<String>>,
}

/// A crate of this workspace.
#[derive(Debug)]
pub(crate) struct Member {
    /// Its name.
    pub(crate) name: String,
    /// Its folder, relative to the root, with `/` between the parts.
    pub(crate) folder: String,
    /// What its manifest asks for.
    pub(crate) uses: Vec<Use>,
}

/// One dependency of a crate.
#[derive(Debug)]
pub(crate) struct Use {
    /// The package's name.
    pub(crate) name: String,
    /// Whether only tests need it.
    pub(crate) tests_only: bool,
}

/// A broken rule.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Violation {
    /// The crate, or the crates from the user to the used.
    pub(crate) path: Vec<String>,
    /// The rule.
    pub(crate) rule: String,
    /// Why there is such a rule.
    pub(crate) because: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}: {}, because {}",
            self.path.join(" → "),
            self.rule,
            self.because
        )
    }
}

/// Tells whether a package is built with one of its dependencies.
///
/// Cargo also lists optional ones that a feature merely speaks of, as in `rand?/std`, although nothing turns them on.
fn is_built_with(package: &Package, features: &[&str], name: &str) -> bool {
    let of_that_name = |dependency: &&Dependency| dependency.name == name;
    let mut same = package.dependencies.iter().filter(of_that_name).peekable();
    if same.peek().is_none() || same.any(|dependency| !dependency.optional) {
        return true;
    }
    let own =
        |dependency: &Dependency| dependency.rename.clone().unwrap_or(dependency.name.clone());
    package
        .dependencies
        .iter()
        .filter(of_that_name)
        .map(own)
        .any(|name| {
            let (explicit, within) = (format!("dep:{name}"), format!("{name}/"));
            features.iter().any(|feature| {
                let turned_on = package.features.get(*feature).into_iter().flatten();
                *feature == name
                    || turned_on.into_iter().any(|value| {
                        *value == explicit || *value == name || value.starts_with(&within)
                    })
            })
        })
}

impl Graph {
    /// Takes from Cargo's description what the rules are about.
    pub(crate) fn new(metadata: &Metadata) -> Self {
        let members = metadata
            .workspace_packages()
            .into_iter()
            .map(|package| Member {
                name: package.name.to_string(),
                folder: package
                    .manifest_path
                    .parent()
                    .and_then(|folder| folder.strip_prefix(&metadata.workspace_root).ok())
                    .map(|folder| folder.as_str().replace('\\', "/"))
                    .unwrap_or_default(),
                uses: package
                    .dependencies
                    .iter()
                    .map(|dependency| Use {
                        name: dependency.name.clone(),
                        tests_only: dependency.kind == DependencyKind::Development,
                    })
                    .collect(),
            })
            .collect();
        let packages: BTreeMap<&PackageId, &Package> = metadata
            .packages
            .iter()
            .map(|package| (&package.id, package))
            .collect();
        let mut links: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for node in metadata.resolve.iter().flat_map(|resolve| &resolve.nodes) {
            let Some(package) = packages.get(&node.id) else {
                continue;
            };
            let features: Vec<&str> = node
                .features
                .iter()
                .map(|feature| feature.as_str())
                .collect();
            let used = node
                .deps
                .iter()
                .filter(|dependency| {
                    dependency
                        .dep_kinds
                        .iter()
                        .any(|kind| kind.kind == DependencyKind::Normal)
                })
                .filter_map(|dependency| packages.get(&dependency.pkg))
                .map(|used| used.name.as_str())
                .filter(|name| is_built_with(package, &features, name));
            links
                .entry(package.name.to_string())
                .or_default()
                .extend(used.map(str::to_owned));
        }
        Self { members, links }
    }

    /// Finds every broken rule.
    pub(crate) fn violations(&self, rooms: &[Room]) -> Vec<Violation> {
        let mut found = Vec::new();
        for member in &self.members {
            let room = rooms.iter().find(|room| room.name == member.name);
            if let Some(room) = room {
                self.check_room(member, room, rooms, &mut found);
            } else if member.folder.starts_with("provider/") {
                found.push(Violation {
                    path: vec![member.name.clone()],
                    rule: "it has no entry in tools/src/tidy/rooms.rs".to_owned(),
                    because: "every crate of the provider stands for a rule about what it may use"
                        .to_owned(),
                });
            }
            let is_test = member.folder.split('/').next() == Some("tests")
                || room.is_some_and(|room| room.for_tests);
            if !is_test {
                found.extend(uses_of_test_rooms(member, rooms));
            }
        }
        found
    }

    fn check_room(&self, member: &Member, room: &Room, rooms: &[Room], found: &mut Vec<Violation>) {
        for used in &member.uses {
            let rule = if self.members.iter().any(|other| other.name == used.name) {
                broken_by_import(used, room, rooms)
            } else {
                broken_by_crate(used, room)
            };
            found.extend(rule.map(|rule| Violation {
                path: vec![member.name.clone(), used.name.clone()],
                rule,
                because: room.because.to_owned(),
            }));
        }
        for (path, banned) in self.paths_to(&member.name, room.out_of_reach) {
            // What the manifest names itself was judged above, if it was at fault there.
            if !found.iter().any(|violation| violation.path == path) {
                found.push(Violation {
                    path,
                    rule: format!("`{}` may not reach `{banned}`", room.name),
                    because: room.because.to_owned(),
                });
            }
        }
    }

    /// The shortest way from a package to each one that matches a pattern, with the pattern, not looking past those.
    fn paths_to<'a>(&self, start: &str, banned: &[&'a str]) -> Vec<(Vec<String>, &'a str)> {
        let mut paths = Vec::new();
        let mut seen = BTreeSet::from([start]);
        let mut queue = VecDeque::from([vec![start]]);
        while let Some(path) = queue.pop_front() {
            let last = path.last().and_then(|last| self.links.get(*last));
            for next in last.into_iter().flatten() {
                if !seen.insert(next) {
                    continue;
                }
                let mut longer = path.clone();
                longer.push(next);
                match matching(next, banned) {
                    Some(pattern) => {
                        paths.push((longer.into_iter().map(ToOwned::to_owned).collect(), pattern));
                    }
                    None => queue.push_back(longer),
                }
            }
        }
        paths
    }
}

/// What is wrong with the use of another crate of this workspace.
fn broken_by_import(used: &Use, room: &Room, rooms: &[Room]) -> Option<String> {
    let name = used.name.as_str();
    let ships = !used.tests_only && !room.for_tests;
    if ships && is_for_tests(name, rooms) {
        return None; // Told for every crate alike, see `uses_of_test_rooms`.
    }
    if name == room.name || room.imports.contains(&name) {
        return None;
    }
    if room.test_imports.contains(&name) {
        return (!used.tests_only)
            .then(|| format!("only tests of `{}` may use `{name}`", room.name));
    }
    let (tests, allowed) = if used.tests_only {
        ("tests of ", [room.imports, room.test_imports].concat())
    } else {
        ("", room.imports.to_vec())
    };
    Some(format!(
        "of this workspace {tests}`{}` may use {}",
        room.name,
        list(&allowed)
    ))
}

/// What is wrong with the use of a crate from elsewhere.
fn broken_by_crate(used: &Use, room: &Room) -> Option<String> {
    if used.tests_only {
        return None;
    }
    match room.crates {
        Crates::Only(allowed) => matching(&used.name, allowed).is_none().then(|| {
            format!(
                "`{}` may use {} and no other crate",
                room.name,
                list(allowed)
            )
        }),
        Crates::AnyBut(banned) => matching(&used.name, banned)
            .map(|banned| format!("`{}` may not use `{banned}`", room.name)),
    }
}

fn is_for_tests(name: &str, rooms: &[Room]) -> bool {
    rooms.iter().any(|room| room.for_tests && room.name == name)
}

fn uses_of_test_rooms<'a>(
    member: &'a Member,
    rooms: &'a [Room],
) -> impl Iterator<Item = Violation> + 'a {
    member
        .uses
        .iter()
        .filter(|used| !used.tests_only)
        .filter(|used| is_for_tests(&used.name, rooms))
        .map(|used| Violation {
            path: vec![member.name.clone(), used.name.clone()],
            rule: format!("`{}` may only be a dev-dependency", used.name),
            because: "it exists for tests and must not ship".to_owned(),
        })
}

/// The first of some patterns that a name matches.
fn matching<'a>(name: &str, patterns: &[&'a str]) -> Option<&'a str> {
    patterns
        .iter()
        .find(|pattern| match pattern.strip_suffix('*') {
            Some(start) => name.starts_with(start),
            None => name == **pattern,
        })
        .copied()
}

fn list(names: &[&str]) -> String {
    if names.is_empty() {
        return "nothing".to_owned();
    }
    names
        .iter()
        .map(|name| format!("`{name}`"))
        .collect::<Vec<_>>()
        .join(", ")
}

#[cfg(test)]
mod tests {
    use super::super::rooms::ROOMS;
    use super::*;

    #[test]
    fn accepts_the_edges_that_the_rooms_allow() {
        assert_eq!(
            check(&[
                "cutover-driver → cutover-core",
                "cutover-core → serde",
                "pulumi-host → tokio"
            ]),
            [""; 0]
        );
    }

    #[test]
    fn what_a_feature_merely_speaks_of_is_not_built() {
        let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.toml");
        let metadata = cargo_metadata::MetadataCommand::new()
            .manifest_path(manifest)
            .other_options(["--locked".to_owned(), "--offline".to_owned()])
            .exec()
            .expect("this workspace can be described");

        let links = Graph::new(&metadata).links;

        // Its feature `std` has `rand?/std`, and nothing here asks for `rand`.
        assert!(links["statrs"].contains("num-traits"));
        assert!(!links["statrs"].contains("rand"));
    }

    #[test]
    fn keeps_the_runtime_out_of_the_core() {
        assert_eq!(
            check(&["cutover-core → tokio"]),
            [
                "cutover-core → tokio: `cutover-core` may use `serde`, `statrs`, `thiserror` and no other crate, because decisions are \
              plain functions of facts and time: no I/O, no async, no clock, no chance"
            ]
        );
    }

    #[test]
    fn keeps_the_cloud_out_of_the_driver_and_the_framework() {
        assert_eq!(
            check(&[
                "pulumi-host → aws-config",
                "cutover-driver → aws-sdk-route53"
            ]),
            [
                "pulumi-host → aws-config: `pulumi-host` may not use `aws-*`, because the framework knows the Pulumi \
                 protocol and nothing of what a provider is for",
                "cutover-driver → aws-sdk-route53: `cutover-driver` may not use `aws-*`, because the driver walks any \
                 machine through ports and names neither a cloud nor a database",
            ]
        );
    }

    #[test]
    fn keeps_the_domain_out_of_the_framework() {
        assert_eq!(
            check(&["pulumi-host → cutover-core"]),
            [
                "pulumi-host → cutover-core: of this workspace `pulumi-host` may use `pulumi-proto`, `pulumi-value`, because \
              the framework knows the Pulumi protocol and nothing of what a provider is for"
            ]
        );
        assert_eq!(
            check(&["pulumi-host ⇢ cutover-core"]),
            [
                "pulumi-host → cutover-core: of this workspace tests of `pulumi-host` may use `pulumi-proto`, `pulumi-value`, \
              `pulumi-testkit`, because the framework knows the Pulumi protocol and nothing of what a provider is for"
            ]
        );
    }

    #[test]
    fn keeps_adapters_apart() {
        assert_eq!(check(&["cutover-aws → cutover-db"]).len(), 1);
        assert_eq!(check(&["cutover-db → cutover-aws"]).len(), 1);
    }

    #[test]
    fn lets_only_tests_use_what_exists_for_tests() {
        assert_eq!(
            check(&[
                "cutover-driver ⇢ cutover-sim",
                "pulumi-host ⇢ pulumi-testkit"
            ]),
            [""; 0]
        );
        assert_eq!(
            check(&[
                "cutover-resources → cutover-sim",
                "cutover-tools → pulumi-testkit"
            ]),
            [
                "cutover-resources → cutover-sim: `cutover-sim` may only be a dev-dependency, because it exists for tests \
                 and must not ship",
                "cutover-tools → pulumi-testkit: `pulumi-testkit` may only be a dev-dependency, because it exists for \
                 tests and must not ship",
            ]
        );
    }

    #[test]
    fn lets_crates_of_tests_use_anything() {
        assert_eq!(
            check(&[
                "cutover-tests → pulumi-testkit",
                "cutover-tests → cutover-sim"
            ]),
            [""; 0]
        );
    }

    #[test]
    fn finds_a_forbidden_crate_behind_an_innocent_one() {
        assert_eq!(
            check(&[
                "pulumi-value → innocent",
                "innocent → tokio",
                "tokio → tokio-macros"
            ]),
            [
                "pulumi-value → innocent → tokio: `pulumi-value` may not reach `tokio*`, because \
              values and their codec are plain functions, without async, services or a cloud"
            ]
        );
    }

    #[test]
    fn does_not_follow_what_only_tests_need() {
        assert_eq!(
            check(&["pulumi-value ⇢ proptest", "proptest → tokio"]),
            [""; 0]
        );
    }

    #[test]
    fn asks_for_an_entry_for_a_new_crate() {
        let graph = Graph {
            members: vec![Member {
                name: "cutover-extra".to_owned(),
                folder: "provider/cutover-extra".to_owned(),
                uses: Vec::new(),
            }],
            ..Graph::default()
        };

        let found = graph.violations(ROOMS);

        assert_eq!(found.len(), 1);
        assert_eq!(found[0].rule, "it has no entry in tools/src/tidy/rooms.rs");
    }

    #[test]
    fn names_only_rooms_that_exist_in_the_table() {
        for room in ROOMS {
            for import in room.imports {
                let imported = ROOMS
                    .iter()
                    .find(|other| other.name == *import)
                    .expect("is in the table");
                assert!(
                    !imported.for_tests || room.for_tests,
                    "{} imports {import}",
                    room.name
                );
            }
        }
    }

    /// The violations among these edges, as text: `→` is a dependency, `⇢` one of tests.
    fn check(edges: &[&str]) -> Vec<String> {
        let mut graph = Graph::default();
        for (name, folder) in ROOMS
            .iter()
            .map(|room| (room.name, format!("provider/{}", room.name)))
            .chain([
                ("cutover-tools", "tools".to_owned()),
                ("cutover-tests", "tests".to_owned()),
            ])
        {
            graph.members.push(Member {
                name: name.to_owned(),
                folder,
                uses: Vec::new(),
            });
        }
        for edge in edges {
            let tests_only = edge.contains('⇢');
            let (from, to) = edge.split_once([' ']).expect("an edge has two ends");
            let to = to.trim_start_matches(['→', '⇢', ' ']).to_owned();
            if let Some(member) = graph.members.iter_mut().find(|member| member.name == from) {
                member.uses.push(Use {
                    name: to.clone(),
                    tests_only,
                });
            }
            if !tests_only {
                graph.links.entry(from.to_owned()).or_default().insert(to);
            }
        }
        graph
            .violations(ROOMS)
            .iter()
            .map(ToString::to_string)
            .collect()
    }
}
