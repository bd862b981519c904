//! Authoritative name servers, asked one by one over UDP, and over TCP where an answer does not fit.
//!
//! Nothing is kept between questions and recursion is not asked for, so that an answer is the server's own and of now.
//! A resolver is only used to find the addresses of the servers, and of what an alias stands for.

use std::collections::BTreeSet;
use std::fmt::Display;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use cutover_core::shift::spec::Answer;
use cutover_core::{Failure, FailureClass};
use cutover_driver::{Answered, NameServers, Question, Sample};
use futures_util::future::join_all;
use hickory_resolver::config::{
    ConnectionConfig, LookupIpStrategy, NameServerConfig, ResolverOpts,
};
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::net::xfer::FirstAnswer as _;
use hickory_resolver::net::{DnsHandle as _, NetError};
use hickory_resolver::proto::op::{DnsRequest, DnsRequestOptions, Query};
use hickory_resolver::proto::rr::{Name, RData, Record, RecordType};
use hickory_resolver::{NameServerPool, PoolContext, Resolver, TlsConfig, TokioResolver};

use crate::sdk::Sdk;

/// What failures call these questions; there is no permission for them.
const ACTION: &str = "dns:Query";

/// How long a question may take, repeated packets included: ours. Servers answer within tenths of a second, and a
/// resolver that waits longer would turn to another server as well.
const QUESTION_TIMEOUT: Duration = Duration::from_secs(2);

/// After how many questions in a row without an answer a server is not asked further: ours. One may be lost on the way,
/// two, each repeated within its time, are a server that cannot be reached, and asking on would take minutes.
const SILENCE_MAX: u32 = 2;

/// The port of name servers. Source: RFC 1035, section 4.2.
const PORT: u16 = 53;

/// Authoritative name servers on the network.
#[derive(Debug)]
pub struct DnsNameServers {
    sdk: Sdk,
}

/// What is asked, in the terms of DNS.
struct Asked {
    query: Query,
    /// What old answers, as [`said`] writes it.
    old: BTreeSet<String>,
    /// What new answers.
    new: BTreeSet<String>,
    times: u32,
}

impl DnsNameServers {
    /// Makes the adapter; does not ask anyone.
    pub fn new(sdk: &Sdk) -> Self {
        Self { sdk: sdk.clone() }
    }

    async fn ask_all(&self, question: &Question) -> Result<Sample, Failure> {
        let record_type = question.record_type.parse().map_err(|_| {
            let record_type = &question.record_type;
            Failure::refused(ACTION, format!("`{record_type}` is no type of record"))
        })?;
        let resolver = resolver()?;
        let stand_in = self.stand_in(&resolver).await?;
        let asked = Asked {
            query: Query::query(full(&question.name)?, record_type),
            old: expected(&question.old, record_type, &resolver, stand_in).await?,
            new: expected(&question.new, record_type, &resolver, stand_in).await?,
            times: question.times,
        };
        let samples = question
            .servers
            .iter()
            .map(|server| ask_server(server, &asked, &resolver, stand_in));
        let samples = join_all(samples).await.into_iter();
        Ok(samples.fold(Sample::default(), |all, one| Sample {
            old: all.old.saturating_add(one.old),
            new: all.new.saturating_add(one.new),
            other: all.other.saturating_add(one.other),
        }))
    }

    /// The one server of the settings that is asked instead of all others.
    async fn stand_in(&self, resolver: &TokioResolver) -> Result<Option<SocketAddr>, Failure> {
        let Some(at) = &self.sdk.settings().endpoints.name_server else {
            return Ok(None);
        };
        if let Ok(at) = at.parse() {
            return Ok(Some(at));
        }
        let parts = at.rsplit_once(':');
        let (host, port) = parts
            .and_then(|(host, port)| Some((host, port.parse().ok()?)))
            .ok_or_else(|| {
                let message = format!("name server `{at}` is not of the form `host:port`");
                failed(FailureClass::Unconfigured, message)
            })?;
        let ip = address_of(host, resolver)
            .await
            .map_err(|error| unavailable(host, &error))?;
        Ok(Some(SocketAddr::new(ip, port)))
    }
}

impl NameServers for DnsNameServers {
    fn sample<'a>(&'a self, question: &'a Question) -> Answered<'a, Sample> {
        Box::pin(self.ask_all(question))
    }
}

/// What a side answers. What an alias stands for is looked up anew, since the addresses of load balancers change.
async fn expected(
    answer: &Answer,
    record_type: RecordType,
    resolver: &TokioResolver,
    stand_in: Option<SocketAddr>,
) -> Result<BTreeSet<String>, Failure> {
    let alias = match answer {
        Answer::Value(value) => return Ok([plain(value)].into()),
        Answer::Alias(alias) => alias,
    };
    let name = full(&alias.dns_name)?;
    let records = if let Some(stand_in) = stand_in {
        ask(&server_at(stand_in)?, Query::query(name, record_type)).await
    } else {
        let answer = resolver.lookup(name, record_type).await;
        answer.map(|found| found.answers().to_vec())
    };
    match records {
        Ok(records) => Ok(said(&records, record_type)),
        // A target without such a record is answered by nobody.
        Err(error) if error.is_no_records_found() => Ok(BTreeSet::new()),
        Err(error) => Err(unavailable(&alias.dns_name, &error)),
    }
}

