//! CAA records, asked of a DNS server on loopback.

use std::{collections::BTreeMap, net::SocketAddr, sync::Arc};

use hickory_resolver::proto::{
    op::{Message, MessageType, ResponseCode},
    rr::{RData, Record, RecordType, rdata::CAA},
};
use pintle_core::{HostName, name::DnsName};
use pintle_discover::{CaaError, CaaRecord, CaaResolver};
use tokio::{net::UdpSocket, task::AbortHandle};

/// A DNS server for a few names; ended when dropped.
struct Dns {
    address: SocketAddr,
    task: AbortHandle,
}

/// What a name has.
enum Zone {
    Caa(Vec<(bool, &'static str, &'static str)>),
    Nothing,
    Fails,
}

impl Dns {
    async fn start(zones: impl IntoIterator<Item = (&'static str, Zone)>) -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let address = socket.local_addr().unwrap();
        let zones: Arc<BTreeMap<_, _>> = Arc::new(zones.into_iter().collect());
        let task = tokio::spawn(async move {
            let mut buffer = [0; 1500];
            while let Ok((length, client)) = socket.recv_from(&mut buffer).await {
                let question = Message::from_vec(buffer.get(..length).unwrap()).unwrap();
                let answer = answer(&question, &zones);
                socket.send_to(&answer.to_vec().unwrap(), client).await.unwrap();
            }
        });
        Self { address, task: task.abort_handle() }
    }

    async fn find(&self, host: &str) -> Result<Option<(String, Vec<CaaRecord>)>, CaaError> {
        let found = CaaResolver::asking(self.address).unwrap().find(&name(host)).await?;
        Ok(found.map(|found| (found.domain, found.records)))
    }
}

impl Drop for Dns {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn answer(question: &Message, zones: &BTreeMap<&str, Zone>) -> Message {
    let query = question.queries.first().unwrap().clone();
    let mut answer = Message::response(question.metadata.id, question.metadata.op_code);
    answer.metadata.message_type = MessageType::Response;
    answer.metadata.recursion_available = true;
    assert_eq!(query.query_type(), RecordType::CAA);
    match zones.get(query.name().to_ascii().trim_end_matches('.')) {
        Some(Zone::Caa(records)) => {
            answer.add_answers(records.iter().map(|(critical, tag, value)| {
                let mut caa = CAA::new_issue(*critical, None, Vec::new());
                (caa.tag, caa.value) = ((*tag).to_owned(), value.as_bytes().to_vec());
                Record::from_rdata(query.name().clone(), 60, RData::CAA(caa))
            }));
        }
        Some(Zone::Nothing) => {}
        Some(Zone::Fails) => answer.metadata.response_code = ResponseCode::ServFail,
        None => answer.metadata.response_code = ResponseCode::NXDomain,
    }
    answer.add_query(query);
    answer
}

fn name(host: &str) -> DnsName {
    match HostName::parse(host).unwrap() {
        HostName::Dns(name) => name,
        other => panic!("{other}"),
    }
}

fn record(is_critical: bool, tag: &str, value: &str) -> CaaRecord {
    CaaRecord { is_critical, tag: tag.to_owned(), value: value.to_owned() }
}

#[tokio::test]
async fn the_nearest_name_that_has_records_counts() {
    let own = vec![(false, "issue", "ca.example; accounturi=https://ca.example/1"), (true, "tbs", "unknown")];
    let dns = Dns::start([
        ("example.com", Zone::Caa(vec![(false, "issuewild", ";")])),
        ("api.example.com", Zone::Caa(own)),
        ("www.example.com", Zone::Nothing),
        ("example.net", Zone::Nothing),
        ("net", Zone::Nothing),
    ])
    .await;
    let own =
        vec![record(false, "issue", "ca.example; accounturi=https://ca.example/1"), record(true, "tbs", "unknown")];
    assert_eq!(dns.find("api.example.com").await.unwrap(), Some(("api.example.com".to_owned(), own)));
    let above = Some(("example.com".to_owned(), vec![record(false, "issuewild", ";")]));
    assert_eq!(dns.find("www.example.com").await.unwrap(), above);
    assert_eq!(dns.find("not.there.example.com").await.unwrap(), above, "names that are not there count as empty");
    assert_eq!(dns.find("example.net").await.unwrap(), None);
}

#[tokio::test]
async fn a_failure_is_no_permission() {
    let dns = Dns::start([("api.example.com", Zone::Nothing), ("example.com", Zone::Fails)]).await;
    let error = dns.find("api.example.com").await.unwrap_err();
    assert!(matches!(&error, CaaError::Lookup { name, .. } if name == "example.com"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_server_that_says_nothing_is_left() {
    let silent = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let found = CaaResolver::asking(silent.local_addr().unwrap()).unwrap().find(&name("api.example.com")).await;
    assert!(matches!(found, Err(CaaError::Lookup { .. })), "{found:?}");
}
