//! A strict AWS in plain maps: Route 53, CloudWatch, Elastic Load Balancing, SNS, SSM, STS, fences in `DynamoDB`, secrets,
//! and DMS.
//!
//! [`Cloud`] has a method for each operation of the API, with the moment of the call as an argument. It is as strict as
//! AWS is where emulators are lenient. Every call runs through `Cloud::call`, which follows the script of faults and
//! records the request.

mod cloudwatch;
mod dms;
mod dynamodb;
mod elb;
mod error;
mod ports;
mod route53;
mod script;
mod secretsmanager;
mod sns;
mod ssm;
mod traffic;

use std::collections::BTreeMap;
use std::time::Duration;

use cutover_core::Timestamp;

pub use cloudwatch::{
    Alarm, AlarmMetric, AlarmState, Comparison, Datum, GetMetricData, MetricData, MetricDataQuery,
    MetricDataResult, MetricDatum, MetricKey, MetricStat, StatusCode,
};
pub use dms::{
    Assessed, AssessmentRun, DmsConnection, DmsEndpoint, DmsEvent, DmsPace, DmsPage, DmsQuery, Job,
    JobSeen, JobStart, JobTable, Maintenance, ModifyEndpoint, ModifyReplicationTask, MovedDatabase,
    Mover, NewReplicationTask, ReplicationInstance, ReplicationTask, StartAssessment, StartTask,
    TableStatistics, TaskStats,
};
pub use dynamodb::{Attribute, Condition, Item, PutItem};
pub use elb::{
    Action, Forward, ListenerRule, Stickiness, TagsOf, TargetGroup, TargetHealth, WeightedGroup,
};
pub use error::AwsError;
pub use ports::{PausedClock, SimReplications, SimTraffic};
pub use route53::{
    AliasTarget, Change, ChangeAction, ChangeInfo, CreateHealthCheck, DnsAnswer, Endpoint,
    HealthCheckInfo, HostedZone, ListRecordSets, RecordSetPage, ResourceRecordSet,
};
pub use script::{CloudFault, Rival, What, When};
pub use secretsmanager::Secret;
pub use sns::{PublishInput, Sent, Topic};
pub use ssm::{Parameter, PutParameter};
pub use traffic::{Counted, Incident, Measured, Resolvers, Routed, SideProfile, TrafficModel};

/// How the cloud behaves. The defaults are AWS's documented figures where there are some.
#[derive(Clone, Debug)]
pub struct CloudConfig {
    /// The account; 12 digits.
    pub account: String,
    /// The region of everything that has one.
    pub region: String,
    /// The seed of everything that looks like chance.
    pub seed: u64,
    /// How long after a change's acceptance the name servers answer by it; AWS: within 60 s.
    pub propagation: Duration,
    /// How long after its acceptance a change is INSYNC; `None`: it stays PENDING.
    pub insync: Option<Duration>,
    /// How many requests a second Route 53 serves; AWS: 5 for each account.
    pub route53_requests_per_second: usize,
    /// How long a zone refuses further changes after one, with `PriorRequestNotComplete`.
    pub accepting: Duration,
    /// How long after its moment a datapoint can be read.
    pub metric_lag: Duration,
    /// How long every call through the ports takes; ours.
    pub call: Duration,
    /// How long what DMS does takes.
    pub dms: DmsPace,
}

impl Default for CloudConfig {
    fn default() -> Self {
        Self {
            account: "123456789012".to_owned(),
            region: "eu-central-1".to_owned(),
            seed: 1,
            propagation: Duration::from_secs(30),
            insync: Some(Duration::from_secs(30)),
            route53_requests_per_second: 5,
            accepting: Duration::ZERO,
            metric_lag: Duration::ZERO,
            call: Duration::from_millis(40),
            dms: DmsPace::default(),
        }
    }
}

