//! How the provider is configured.

use std::collections::BTreeMap;
use std::net::Ipv6Addr;

use pulumi_host::{Problem, ProviderConfig};
use pulumi_value::{PropertyPath, Secret};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The longest key of a tag, in characters. Source: docs/FIGURES.md, "IAM tags".
const TAG_KEY_CHARS_MAX: usize = 128;

/// The longest value of a tag, in characters. Source: docs/FIGURES.md, "IAM tags".
const TAG_VALUE_CHARS_MAX: usize = 256;

/// How many tags a role may have, less the one that says whose it is. Source: docs/FIGURES.md, "IAM tags".
const TAGS_MAX: usize = 49;

/// Beginnings of tag keys that are taken: by AWS, and by this provider.
const TAG_PREFIXES_TAKEN: [&str; 2] = ["aws:", "cutover:"];

/// How cutover reaches AWS for the operations that it carries out itself. What is not given is looked for where every
/// AWS tool looks: environment, shared files, the role of the machine. Nothing of the `aws` provider's configuration
/// applies here.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Config {
    /// The region, such as `eu-central-1`. It decides the partition, too.
    #[schemars(extend("pulumi:environment" = ["AWS_REGION", "AWS_DEFAULT_REGION"]))]
    pub region: Option<String>,
    /// The profile of the shared configuration files. Without it the variable `AWS_PROFILE` counts, read anew in every
    /// run.
    pub profile: Option<String>,
    /// The id of an access key, together with `secretKey`. Better left to the environment or a profile.
    pub access_key: Option<Secret<String>>,
    /// The secret of the access key.
    pub secret_key: Option<Secret<String>>,
    /// The session token that belongs to a temporary access key.
    pub token: Option<Secret<String>>,
    /// A role to assume with the credentials found otherwise.
    pub assume_role: Option<AssumeRole>,
    /// Where to send calls instead of to AWS, for rehearsals and private endpoints. A change replaces every resource
    /// of this provider, since the old ones cannot be reached any more.
    #[schemars(extend("pulumi:replace" = true))]
    pub endpoints: Option<Endpoints>,
    /// How often a call that was throttled or not answered is repeated at once, before the operation itself decides
    /// whether to go on. 0 to 10, by default 1.
    #[serde(default = "one")]
    #[schemars(range(min = 0, max = 10))]
    pub retries: u32,
    /// Tags for everything that cutover makes in AWS. They are put on when a thing is made; what is adopted keeps its
    /// own.
    #[serde(default)]
    pub default_tags: BTreeMap<String, String>,
}

/// A role to assume.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AssumeRole {
    /// The role's ARN.
    pub role_arn: String,
    /// What the session is called in the audit log, by default `pulumi-cutover`. 2 to 64 characters.
    #[schemars(length(min = 2, max = 64))]
    pub session_name: Option<String>,
    /// The id that the role's trust policy asks for. 2 to 1224 characters.
    #[schemars(length(min = 2, max = 1224))]
    pub external_id: Option<String>,
    /// How long a session lasts, in seconds, from 900 to 43200; by default AWS decides. Sessions are renewed by
    /// themselves.
    #[schemars(range(min = 900, max = 43200))]
    pub duration_seconds: Option<u32>,
}

