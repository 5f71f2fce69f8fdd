//! Logs read directly: by RFC 6962 and as static-ct, honest and lying.

use std::{io::Write as _, sync::Arc, time::Duration};

use flate2::{Compression, write::GzEncoder};
use pintle_core::{HostName, PublicKey, UnixTime};
use pintle_discover::{CtError, LogProtocol, LogTail, ReadableLog, TreeHead, WebClient};
use pintle_testkit::{
    certificate::Authority,
    ct::{Log, ServedLog, Submission},
    web::{Answer, WebServer},
};

const HOST: &str = "api.example.com";
const NOW: UnixTime = UnixTime::from_secs(1_796_000_000);
const BOTH: [LogProtocol; 2] = [LogProtocol::Rfc6962, LogProtocol::Tiled];

/// `size` entries, the last but two a precertificate for the host, the last but one another host's certificate.
fn make_log(size: usize) -> ServedLog {
    let authority = Authority::root("CA");
    let (own, other) = (authority.issue(&[HOST]), authority.issue(&["other.example"]));
    let fillers: Vec<_> = (0..u32::try_from(size).unwrap() - 3).map(u32::to_be_bytes).collect();
    let mut submissions: Vec<_> = fillers.iter().map(|filler| Submission::Certificate(filler)).collect();
    submissions.push(Submission::Precertificate(own.leaf()));
    submissions.push(Submission::Certificate(other.leaf()));
    submissions.push(Submission::Certificate(b"nonsense"));
    ServedLog::new(Log::new("Example"), &submissions, NOW)
}

async fn read(web: &WebServer, key: PublicKey, protocol: LogProtocol, entries: u64) -> Result<LogTail, CtError> {
    let log = ReadableLog::new("Example 2027", web.url().parse().unwrap(), protocol, key);
    let client = WebClient::new().unwrap().with_spacing(Duration::ZERO);
    log.read_newest(&client, &[HostName::parse(HOST).unwrap()], entries, NOW).await
}

/// Reads the newest 20 entries of `log`, which answers as `answer` says.
async fn read_changed(
    log: ServedLog,
    protocol: LogProtocol,
    answer: impl Fn(&ServedLog, &str) -> Answer + Send + Sync + 'static,
) -> Result<LogTail, CtError> {
    let key = *log.log().entry().key();
    let web = WebServer::start(move |path| answer(&log, path)).await;
    read(&web, key, protocol, 20).await
}

#[tokio::test]
async fn the_newest_entries_of_a_log_are_read_and_proved() {
    for size in [3, 7, 20, 21, 255, 256, 257, 700] {
        let log = Arc::new(make_log(size));
        let key = *log.log().entry().key();
        let web = WebServer::start(move |path| log.answer(path)).await;
        for protocol in BOTH {
            let tail = read(&web, key, protocol, 20).await.unwrap();
            assert_eq!((tail.size, tail.signed_at), (size as u64, NOW), "{protocol:?}");
            assert!(tail.first <= (size as u64).saturating_sub(20), "{protocol:?} {tail:?}");
            let [found] = tail.found.as_slice() else { panic!("{protocol:?} {size}: {tail:?}") };
            assert_eq!((found.facts.names.as_slice(), found.is_precertificate), (&[HOST.to_owned()][..], true));
        }
    }
}

#[tokio::test]
async fn a_large_log_is_not_read_from_its_beginning() {
    let log = make_log(65_800);
    let key = *log.log().entry().key();
    let web = WebServer::start(move |path| log.answer(path)).await;
    let tail = read(&web, key, LogProtocol::Tiled, 20).await.unwrap();
    assert_eq!((tail.first, tail.found.len()), (65_536, 1));
    let asked: Vec<_> = web.asked().into_iter().map(|request| request.path).collect();
    assert_eq!(asked, ["/checkpoint", "/tile/2/000.p/1", "/tile/data/256", "/tile/data/257.p/8"]);
}

#[tokio::test]
async fn tiles_may_come_compressed() {
    let log = make_log(30);
    let key = *log.log().entry().key();
    let web = WebServer::start(move |path| match path.contains("/data/") {
        true => {
            let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
            encoder.write_all(log.answer(path).body()).unwrap();
            Answer::ok(encoder.finish().unwrap()).with_header("Content-Encoding: gzip")
        }
        false => log.answer(path),
    })
    .await;
    assert_eq!(read(&web, key, LogProtocol::Tiled, 20).await.unwrap().found.len(), 1);
}

#[tokio::test]
async fn what_another_key_signed_is_not_believed() {
    for protocol in BOTH {
        let log = make_log(30);
        let web = WebServer::start(move |path| log.answer(path)).await;
        let key = *Log::new("Somebody else").entry().key();
        let error = read(&web, key, protocol, 20).await.unwrap_err();
        assert!(error.to_string().contains("signe") || error.to_string().contains("signature"), "{error}");
    }
}