/// A call as it was recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// The operation as AWS names it.
    pub operation: &'static str,
    /// When it was served.
    pub at: Timestamp,
    /// What it was about: a zone's id, an ARN, a name.
    pub about: String,
    /// The code of the error that it was answered with.
    pub error: Option<&'static str>,
}

/// Who calls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallerIdentity {
    /// The account.
    pub account: String,
    /// The ARN.
    pub arn: String,
    /// The unique id.
    pub user_id: String,
}

/// An AWS account.
#[derive(Clone, Debug)]
pub struct Cloud {
    /// How it behaves; may be changed while it runs.
    pub config: CloudConfig,
    /// When the credentials end; `None` when they do not.
    pub credentials_end: Option<Timestamp>,
    script: Vec<CloudFault>,
    requests: Vec<Request>,
    occurrences: BTreeMap<&'static str, usize>,
    unscripted: bool,
    serial: u64,
    route53: route53::Route53,
    cloudwatch: cloudwatch::CloudWatch,
    elb: elb::Elb,
    sns: sns::Sns,
    ssm: ssm::Ssm,
    dms: dms::Dms,
    dynamodb: dynamodb::DynamoDb,
    secretsmanager: secretsmanager::SecretsManager,
    traffic: Vec<traffic::Running>,
}

/// Who is throttled, for Route 53's limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Service {
    Route53,
    Other,
}

impl Cloud {
    /// Makes an account in which there is nothing.
    pub fn new(config: CloudConfig) -> Self {
        Self {
            config,
            credentials_end: None,
            script: Vec::new(),
            requests: Vec::new(),
            occurrences: BTreeMap::new(),
            unscripted: false,
            serial: 0,
            route53: route53::Route53::default(),
            cloudwatch: cloudwatch::CloudWatch::default(),
            elb: elb::Elb::default(),
            sns: sns::Sns::default(),
            ssm: ssm::Ssm::default(),
            dms: dms::Dms::default(),
            dynamodb: dynamodb::DynamoDb::default(),
            secretsmanager: secretsmanager::SecretsManager::default(),
            traffic: Vec::new(),
        }
    }

    /// Adds lines to the script. Occurrences count from the very first call.
    pub fn script(&mut self, faults: impl IntoIterator<Item = CloudFault>) {
        self.script.extend(faults);
    }

    /// Acts as somebody else: calls made by `act` follow no script, are not recorded and not throttled.
    pub fn by_others<T>(&mut self, act: impl FnOnce(&mut Self) -> T) -> T {
        let before = std::mem::replace(&mut self.unscripted, true);
        let done = act(self);
        self.unscripted = before;
        done
    }

    /// Tells how long the next call of an operation hangs before it is served. Whoever stands in for the network waits
    /// so long and makes the call then.
    pub fn delay(&self, operation: &str, now: Timestamp) -> Duration {
        let occurrence = self.occurrences.get(operation).copied().unwrap_or(0) + 1;
        self.script
            .iter()
            .find_map(|fault| match fault.what {
                What::Hang(duration) if fault.hits(operation, occurrence, now) => Some(duration),
                _ => None,
            })
            .unwrap_or_default()
    }

    /// Returns every call so far, in its order.
    pub fn requests(&self) -> &[Request] {
        &self.requests
    }

    /// Returns the most calls that any span of so long had, of operations that `counts` picks.
    pub fn peak(&self, span: Duration, counts: impl Fn(&Request) -> bool) -> usize {
        let at: Vec<Timestamp> = self
            .requests
            .iter()
            .filter(|request| counts(request))
            .map(|request| request.at)
            .collect();
        let within = |(from, begin): (usize, &Timestamp)| {
            at.iter()
                .skip(from)
                .take_while(|other| other.since(*begin) < span)
                .count()
        };
        at.iter().enumerate().map(within).max().unwrap_or(0)
    }