/// Asks one server, question after question.
async fn ask_server(
    server: &str,
    asked: &Asked,
    resolver: &TokioResolver,
    stand_in: Option<SocketAddr>,
) -> Sample {
    let mut sample = Sample::default();
    let at = match stand_in {
        Some(at) => Ok(at),
        None => address_of(server, resolver)
            .await
            .map(|ip| SocketAddr::new(ip, PORT)),
    };
    let server = at.ok().and_then(|at| server_at(at).ok());
    let mut silence = 0;
    for _ in 0..asked.times {
        let answer = match &server {
            Some(server) if silence < SILENCE_MAX => ask(server, asked.query.clone()).await,
            _ => Err(NetError::Timeout),
        };
        match answer {
            Ok(records) => {
                silence = 0;
                let answers = said(&records, asked.query.query_type());
                match (
                    answers.is_disjoint(&asked.old),
                    answers.is_disjoint(&asked.new),
                ) {
                    (false, true) => sample.old += 1,
                    (true, false) => sample.new += 1,
                    // Nothing of either, or something of both.
                    _ => sample.other += 1,
                }
            }
            Err(error) => {
                // A server that says no is there.
                let spoke = matches!(error, NetError::Dns(_));
                silence = if spoke { 0 } else { silence + 1 };
                sample.other += 1;
            }
        }
    }
    sample
}

type Server = NameServerPool<TokioRuntimeProvider>;

/// A connection to one server; nothing is kept of its answers.
fn server_at(at: SocketAddr) -> Result<Server, Failure> {
    let connections = [ConnectionConfig::udp(), ConnectionConfig::tcp()].map(|mut connection| {
        connection.port = at.port();
        connection
    });
    let config = NameServerConfig::new(at.ip(), true, connections.to_vec());
    let mut options = ResolverOpts::default();
    options.timeout = QUESTION_TIMEOUT;
    let tls = TlsConfig::new().map_err(|error| Failure::refused(ACTION, error.to_string()))?;
    let context = Arc::new(PoolContext::new(options, tls));
    let provider = TokioRuntimeProvider::default();
    Ok(NameServerPool::from_config([config], context, provider))
}

async fn ask(server: &Server, query: Query) -> Result<Vec<Record>, NetError> {
    let mut options = DnsRequestOptions::default();
    options.recursion_desired = false;
    let answer = server.send(DnsRequest::from_query(query, options));
    Ok(answer.first_answer().await?.into_message().answers)
}

/// A resolver as this machine's own, which remembers nothing from one sample to the next.
fn resolver() -> Result<TokioResolver, Failure> {
    let mut builder = Resolver::builder_tokio()
        .map_err(|error| failed(FailureClass::Unavailable, error.to_string()))?;
    // Many machines have no route for IPv6, and every server of Route 53 answers over IPv4.
    builder.options_mut().ip_strategy = LookupIpStrategy::Ipv4thenIpv6;
    builder
        .build()
        .map_err(|error| failed(FailureClass::Unavailable, error.to_string()))
}

async fn address_of(host: &str, resolver: &TokioResolver) -> Result<IpAddr, NetError> {
    if let Ok(ip) = host.parse() {
        return Ok(ip);
    }
    let found = resolver.lookup_ip(host).await?;
    found.iter().next().ok_or(NetError::NoConnections)
}

/// What records of a type say, in one form for comparison.
fn said(records: &[Record], record_type: RecordType) -> BTreeSet<String> {
    let records = records
        .iter()
        .filter(|record| record.record_type() == record_type);
    records
        .map(|record| match &record.data {
            RData::CNAME(name) => plain(&name.to_string()),
            other => plain(&other.to_string()),
        })
        .collect()
}

/// An address in its shortest form, or a name in lower case without the dot at its end.
fn plain(value: &str) -> String {
    value.parse::<IpAddr>().map_or_else(
        |_| {
            value
                .strip_suffix('.')
                .unwrap_or(value)
                .to_ascii_lowercase()
        },
        |ip| ip.to_string(),
    )
}

/// A name that nothing is put behind.
fn full(name: &str) -> Result<Name, Failure> {
    let mut full = Name::from_ascii(name).map_err(|error| {
        Failure::refused(ACTION, format!("`{name}` is no name of DNS: {error}"))
    })?;
    full.set_fqdn(true);
    Ok(full)
}

fn unavailable(name: &str, error: &impl Display) -> Failure {
    failed(
        FailureClass::Unavailable,
        format!("no address of `{name}` was to be had: {error}"),
    )
}

fn failed(class: FailureClass, message: String) -> Failure {
    Failure {
        class,
        action: ACTION,
        message,
    }
}
