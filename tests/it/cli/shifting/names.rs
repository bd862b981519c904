//! A name server on loopback that answers as the zone's own would.

use std::net::{SocketAddr, UdpSocket};
use std::sync::Weak;
use std::thread;

use cutover_driver::{Clock as _, SystemClock};
use cutover_local_aws::LocalAws;
use cutover_sim::cloud::DnsAnswer;
use hickory_resolver::proto::op::{Message, MessageType, OpCode, ResponseCode};
use hickory_resolver::proto::rr::{RData, Record, RecordType};

/// Spreads draws evenly: the golden ratio as a fraction of 2^64.
const SPREAD: u64 = 0x9e37_79b9_7f4a_7c15;

/// Answers questions about a zone for as long as the account is there.
pub(super) fn serve(aws: Weak<LocalAws>, zone: &'static str) -> SocketAddr {
    let socket = UdpSocket::bind("127.0.0.1:0").expect("there is a free port");
    let at = socket.local_addr().expect("it is bound");
    thread::spawn(move || {
        let mut packet = [0; 4096];
        let mut draw = 0_u64;
        // Without a question it waits until the process of the tests ends.
        while let Ok((length, from)) = socket.recv_from(&mut packet) {
            let Some(aws) = aws.upgrade() else {
                return;
            };
            draw = draw.wrapping_add(SPREAD);
            let question = packet.get(..length).unwrap_or_default();
            let Some(answer) = answer(question, &aws, zone, draw) else {
                continue;
            };
            // Whoever has asked may be gone.
            let _ = socket.send_to(&answer, from);
        }
    });
    at
}

fn answer(question: &[u8], aws: &LocalAws, zone: &str, draw: u64) -> Option<Vec<u8>> {
    let question = Message::from_vec(question).ok()?;
    let query = question.queries.first()?.clone();
    let name = query.name().to_string();
    let now = SystemClock.now();
    let kind = query.query_type();
    let found = aws
        .cloud()
        .answer(zone, &name, &kind.to_string(), now, draw);
    let mut answer = Message::new(question.metadata.id, MessageType::Response, OpCode::Query);
    answer.metadata.authoritative = true;
    match found {
        DnsAnswer::Values { values, ttl, .. } => {
            let ttl = u32::try_from(ttl).unwrap_or(u32::MAX);
            for value in values {
                let data = match kind {
                    RecordType::A => RData::A(value.parse().ok()?),
                    RecordType::AAAA => RData::AAAA(value.parse().ok()?),
                    _ => return None,
                };
                answer.add_answer(Record::from_rdata(query.name().clone(), ttl, data));
            }
        }
        DnsAnswer::NoData => {}
        DnsAnswer::NoName => answer.metadata.response_code = ResponseCode::NXDomain,
        DnsAnswer::Refused => answer.metadata.response_code = ResponseCode::Refused,
    }
    answer.add_query(query);
    answer.to_vec().ok()
}
