//! Requests and answers at the edge, against a server that plays the cloud with a real key. AWS is also tested against an
//! emulator that checks signatures (crates/pintle/tests/binary/keys.rs); for the others there is none to install.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    sync::mpsc,
    thread,
};

use base64ct::{Base64, Base64UrlUnpadded, Encoding};
use p256::{
    ecdsa::{Signature, SigningKey, signature::hazmat::PrehashSigner},
    elliptic_curve::Generate,
    pkcs8::{EncodePublicKey, LineEnding},
};
use serde_json::{Value, json};

use super::*;
use crate::KmsError;

/// One request: its first line, its other lines, its body.
#[derive(Debug)]
struct Asked {
    line: String,
    head: String,
    body: Value,
}

type Reply = (u16, &'static str, Value);

/// Answers every connection with what `answer` makes of it.
fn serve(answer: impl Fn(&Asked) -> Reply + Send + 'static) -> (String, mpsc::Receiver<Asked>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (sender, asked) = mpsc::channel();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let request = read_request(stream.as_ref().unwrap());
            let (status, headers, body) = answer(&request);
            let body = body.as_str().map_or_else(|| body.to_string(), str::to_owned);
            // Told before it is answered: whoever has the answer finds the request.
            if sender.send(request).is_err() {
                break;
            }
            let length = body.len();
            let head = format!("HTTP/1.1 {status} x\r\n{headers}content-length: {length}\r\nconnection: close\r\n\r\n");
            let _ = stream.unwrap().write_all((head + &body).as_bytes());
        }
    });
    (url, asked)
}

fn read_request(stream: &TcpStream) -> Asked {
    let mut lines = BufReader::new(stream);
    let (mut line, mut head, mut next) = (String::new(), String::new(), String::new());
    lines.read_line(&mut line).unwrap();
    while lines.read_line(&mut next).unwrap() > 2 {
        head.push_str(&next.to_lowercase());
        next.clear();
    }
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).map_or(0, |n| n.parse().unwrap());
    let mut body = vec![0; length];
    lines.read_exact(&mut body).unwrap();
    Asked { line: line.trim().to_owned(), head, body: serde_json::from_slice(&body).unwrap_or_default() }
}