    /// STS: tells who calls.
    ///
    /// # Errors
    /// What the script says.
    pub fn get_caller_identity(&mut self, now: Timestamp) -> Result<CallerIdentity, AwsError> {
        self.call(Service::Other, "GetCallerIdentity", "", now, |cloud| {
            let account = cloud.config.account.clone();
            Ok(CallerIdentity {
                arn: format!("arn:aws:sts::{account}:assumed-role/deploy/cutover"),
                user_id: "AROAEXAMPLE:cutover".to_owned(),
                account,
            })
        })
    }

    /// Runs one call: the script, the limit on requests, the call itself, the record.
    fn call<T>(
        &mut self,
        service: Service,
        operation: &'static str,
        about: &str,
        now: Timestamp,
        serve: impl FnOnce(&mut Self) -> Result<T, AwsError>,
    ) -> Result<T, AwsError> {
        self.advance(now);
        self.advance_dms(now);
        if self.unscripted {
            return serve(self);
        }
        let occurrence = {
            let count = self.occurrences.entry(operation).or_default();
            *count += 1;
            *count
        };
        let hit = |fault: &&CloudFault| {
            !matches!(fault.what, What::Hang(_)) && fault.hits(operation, occurrence, now)
        };
        let what = self.script.iter().find(hit).map(|fault| fault.what.clone());
        let answer = self.served(service, what.as_ref(), now, serve);
        self.requests.push(Request {
            operation,
            at: now,
            about: about.to_owned(),
            error: answer.as_ref().err().map(|error| error.code),
        });
        answer
    }

    fn served<T>(
        &mut self,
        service: Service,
        what: Option<&What>,
        now: Timestamp,
        serve: impl FnOnce(&mut Self) -> Result<T, AwsError>,
    ) -> Result<T, AwsError> {
        match what {
            Some(What::Throttled) => return Err(rate_exceeded()),
            Some(What::Refused(code, message)) => return Err(AwsError::bad(code, *message)),
            Some(What::Denied) => {
                let message = "User is not authorized to perform this action";
                return Err(AwsError::new("AccessDenied", 403, message));
            }
            Some(What::Expired) => return Err(expired()),
            Some(What::Broken) => {
                let message = "We encountered an internal error. Please try again.";
                return Err(AwsError::new("InternalFailure", 500, message));
            }
            Some(What::Unavailable) => {
                let message = "Service is unable to handle request.";
                return Err(AwsError::new("ServiceUnavailable", 503, message));
            }
            Some(What::LostBefore) => return Err(AwsError::lost()),
            Some(What::Rival(rival)) => self.by_others(|cloud| rival.act(cloud, now)),
            Some(What::AnswerLost | What::Hang(_)) | None => {}
        }
        if self.credentials_end.is_some_and(|end| end <= now) {
            return Err(expired());
        }
        if service == Service::Route53 && !self.admits(now) {
            return Err(rate_exceeded());
        }
        let answer = serve(self);
        match what {
            Some(What::AnswerLost) => Err(AwsError::lost()),
            _ => answer,
        }
    }

    /// Asks name servers, which know of no credentials; the script and the record apply.
    fn query<T>(
        &mut self,
        question: &cutover_driver::Question,
        now: Timestamp,
        ask: impl FnOnce(&mut Self) -> T,
    ) -> Result<T, AwsError> {
        let end = self.credentials_end.take();
        let answer = self.call(Service::Other, "dns:Query", &question.name, now, |cloud| {
            Ok(ask(cloud))
        });
        self.credentials_end = end;
        answer
    }

    /// Returns a number that was not returned before.
    fn next_serial(&mut self) -> u64 {
        self.serial += 1;
        self.serial
    }
}

fn rate_exceeded() -> AwsError {
    AwsError::bad("Throttling", "Rate exceeded")
}

fn expired() -> AwsError {
    let message = "The security token included in the request is expired";
    AwsError::new("ExpiredToken", 403, message)
}

/// Spreads a number evenly over all numbers: the finaliser of `SplitMix64`, which makes a sequence of seeds from a counter.
fn mix(number: u64) -> u64 {
    let mut z = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
