//! The adapter for name servers against a small authoritative server, over real packets on loopback.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, UdpSocket};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use cutover_aws::{DnsNameServers, Endpoints, Sdk, Settings};
use cutover_core::FailureClass;
use cutover_core::shift::spec::{Alias, Answer};
use cutover_driver::{NameServers as _, Question, Sample, SystemClock};
use hickory_resolver::proto::op::{Message, MessageType, OpCode, ResponseCode};
use hickory_resolver::proto::rr::rdata::{A, CNAME};
use hickory_resolver::proto::rr::{Name, RData, Record};

/// What is answered for a name, in turn: members as often as their weight says.
type Zone = BTreeMap<&'static str, Vec<RData>>;

/// An authoritative server that runs as long as the test.
struct Server {
    at: SocketAddr,
    seen: Arc<Seen>,
}

#[derive(Debug, Default)]
struct Seen {
    recursion: AtomicBool,
    over_tcp: AtomicU32,
    turns: Mutex<BTreeMap<String, usize>>,
}

impl Server {
    /// Serves a zone; `truncated` answers over UDP say that they did not fit.
    fn start(zone: Zone, truncated: bool) -> Self {
        let (udp, tcp) = sockets();
        let at = udp.local_addr().expect("loopback carries packets");
        let seen = Arc::new(Seen::default());
        let (for_udp, for_tcp) = (Arc::clone(&seen), Arc::clone(&seen));
        let of_tcp = zone.clone();
        std::thread::spawn(move || {
            let mut packet = [0; 4096];
            while let Ok((length, from)) = udp.recv_from(&mut packet) {
                let mut answer = answer(&packet[..length], &zone, &for_udp);
                if truncated {
                    answer.metadata.truncation = true;
                    answer.answers.clear();
                }
                udp.send_to(&answer.to_vec().expect("an answer can be written"), from)
                    .expect("loopback carries packets");
            }
        });
        std::thread::spawn(move || {
            while let Ok((mut stream, _)) = tcp.accept() {
                let mut length = [0; 2];
                while stream.read_exact(&mut length).is_ok() {
                    let mut packet = vec![0; usize::from(u16::from_be_bytes(length))];
                    stream
                        .read_exact(&mut packet)
                        .expect("loopback carries packets");
                    for_tcp.over_tcp.fetch_add(1, Ordering::SeqCst);
                    let answer = answer(&packet, &of_tcp, &for_tcp)
                        .to_vec()
                        .expect("an answer can be written");
                    let length = u16::try_from(answer.len())
                        .expect("an answer is short")
                        .to_be_bytes();
                    stream
                        .write_all(&[&length[..], &answer].concat())
                        .expect("loopback carries packets");
                }
            }
        });
        Self { at, seen }
    }

    fn asked(&self) -> DnsNameServers {
        adapter(&self.at.to_string())
    }
}

/// One port, free for both protocols.
fn sockets() -> (UdpSocket, TcpListener) {
    loop {
        let tcp = TcpListener::bind("127.0.0.1:0").expect("loopback carries packets");
        if let Ok(udp) = UdpSocket::bind(tcp.local_addr().expect("loopback carries packets")) {
            return (udp, tcp);
        }
    }
}

fn answer(packet: &[u8], zone: &Zone, seen: &Seen) -> Message {
    let question = Message::from_vec(packet).expect("the adapter sends questions");
    seen.recursion
        .fetch_or(question.metadata.recursion_desired, Ordering::SeqCst);
    let query = question.queries[0].clone();
    let name = query.name().to_string();
    let mut answer = Message::new(question.metadata.id, MessageType::Response, OpCode::Query);
    answer.metadata.authoritative = true;
    match zone.get(name.as_str()) {
        Some(members) => {
            let mut turns = seen.turns.lock().expect("nothing panics while it is held");
            let turn = turns.entry(name).or_default();
            let data = members[*turn % members.len()].clone();
            *turn += 1;
            answer.add_answer(Record::from_rdata(query.name().clone(), 60, data));
        }
        None => answer.metadata.response_code = ResponseCode::NXDomain,
    }
    answer.add_query(query);
    answer
}

fn adapter(at: &str) -> DnsNameServers {
    let endpoints = Endpoints {
        name_server: Some(at.to_owned()),
        ..Endpoints::default()
    };
    let settings = Settings {
        endpoints,
        ..Settings::default()
    };
    DnsNameServers::new(&Sdk::new(settings, Arc::new(SystemClock)))
}

fn address(last: u8) -> RData {
    RData::A(A(Ipv4Addr::new(192, 0, 2, last)))
}

fn name(name: &str) -> RData {
    RData::CNAME(CNAME(Name::from_ascii(name).expect("a name")))
}

fn value(value: &str) -> Answer {
    Answer::Value(value.to_owned())
}