/// Where to send calls instead of to AWS: URLs by service. What is not given is looked for where every AWS tool looks:
/// the service's own variable, `AWS_ENDPOINT_URL`, the shared configuration files.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Endpoints {
    /// Amazon `CloudWatch`. Without it `AWS_ENDPOINT_URL_CLOUDWATCH` counts.
    pub cloudwatch: Option<String>,
    /// AWS Database Migration Service. Without it `AWS_ENDPOINT_URL_DATABASE_MIGRATION_SERVICE` counts.
    pub databasemigration: Option<String>,
    /// Amazon `DynamoDB`. Without it `AWS_ENDPOINT_URL_DYNAMODB` counts.
    pub dynamodb: Option<String>,
    /// Elastic Load Balancing, version 2. Without it `AWS_ENDPOINT_URL_ELASTIC_LOAD_BALANCING_V2` counts.
    pub elasticloadbalancingv2: Option<String>,
    /// AWS Identity and Access Management. Without it `AWS_ENDPOINT_URL_IAM` counts.
    pub iam: Option<String>,
    /// The name server to ask instead of the authoritative ones: `host:port`. Without it `CUTOVER_NAME_SERVER` counts.
    pub name_server: Option<String>,
    /// Amazon Route 53. Without it `AWS_ENDPOINT_URL_ROUTE_53` counts.
    pub route53: Option<String>,
    /// AWS Secrets Manager. Without it `AWS_ENDPOINT_URL_SECRETS_MANAGER` counts.
    pub secretsmanager: Option<String>,
    /// Amazon Simple Notification Service. Without it `AWS_ENDPOINT_URL_SNS` counts.
    pub sns: Option<String>,
    /// AWS Systems Manager. Without it `AWS_ENDPOINT_URL_SSM` counts.
    pub ssm: Option<String>,
    /// AWS Step Functions. Without it `AWS_ENDPOINT_URL_SFN` counts.
    pub stepfunctions: Option<String>,
    /// AWS Security Token Service. Without it `AWS_ENDPOINT_URL_STS` counts.
    pub sts: Option<String>,
}

fn one() -> u32 {
    1
}

impl Endpoints {
    /// Returns the URLs that are given, with the names that programs write.
    fn given(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let all = [
            ("cloudwatch", &self.cloudwatch),
            ("databasemigration", &self.databasemigration),
            ("dynamodb", &self.dynamodb),
            ("elasticloadbalancingv2", &self.elasticloadbalancingv2),
            ("iam", &self.iam),
            ("route53", &self.route53),
            ("secretsmanager", &self.secretsmanager),
            ("sns", &self.sns),
            ("ssm", &self.ssm),
            ("stepfunctions", &self.stepfunctions),
            ("sts", &self.sts),
        ];
        all.into_iter()
            .filter_map(|(name, url)| url.as_deref().map(|url| (name, url)))
    }
}

impl ProviderConfig for Config {
    fn check(&self, problems: &mut Vec<Problem>) {
        let mut problem =
            |path: PropertyPath, reason: &str| problems.push(Problem::new(path, reason));
        let root = PropertyPath::root();
        if self
            .region
            .as_deref()
            .is_some_and(|region| !is_region(region))
        {
            problem(
                root.key("region"),
                "is not a region; it should look like `eu-central-1`",
            );
        }
        match (&self.access_key, &self.secret_key) {
            (Some(_), None) => problem(root.key("secretKey"), "is required with `accessKey`"),
            (None, Some(_)) => problem(root.key("accessKey"), "is required with `secretKey`"),
            (None, None) if self.token.is_some() => {
                problem(root.key("accessKey"), "is required with `token`");
            }
            (Some(_), Some(_)) | (None, None) => {}
        }
        if let Some(role) = &self.assume_role {
            let path = root.key("assumeRole");
            if !is_role_arn(&role.role_arn) {
                let reason = "is not the ARN of a role; it should look like `arn:aws:iam::123456789012:role/name`";
                problem(path.key("roleArn"), reason);
            }
            let letter = |char: char| char.is_ascii_alphanumeric() || "_+=,.@-".contains(char);
            if role
                .session_name
                .as_deref()
                .is_some_and(|name| !name.chars().all(letter))
            {
                problem(
                    path.key("sessionName"),
                    "may have letters, digits and `_+=,.@-` only",
                );
            }
        }
        for (name, url) in self.endpoints.iter().flat_map(Endpoints::given) {
            if !is_url(url) {
                let reason =
                    "is not a URL of a server; it should look like `http://127.0.0.1:4566`";
                problem(root.key("endpoints").key(name), reason);
            }
        }
        let name_server = self
            .endpoints
            .as_ref()
            .and_then(|to| to.name_server.as_deref());
        if name_server.is_some_and(|server| !is_host_and_port(server)) {
            let reason = "is not a name server; it should look like `127.0.0.1:5353`";
            problem(root.key("endpoints").key("nameServer"), reason);
        }
        if self.default_tags.len() > TAGS_MAX {
            problem(
                root.key("defaultTags"),
                &format!("may have at most {TAGS_MAX} tags"),
            );
        }
        for (key, value) in &self.default_tags {
            let path = root.key("defaultTags").key(key);
            if key.is_empty() || key.chars().count() > TAG_KEY_CHARS_MAX {
                problem(
                    path.clone(),
                    &format!("must have a key of 1 to {TAG_KEY_CHARS_MAX} characters"),
                );
            }
            if TAG_PREFIXES_TAKEN
                .iter()
                .any(|prefix| key.to_ascii_lowercase().starts_with(prefix))
            {
                problem(
                    path.clone(),
                    "has a key that begins with `aws:` or `cutover:`, which are taken",
                );
            }
            if !key.chars().chain(value.chars()).all(is_tag_letter) {
                problem(
                    path.clone(),
                    "may have letters, digits, spaces and `_.:/=+-@` only, in key and value",
                );
            }
            if value.chars().count() > TAG_VALUE_CHARS_MAX {
                problem(
                    path,
                    &format!("must have a value of at most {TAG_VALUE_CHARS_MAX} characters"),
                );
            }
        }
    }
}

