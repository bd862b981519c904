//! The rooms of the house: what each crate may use, and why.

/// What one crate may use.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Room {
    /// The crate's name.
    pub(crate) name: &'static str,
    /// The crates of this workspace that it may use.
    pub(crate) imports: &'static [&'static str],
    /// Those that only its tests may use besides.
    pub(crate) test_imports: &'static [&'static str],
    /// The crates from elsewhere that it may name as dependencies. Tests are free.
    pub(crate) crates: Crates,
    /// Crates that it may not even reach through others, tests apart. A `*` at the end stands for any rest.
    pub(crate) out_of_reach: &'static [&'static str],
    /// Whether it exists for tests, so that nothing that ships may use it.
    pub(crate) for_tests: bool,
    /// The reason for all of this, as half a sentence.
    pub(crate) because: &'static str,
}

/// Crates from elsewhere.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Crates {
    /// These and no others.
    Only(&'static [&'static str]),
    /// Any but these.
    AnyBut(&'static [&'static str]),
}

/// Clients and drivers of databases.
const SQL: &[&str] = &["tokio-postgres", "postgres*", "mysql*", "sqlx*"];

/// Everything that talks to a cloud or a database.
const CLOUD_AND_SQL: &[&str] = &["aws-*", "tokio-postgres", "postgres*", "mysql*", "sqlx*"];

