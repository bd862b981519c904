//! An authoritative name server that answers by what stands in a cloud.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use cutover_driver::Clock;
use cutover_local_aws::LocalAws;
use cutover_sim::Cloud;
use cutover_sim::cloud::DnsAnswer;
use hickory_resolver::proto::op::{Message, MessageType, OpCode, ResponseCode};
use hickory_resolver::proto::rr::rdata::{A, AAAA};
use hickory_resolver::proto::rr::{RData, Record};
use tokio::net::UdpSocket;
use tokio::task::JoinHandle;

use crate::world::ZONE;

/// A name server on loopback, ended with the test.
pub(crate) struct NameServer {
    at: SocketAddr,
    answering: JoinHandle<()>,
}

impl Drop for NameServer {
    fn drop(&mut self) {
        self.answering.abort();
    }
}

impl NameServer {
    /// Begins to answer for the zone, and for the load balancers that its aliases lead to.
    pub(crate) async fn start(aws: Arc<LocalAws>, clock: Arc<dyn Clock>) -> Self {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let at = socket.local_addr().unwrap();
        let answering = tokio::spawn(async move {
            let mut packet = [0; 4096];
            let mut draw = 0_u64;
            while let Ok((length, from)) = socket.recv_from(&mut packet).await {
                // An odd factor spreads draws over all numbers.
                draw = draw.wrapping_add(0x9e37_79b9_7f4a_7c15);
                let question = Message::from_vec(&packet[..length]).unwrap();
                let answer = answer(&question, &mut aws.cloud(), clock.as_ref(), draw);
                socket
                    .send_to(&answer.to_vec().unwrap(), from)
                    .await
                    .unwrap();
            }
        });
        Self { at, answering }
    }

    /// Returns its address as the command takes it.
    pub(crate) fn at(&self) -> String {
        self.at.to_string()
    }
}

fn answer(question: &Message, cloud: &mut Cloud, clock: &dyn Clock, draw: u64) -> Message {
    let query = question.queries[0].clone();
    let (name, kind) = (query.name().to_string(), query.query_type().to_string());
    let now = clock.now();
    let mut answer = Message::new(question.metadata.id, MessageType::Response, OpCode::Query);
    answer.metadata.authoritative = true;
    let balancer = cloud.addresses(&name, now);
    let values = if balancer.is_empty() {
        match cloud.answer(ZONE, &name, &kind, now, draw) {
            DnsAnswer::Values { values, .. } => values,
            DnsAnswer::NoData => Vec::new(),
            DnsAnswer::NoName => {
                answer.metadata.response_code = ResponseCode::NXDomain;
                Vec::new()
            }
            DnsAnswer::Refused => {
                answer.metadata.response_code = ResponseCode::Refused;
                Vec::new()
            }
        }
    } else {
        balancer
    };
    for value in values {
        let data = match (kind.as_str(), value.parse(), value.parse()) {
            ("A", Ok(address), _) => RData::A(A(address)),
            ("AAAA", _, Ok(address)) => RData::AAAA(AAAA(address)),
            _ => continue,
        };
        answer.add_answer(Record::from_rdata(query.name().clone(), 60, data));
    }
    answer.add_query(query);
    answer
}