/// Tells whether a tag may hold a character. Source: docs/FIGURES.md, "IAM tags".
fn is_tag_letter(char: char) -> bool {
    char.is_alphanumeric() || char == ' ' || "_.:/=+-@".contains(char)
}

/// Tells whether a text has the form of a region: small words and a number at the end, joined by hyphens.
fn is_region(text: &str) -> bool {
    let parts: Vec<_> = text.split('-').collect();
    let Some((number, words)) = parts.split_last() else {
        return false;
    };
    let word = |word: &&str| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase());
    words.len() >= 2
        && words.iter().all(word)
        && !number.is_empty()
        && number.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_role_arn(text: &str) -> bool {
    let parts: Vec<_> = text.splitn(6, ':').collect();
    let ["arn", partition, "iam", "", account, resource] = parts.as_slice() else {
        return false;
    };
    let digits = account.len() == 12 && account.bytes().all(|byte| byte.is_ascii_digit());
    let name = resource.strip_prefix("role/").unwrap_or_default();
    partition.starts_with("aws")
        && digits
        && !name.is_empty()
        && !name.chars().any(char::is_whitespace)
}

/// Tells whether a text is the URL of a server, without user, query or fragment: those would end up in logs, or lost.
fn is_url(text: &str) -> bool {
    let rest = text
        .strip_prefix("http://")
        .or_else(|| text.strip_prefix("https://"));
    let Some(rest) = rest else { return false };
    let authority = rest.split('/').next().unwrap_or_default();
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
        _ => (authority, None),
    };
    let port = port.is_none_or(|port| port.parse::<u16>().is_ok_and(|port| port > 0));
    let odd = |char: char| char.is_whitespace() || char.is_control() || "@?#\\\"<>".contains(char);
    !host.is_empty() && port && !rest.contains(odd)
}