fn environment(variables: &[(&'static str, String)]) -> CloudEnvironment {
    let variables = variables.to_vec();
    CloudEnvironment {
        variables: Box::new(move |wanted| {
            variables.iter().find(|(name, _)| *name == wanted).map(|(_, value)| value.clone())
        }),
        now: || UnixTime::from_secs(1_800_000_000),
    }
}

fn aws(url: &str) -> CloudEnvironment {
    environment(&[
        ("AWS_ENDPOINT_URL_KMS", url.to_owned()),
        ("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE".into()),
        ("AWS_SECRET_ACCESS_KEY", "secret".into()),
    ])
}

fn parse(name: &str) -> KmsKey {
    match name.parse() {
        Ok(crate::KeyReference::Kms(key)) => key,
        other => panic!("{other:?}"),
    }
}

fn aws_key() -> KmsKey {
    parse("awskms:arn:aws:kms:eu-central-1:111122223333:alias/pintle")
}

fn google_key() -> KmsKey {
    parse("gcpkms:projects/p/locations/global/keyRings/r/cryptoKeys/k/cryptoKeyVersions/7")
}

fn sign_der(key: &SigningKey, digest: &[u8]) -> String {
    let signature: Signature = key.sign_prehash(digest).unwrap();
    // The other half of s is a signature as well: services answer with either.
    let (r, s) = signature.split_scalars();
    let other = Signature::from_scalars(r.to_bytes(), (-*s).to_bytes()).unwrap();
    Base64::encode_string(other.to_der().as_bytes())
}

fn check(key: &KmsKey, environment: &CloudEnvironment, expected: &SigningKey) {
    let signer = KmsSigner::open(key, environment).unwrap();
    let spki = expected.verifying_key().to_public_key_der().unwrap();
    assert_eq!(signer.public_key().spki_der().as_slice(), spki.as_bytes());
    for message in [&b"one"[..], b"another"] {
        assert!(signer.public_key().verifies(message, &signer.sign(message).unwrap()));
    }
}

#[test]
fn google_signs_a_digest_with_the_version_that_was_named() {
    let key = SigningKey::try_generate().unwrap();
    let there = key.clone();
    let (url, asked) = serve(move |request| {
        let path = request.line.split(' ').nth(1).unwrap();
        if path.contains("service-accounts") {
            return (200, "", json!({ "access_token": "from-the-machine" }));
        }
        let answer = if path.ends_with("/publicKey") {
            let pem = there.verifying_key().to_public_key_pem(LineEnding::LF).unwrap();
            json!({ "pem": pem, "algorithm": "EC_SIGN_P256_SHA256" })
        } else {
            let digest = Base64::decode_vec(request.body["digest"]["sha256"].as_str().unwrap()).unwrap();
            json!({ "signature": sign_der(&there, &digest) })
        };
        (200, "", answer)
    });
    let host = url.strip_prefix("http://").unwrap().to_owned();
    let around = [("CLOUDSDK_API_ENDPOINT_OVERRIDES_CLOUDKMS", url), ("GCE_METADATA_HOST", host)];
    check(&google_key(), &environment(&around), &key);
    let lines: Vec<_> = asked.try_iter().collect();
    assert!(lines[0].head.contains("metadata-flavor: google"));
    let name = "/v1/projects/p/locations/global/keyRings/r/cryptoKeys/k/cryptoKeyVersions/7";
    assert_eq!(lines[1].line, format!("GET {name}/publicKey HTTP/1.1"));
    assert!(lines[1].head.contains("authorization: bearer from-the-machine"));
    assert_eq!(lines[2].line, format!("POST {name}:asymmetricSign HTTP/1.1"));
}

#[test]
fn azure_signs_with_the_version_that_was_looked_at() {
    let key = SigningKey::try_generate().unwrap();
    let there = key.clone();
    let (url, asked) = serve(move |request| {
        let host = request.head.lines().find_map(|line| line.strip_prefix("host: ")).unwrap().to_owned();
        let point = there.verifying_key().to_sec1_point(false);
        let encode = |bytes: &[u8]| Base64UrlUnpadded::encode_string(bytes);
        let answer = if request.line.starts_with("GET") {
            let (x, y) = (encode(point.x().unwrap()), encode(point.y().unwrap()));
            let kid = format!("http://{host}/keys/pintle/00ff");
            json!({ "key": { "kid": kid, "kty": "EC-HSM", "crv": "P-256", "x": x, "y": y } })
        } else {
            let digest = Base64UrlUnpadded::decode_vec(request.body["value"].as_str().unwrap()).unwrap();
            let signature: Signature = there.sign_prehash(&digest).unwrap();
            json!({ "value": encode(&signature.to_bytes()) })
        };
        (200, "", answer)
    });
    let vault = KmsKey::Azure { url: format!("{url}/keys/pintle") };
    check(&vault, &environment(&[("PINTLE_KMS_TOKEN", "given".into())]), &key);
    let lines: Vec<_> = asked.try_iter().collect();
    assert_eq!(lines[0].line, "GET /keys/pintle?api-version=7.4 HTTP/1.1");
    assert!(lines[0].head.contains("authorization: bearer given"));
    assert_eq!(lines[1].line, "POST /keys/pintle/00ff/sign?api-version=7.4 HTTP/1.1");
    assert_eq!(lines[1].body["alg"], "ES256");
}

#[test]
fn a_busy_service_is_asked_again_and_not_for_ever() {
    let (url, asked) =
        serve(|_| (400, "retry-after: 0\r\n", json!({ "__type": "ThrottlingException", "message": "Rate exceeded" })));
    let error = KmsSigner::open(&aws_key(), &aws(&url)).unwrap_err();
    assert_eq!(error, SignerError::Kms(KmsError::Throttled { attempts: 4 }));
    assert_eq!(asked.try_iter().count(), 4);
    let (url, asked) = serve(|_| (429, "retry-after: 0\r\n", json!({ "error": { "status": "RESOURCE_EXHAUSTED" } })));
    let around = [("CLOUDSDK_API_ENDPOINT_OVERRIDES_CLOUDKMS", url), ("PINTLE_KMS_TOKEN", "t".into())];
    let error = KmsSigner::open(&google_key(), &environment(&around)).unwrap_err();
    assert_eq!(error, SignerError::Kms(KmsError::Throttled { attempts: 4 }));
    assert_eq!(asked.try_iter().count(), 4);
}

#[test]
fn what_a_service_answers_keeps_its_meaning() {
    let kind = |status: u16, name: &str, message: &str| {
        let answer = json!({ "__type": format!("com.amazonaws.kms#{name}"), "message": message });
        let (url, asked) = serve(move |_| (status, "", answer.clone()));
        let error = KmsSigner::open(&aws_key(), &aws(&url)).unwrap_err();
        assert_eq!(asked.try_iter().count(), 1, "asked once: {name}");
        match error {
            SignerError::Kms(error) => format!("{error:?}").split([' ', '{']).next().unwrap().to_owned(),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(kind(400, "NotFoundException", "no such alias"), "KeyMissing");
    assert_eq!(kind(400, "DisabledException", "is disabled"), "KeyUnusable");
    assert_eq!(kind(400, "AccessDeniedException", "not authorized"), "Denied");
    assert_eq!(kind(400, "InvalidSignatureException", "Signature expired: 2027 is now earlier than"), "ClockOff");
    assert_eq!(kind(400, "InvalidSignatureException", "the secret does not match"), "Denied");
    assert_eq!(kind(500, "Strange", "?"), "Unexpected");
    let nowhere = KmsSigner::open(&aws_key(), &aws("http://127.0.0.1:1")).unwrap_err();
    assert!(matches!(nowhere, SignerError::Kms(KmsError::Unreachable { .. })), "{nowhere:?}");
    let alone = environment(&[("AWS_EC2_METADATA_SERVICE_ENDPOINT", "http://127.0.0.1:1".into())]);
    assert_eq!(KmsSigner::open(&aws_key(), &alone).unwrap_err(), SignerError::Kms(KmsError::NoCredentials));
}

#[test]
fn keys_and_signatures_that_are_not_right_are_refused() {
    let key = SigningKey::try_generate().unwrap();
    let spki = Base64::encode_string(key.verifying_key().to_public_key_der().unwrap().as_bytes());
    let public = move |spec: &str, usage: &str| json!({ "PublicKey": spki, "KeySpec": spec, "KeyUsage": usage });
    for (spec, usage) in [("ECC_NIST_P384", "SIGN_VERIFY"), ("ECC_NIST_P256", "KEY_AGREEMENT")] {
        let answer = public(spec, usage);
        let (url, _asked) = serve(move |_| (200, "", answer.clone()));
        let error = KmsSigner::open(&aws_key(), &aws(&url)).unwrap_err();
        assert_eq!(error, SignerError::Kms(KmsError::NotP256));
    }
    let (good, other) = (public("ECC_NIST_P256", "SIGN_VERIFY"), SigningKey::try_generate().unwrap());
    let (url, _asked) = serve(move |request| {
        let digest = request.body["Message"].as_str().map(|text| Base64::decode_vec(text).unwrap());
        let forged = digest.map(|digest| json!({ "Signature": sign_der(&other, &digest) }));
        (200, "", forged.unwrap_or_else(|| good.clone()))
    });
    let signer = KmsSigner::open(&aws_key(), &aws(&url)).unwrap();
    assert!(matches!(signer.sign(b"x"), Err(SignError::Signer(SignerError::WrongSignature))));
}

#[test]
fn a_machine_of_aws_signs_as_its_role() {
    let (url, asked) = serve(|request| match request.line.split(' ').nth(1).unwrap() {
        "/latest/api/token" => (200, "", json!("imds-token")),
        "/latest/meta-data/iam/security-credentials/" => (200, "", json!("release-role")),
        "/latest/meta-data/iam/security-credentials/release-role" => {
            (200, "", json!({ "AccessKeyId": "ASIA", "SecretAccessKey": "s", "Token": "session" }))
        }
        _ => (400, "", json!({ "__type": "NotFoundException" })),
    });
    let around = [("AWS_EC2_METADATA_SERVICE_ENDPOINT", url.clone()), ("AWS_ENDPOINT_URL", url)];
    assert!(KmsSigner::open(&aws_key(), &environment(&around)).is_err());
    let asked: Vec<_> = asked.try_iter().collect();
    assert!(asked[1].head.contains("x-aws-ec2-metadata-token: imds-token"));
    let signed = &asked[3].head;
    assert!(signed.contains("x-amz-security-token: session"), "{signed}");
    assert!(signed.contains("credential=asia/20270115/eu-central-1/kms/aws4_request"), "{signed}");
    assert!(signed.contains("signedheaders=content-type;host;x-amz-date;x-amz-security-token;x-amz-target"));
}