#[tokio::test]
async fn an_entry_changed_or_kept_back_is_noticed() {
    for protocol in BOTH {
        let other = make_log(30);
        // Another certificate in place of the host's.
        let changed = read_changed(make_log(30), protocol, move |log, path| {
            let log = if path.contains("entries") || path.contains("/data/") { &other } else { log };
            log.answer(path)
        })
        .await;
        assert!(matches!(changed, Err(CtError::Contradiction { .. })), "{changed:?}");
        // Every entry is one that came later: the first is missing.
        let kept_back = read_changed(make_log(30), protocol, |log, path| match path.contains("/data/") {
            true => Answer::ok(log.answer("/tile/data/000.p/29").body()),
            false => log.answer(&path.replace("start=10", "start=11")),
        })
        .await;
        assert!(matches!(kept_back, Err(CtError::Unreadable { .. })), "{kept_back:?}");
    }
}

#[tokio::test]
async fn what_a_log_does_not_document_is_told() {
    for (protocol, path, answer) in [
        (LogProtocol::Rfc6962, "get-sth", "{}"),
        (LogProtocol::Rfc6962, "get-entries", r#"{"entries":[]}"#),
        (LogProtocol::Rfc6962, "get-entries", r#"{"entries":[{"leaf_input":"AAAA"}]}"#),
        (LogProtocol::Rfc6962, "get-proof", r#"{"leaf_index":1,"audit_path":[]}"#),
        (LogProtocol::Rfc6962, "get-proof", r#"{"leaf_index":10,"audit_path":["AAAA"]}"#),
        (LogProtocol::Tiled, "checkpoint", "log.example\n5\nAAAA\n\n"),
        (LogProtocol::Tiled, "data", "\0\0\0"),
        (LogProtocol::Tiled, "data", ""),
    ] {
        let changed = read_changed(make_log(30), protocol, move |log, asked| {
            if asked.contains(path) { Answer::ok(answer) } else { log.answer(asked) }
        })
        .await;
        assert!(matches!(changed, Err(CtError::Unreadable { .. })), "{path} {answer}: {changed:?}");
    }
    let hashes = read_changed(make_log(600), LogProtocol::Tiled, |log, asked| {
        if asked.contains("tile/1") { Answer::ok([0; 31]) } else { log.answer(asked) }
    })
    .await;
    assert!(matches!(hashes, Err(CtError::Unreadable { .. })), "{hashes:?}");
}

/// `size` entries that differ from those of another `seed`, by one log.
fn grown(log: &Arc<Log>, size: u32, seed: u8, at_secs: u64) -> ServedLog {
    let fillers: Vec<_> = (0..size).map(|number| [&number.to_be_bytes()[..], &[seed]].concat()).collect();
    let submissions: Vec<_> = fillers.iter().map(|filler| Submission::Certificate(filler)).collect();
    ServedLog::new(Arc::clone(log), &submissions, NOW).signed_at(UnixTime::from_secs(at_secs))
}

async fn follow(served: ServedLog, protocol: LogProtocol, earlier: Option<&TreeHead>) -> Result<TreeHead, CtError> {
    let key = *served.log().entry().key();
    let web = WebServer::start(move |path| served.answer(path)).await;
    let log = ReadableLog::new("Example 2027", web.url().parse().unwrap(), protocol, key);
    log.follow(&WebClient::new().unwrap().with_spacing(Duration::ZERO), earlier).await
}

#[tokio::test]
async fn a_log_is_followed_as_long_as_it_only_grows() {
    let log = Arc::new(Log::new("Example"));
    for protocol in BOTH {
        let mut head: Option<TreeHead> = None;
        for (turn, size) in (0..).zip([0, 1, 2, 7, 8, 255, 256, 256, 300, 700]) {
            let now = follow(grown(&log, size, 1, 1000 + turn), protocol, head.as_ref()).await;
            head = Some(now.unwrap_or_else(|error| panic!("{protocol:?} {size}: {error}")));
            assert_eq!(head.unwrap().size, u64::from(size));
        }
        // One behind caches shows what it signed before: no news.
        let stale = follow(grown(&log, 300, 1, 1008), protocol, head.as_ref()).await;
        assert_eq!(stale.unwrap(), head.unwrap());
    }
}

#[tokio::test]
async fn a_log_that_shrinks_or_forks_is_refused() {
    let log = Arc::new(Log::new("Example"));
    for protocol in BOTH {
        let head = follow(grown(&log, 300, 1, 1000), protocol, None).await.unwrap();
        for (served, what) in [
            (grown(&log, 299, 1, 1001), "smaller tree"),
            (grown(&log, 300, 2, 1001), "forked"),
            (grown(&log, 300, 2, 999), "forked"),
            (grown(&log, 301, 2, 1001), "does not go on"),
            (grown(&log, 900, 2, 1001), "does not go on"),
        ] {
            let error = follow(served, protocol, Some(&head)).await.unwrap_err();
            let is_told = matches!(error, CtError::Contradiction { .. }) && error.to_string().contains(what);
            assert!(is_told, "{protocol:?} {what}: {error}");
        }
    }
}