fn alias(dns_name: &str) -> Answer {
    Answer::Alias(Alias {
        dns_name: dns_name.to_owned(),
        zone_id: "Z9".to_owned(),
        evaluate_target_health: false,
    })
}

fn question(record_type: &str, old: Answer, new: Answer) -> Question {
    Question {
        servers: vec![
            "ns-1.awsdns-01.com".to_owned(),
            "ns-2.awsdns-02.net".to_owned(),
        ],
        name: "pay.example.com".to_owned(),
        record_type: record_type.to_owned(),
        old,
        new,
        times: 10,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn counts_whose_values_came_without_a_cache_or_recursion() {
    let members = [1, 1, 1, 2, 3].map(address).into();
    let server = Server::start(Zone::from([("pay.example.com.", members)]), false);

    let question = question("A", value("192.0.2.1"), value("192.0.2.2"));
    let sample = server.asked().sample(&question).await;

    assert_eq!(
        sample,
        Ok(Sample {
            old: 12,
            new: 4,
            other: 4
        })
    );
    assert!(!server.seen.recursion.load(Ordering::SeqCst));
}

#[tokio::test(flavor = "multi_thread")]
async fn names_are_compared_without_case_and_the_dot_at_their_end() {
    let members = vec![name("Old.example.net."), name("new.example.net.")];
    let server = Server::start(Zone::from([("pay.example.com.", members)]), false);

    let question = question("CNAME", value("old.example.net"), value("NEW.example.net."));
    let sample = server.asked().sample(&question).await;

    assert_eq!(
        sample,
        Ok(Sample {
            old: 10,
            new: 10,
            other: 0
        })
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_alias_stands_for_the_addresses_of_its_target() {
    let zone = Zone::from([
        ("pay.example.com.", vec![address(1), address(2)]),
        ("old.elb.amazonaws.com.", vec![address(1)]),
        ("new.elb.amazonaws.com.", vec![address(2)]),
    ]);
    let server = Server::start(zone, false);

    let both = question(
        "A",
        alias("old.elb.amazonaws.com"),
        alias("new.elb.amazonaws.com"),
    );
    assert_eq!(
        server.asked().sample(&both).await,
        Ok(Sample {
            old: 10,
            new: 10,
            other: 0
        })
    );

    let gone = question(
        "A",
        alias("old.elb.amazonaws.com"),
        alias("gone.elb.amazonaws.com"),
    );
    assert_eq!(
        server.asked().sample(&gone).await,
        Ok(Sample {
            old: 10,
            new: 0,
            other: 10
        })
    );

    let same = question("A", alias("old.elb.amazonaws.com"), value("192.0.2.1"));
    assert_eq!(
        server.asked().sample(&same).await,
        Ok(Sample {
            old: 0,
            new: 0,
            other: 20
        }),
        "an answer of both sides is nobody's"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_does_not_fit_is_asked_for_again_over_tcp() {
    let server = Server::start(Zone::from([("pay.example.com.", vec![address(1)])]), true);

    let question = question("A", value("192.0.2.1"), value("192.0.2.2"));
    let sample = server.asked().sample(&question).await;

    assert_eq!(
        sample,
        Ok(Sample {
            old: 20,
            new: 0,
            other: 0
        })
    );
    assert_eq!(server.seen.over_tcp.load(Ordering::SeqCst), 20);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_without_an_answer_is_of_neither() {
    let server = Server::start(Zone::new(), false);

    let question = question("A", value("192.0.2.1"), value("192.0.2.2"));
    let sample = server.asked().sample(&question).await;

    assert_eq!(
        sample,
        Ok(Sample {
            old: 0,
            new: 0,
            other: 20
        })
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_not_there_is_not_asked_for_ever() {
    // Nobody listens on the port any more, for either protocol.
    let at = sockets().0.local_addr().unwrap();

    let mut question = question("A", value("192.0.2.1"), value("192.0.2.2"));
    question.times = 100_000;
    let sample = adapter(&at.to_string()).sample(&question).await;

    assert_eq!(
        sample,
        Ok(Sample {
            old: 0,
            new: 0,
            other: 200_000
        })
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_asked_is_refused() {
    let server = Server::start(Zone::new(), false);
    let kind = question("APPLE", value("192.0.2.1"), value("192.0.2.2"));
    let mut long = question("A", value("192.0.2.1"), value("192.0.2.2"));
    long.name = format!("{}.example.com", "x".repeat(64));

    for wrong in [kind, long] {
        let failure = server.asked().sample(&wrong).await.unwrap_err();
        assert_eq!(failure.class, FailureClass::Refused, "{failure:?}");
    }
    let failure = adapter("no-port")
        .sample(&question("A", value("a"), value("b")))
        .await;
    assert_eq!(failure.unwrap_err().class, FailureClass::Unconfigured);
}