/// Tells whether a text has the form `host:port`; an address of IPv6 stands in brackets.
fn is_host_and_port(text: &str) -> bool {
    let Some((host, port)) = text.rsplit_once(':') else {
        return false;
    };
    let bare = host
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'))
        .map_or(!host.contains(':'), |inner| {
            inner.parse::<Ipv6Addr>().is_ok()
        });
    let letter = |char: char| char.is_ascii_alphanumeric() || ".-:[]_".contains(char);
    bare && !host.is_empty()
        && host.chars().all(letter)
        && port.parse::<u16>().is_ok_and(|port| port > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(config: &Config, expected: &[&str]) {
        let mut problems = vec![];
        config.check(&mut problems);
        let paths: Vec<_> = problems
            .iter()
            .map(|problem| problem.path.to_string())
            .collect();
        assert_eq!(paths, expected);
    }

    #[test]
    fn nothing_has_to_be_given() {
        check(&Config::default(), &[]);
    }

    #[test]
    fn knows_regions_by_their_form() {
        for region in [
            "eu-central-1",
            "us-gov-west-1",
            "cn-north-1",
            "us-iso-east-1",
            "mx-central-1",
        ] {
            check(
                &Config {
                    region: Some(region.to_owned()),
                    ..Config::default()
                },
                &[],
            );
        }
        for region in [
            "",
            "eu",
            "eu-central",
            "EU-central-1",
            "eu central-1",
            "eu-central-1a",
            "-1",
            "eu--1",
        ] {
            check(
                &Config {
                    region: Some(region.to_owned()),
                    ..Config::default()
                },
                &["region"],
            );
        }
    }

    #[test]
    fn keys_come_in_pairs() {
        let key = || Some(Secret::new("x".to_owned()));

        check(
            &Config {
                access_key: key(),
                ..Config::default()
            },
            &["secretKey"],
        );
        check(
            &Config {
                secret_key: key(),
                ..Config::default()
            },
            &["accessKey"],
        );
        check(
            &Config {
                token: key(),
                ..Config::default()
            },
            &["accessKey"],
        );
        check(
            &Config {
                access_key: key(),
                secret_key: key(),
                token: key(),
                ..Config::default()
            },
            &[],
        );
    }

    #[test]
    fn checks_the_role_to_assume() {
        let with = |arn: &str, name: Option<&str>| {
            let session_name = name.map(str::to_owned);
            let role = AssumeRole {
                role_arn: arn.to_owned(),
                session_name,
                ..AssumeRole::default()
            };
            Config {
                assume_role: Some(role),
                ..Config::default()
            }
        };

        check(
            &with(
                "arn:aws-cn:iam::123456789012:role/team/deploy",
                Some("ci@shop"),
            ),
            &[],
        );
        check(
            &with("arn:aws:iam::123456789012:user/x", None),
            &["assumeRole.roleArn"],
        );
        check(
            &with("arn:aws:iam::1234:role/x", Some("a b")),
            &["assumeRole.roleArn", "assumeRole.sessionName"],
        );
    }

    #[test]
    fn endpoints_are_urls_of_servers() {
        let with = |url: &str| {
            let endpoints = Endpoints {
                iam: Some(url.to_owned()),
                ..Endpoints::default()
            };
            Config {
                endpoints: Some(endpoints),
                ..Config::default()
            }
        };

        for url in [
            "http://127.0.0.1:4566",
            "https://iam.example.com",
            "http://[::1]:80/x/",
            "http://[::1]",
        ] {
            check(&with(url), &[]);
        }
        for url in [
            "",
            "127.0.0.1:1",
            "ftp://x",
            "http://",
            "http://x:0",
            "http://x:y",
            "http://u@x",
            "http://x?y",
        ] {
            check(&with(url), &["endpoints.iam"]);
        }
    }

    #[test]
    fn the_name_server_has_a_host_and_a_port() {
        let with = |server: &str| {
            let endpoints = Endpoints {
                name_server: Some(server.to_owned()),
                ..Endpoints::default()
            };
            Config {
                endpoints: Some(endpoints),
                ..Config::default()
            }
        };

        for server in ["127.0.0.1:5353", "[::1]:53", "ns.example.com:53"] {
            check(&with(server), &[]);
        }
        for server in [
            "",
            "127.0.0.1",
            ":53",
            "::1:53",
            "[x]:53",
            "a b:53",
            "x:0",
            "http://x:53",
        ] {
            check(&with(server), &["endpoints.nameServer"]);
        }
    }

    #[test]
    fn tags_fit_into_iam() {
        let tag = |key: &str, value: &str| {
            let default_tags = BTreeMap::from([(key.to_owned(), value.to_owned())]);
            Config {
                default_tags,
                ..Config::default()
            }
        };

        check(&tag("team", ""), &[]);
        check(&tag("AWS:x", "y"), &["defaultTags.AWS:x"]);
        check(&tag("größe", "a b_c.d:e/f=g+h-i@j"), &[]);
        check(&tag("k", "a&b"), &["defaultTags.k"]);
        check(&tag("k", &"v".repeat(257)), &["defaultTags.k"]);
        check(
            &tag(&"k".repeat(129), ""),
            &[&format!("defaultTags.{}", "k".repeat(129))],
        );
        let many = (0..50)
            .map(|number| (number.to_string(), String::new()))
            .collect();
        check(
            &Config {
                default_tags: many,
                ..Config::default()
            },
            &["defaultTags"],
        );
    }

    #[test]
    fn no_secret_is_shown() {
        let config = Config {
            secret_key: Some(Secret::new("hunter2".to_owned())),
            ..Config::default()
        };

        assert!(!format!("{config:?}").contains("hunter2"));
    }
}