/// Every crate that ends up in the plugin, and those that stand beside them for tests. A new crate under `provider/`
/// gets a line here.
pub(crate) const ROOMS: &[Room] = &[
    Room {
        name: "pulumi-proto",
        imports: &[],
        test_imports: &[],
        crates: Crates::Only(&[
            "prost",
            "prost-types",
            "protox",
            "tonic",
            "tonic-health",
            "tonic-prost",
            "tonic-prost-build",
        ]),
        out_of_reach: &["aws-*"],
        for_tests: false,
        because: "it is generated from the .proto files and holds no logic of its own",
    },
    Room {
        name: "pulumi-value",
        imports: &[],
        test_imports: &[],
        crates: Crates::AnyBut(CLOUD_AND_SQL),
        out_of_reach: &["tokio*", "tonic*", "futures*", "aws-*"],
        for_tests: false,
        because: "values and their codec are plain functions, without async, services or a cloud",
    },
    Room {
        name: "pulumi-host",
        imports: &["pulumi-proto", "pulumi-value"],
        test_imports: &["pulumi-testkit"],
        crates: Crates::AnyBut(CLOUD_AND_SQL),
        out_of_reach: &["aws-*"],
        for_tests: false,
        because: "the framework knows the Pulumi protocol and nothing of what a provider is for",
    },
    Room {
        name: "pulumi-testkit",
        imports: &["pulumi-proto", "pulumi-value", "pulumi-host"],
        test_imports: &["pulumi-specimen"],
        crates: Crates::AnyBut(CLOUD_AND_SQL),
        out_of_reach: &["aws-*"],
        for_tests: true,
        because: "it stands in for the engine, for any provider",
    },
    Room {
        name: "cutover-core",
        imports: &[],
        test_imports: &["cutover-driver", "cutover-sim"],
        crates: Crates::Only(&["serde", "statrs", "thiserror"]),
        out_of_reach: &[
            "tokio*",
            "futures*",
            "tracing*",
            "tonic*",
            "aws-*",
            "rand*",
            "getrandom",
        ],
        for_tests: false,
        because: "decisions are plain functions of facts and time: no I/O, no async, no clock, no chance",
    },
    Room {
        name: "cutover-driver",
        imports: &["cutover-core"],
        test_imports: &["cutover-sim"],
        crates: Crates::AnyBut(CLOUD_AND_SQL),
        out_of_reach: &["aws-*", "tonic*"],
        for_tests: false,
        because: "the driver walks any machine through ports and names neither a cloud nor a database",
    },
    Room {
        name: "cutover-aws",
        imports: &["cutover-core", "cutover-driver"],
        test_imports: &["cutover-sim"],
        crates: Crates::AnyBut(SQL),
        out_of_reach: &["tonic*"],
        for_tests: false,
        because: "adapters translate calls for AWS alone; they neither decide nor know of Pulumi or SQL",
    },
    Room {
        name: "cutover-db",
        imports: &["cutover-core", "cutover-driver"],
        test_imports: &["cutover-local-db", "cutover-sim"],
        crates: Crates::AnyBut(&["aws-*"]),
        out_of_reach: &["aws-*", "tonic*"],
        for_tests: false,
        because: "adapters translate calls for databases alone; they neither decide nor know of Pulumi or AWS",
    },
    Room {
        name: "cutover-report",
        imports: &["cutover-core"],
        test_imports: &[],
        crates: Crates::Only(&["maud", "serde_json", "sha2"]),
        out_of_reach: &["tokio*", "futures*", "tonic*", "aws-*"],
        for_tests: false,
        because: "a page is a plain function of a report",
    },
    Room {
        name: "cutover-sim",
        imports: &["cutover-core", "cutover-driver"],
        test_imports: &[],
        crates: Crates::AnyBut(CLOUD_AND_SQL),
        out_of_reach: &["aws-*", "tonic*"],
        for_tests: true,
        because: "the simulated world implements the ports over plain maps",
    },
    Room {
        name: "cutover-resources",
        imports: &[
            "pulumi-value",
            "pulumi-host",
            "cutover-core",
            "cutover-driver",
            "cutover-report",
        ],
        test_imports: &["pulumi-testkit", "cutover-sim"],
        crates: Crates::AnyBut(&[
            "aws-*",
            "tokio-postgres",
            "postgres*",
            "mysql*",
            "sqlx*",
            "tonic*",
        ]),
        out_of_reach: &["aws-*"],
        for_tests: false,
        because: "it maps Pulumi to specs and ports; clouds are the adapters' business, gRPC is the framework's",
    },
    Room {
        name: "pulumi-resource-cutover",
        imports: &[
            "pulumi-value",
            "pulumi-host",
            "cutover-core",
            "cutover-driver",
            "cutover-aws",
            "cutover-db",
            "cutover-resources",
        ],
        test_imports: &["pulumi-proto", "pulumi-testkit", "cutover-sim"],
        crates: Crates::AnyBut(&[]),
        out_of_reach: &["openssl-sys", "native-tls"],
        for_tests: false,
        because: "the binary wires the parts together and ships, with one TLS stack",
    },
    Room {
        name: "cutover-cli",
        imports: &[
            "cutover-core",
            "cutover-driver",
            "cutover-aws",
            "cutover-db",
            "cutover-report",
        ],
        test_imports: &["cutover-local-aws", "cutover-local-db", "cutover-sim"],
        crates: Crates::AnyBut(SQL),
        out_of_reach: &["openssl-sys", "native-tls", "tonic*"],
        for_tests: false,
        because: "the operator's command works without Pulumi and its state, and ships, with one TLS stack",
    },
    Room {
        name: "cutover-local-aws",
        imports: &["cutover-core", "cutover-driver", "cutover-sim"],
        test_imports: &["cutover-aws"],
        crates: Crates::AnyBut(&[
            "aws-config",
            "aws-sdk-*",
            "tokio-postgres",
            "postgres*",
            "mysql*",
            "sqlx*",
        ]),
        out_of_reach: &[
            "aws-config",
            "aws-sdk-*",
            "tonic*",
            "openssl-sys",
            "native-tls",
        ],
        for_tests: true,
        because: "the endpoints read and write the wire by themselves, so that a client of AWS is a second opinion on them",
    },
    Room {
        name: "cutover-local-db",
        imports: &[],
        test_imports: &[],
        crates: Crates::AnyBut(&["aws-*"]),
        out_of_reach: &["aws-*", "tonic*", "openssl-sys", "native-tls"],
        for_tests: true,
        because: "it runs real servers and knows nothing of what is moved or compared in them",
    },
    Room {
        name: "cutover-local-dms",
        imports: &["cutover-sim"],
        test_imports: &["cutover-local-db"],
        crates: Crates::AnyBut(&["aws-*"]),
        out_of_reach: &["aws-*", "tonic*", "openssl-sys", "native-tls"],
        for_tests: true,
        because: "it moves rows between real servers, and leaves the rules of DMS to the simulated cloud",
    },
    Room {
        name: "cutover-local-shop",
        imports: &["cutover-core", "cutover-local-db"],
        test_imports: &[
            "cutover-db",
            "cutover-driver",
            "cutover-local-dms",
            "cutover-sim",
        ],
        crates: Crates::AnyBut(&["aws-*"]),
        out_of_reach: &["aws-*", "tonic*", "openssl-sys", "native-tls"],
        for_tests: true,
        because: "whoever pays knows a database and a setting, and nothing of a migration; its tests know all of it",
    },
];
