//! Files as OpenSSL writes them.

use std::{fs, path::Path};

use pintle_core::claims::{PinDigest, PinType};
use pintle_discover::{CertificateFacts, FileContents, FileError, SigningRequest, parse_certificates, parse_file};
use secrecy::SecretString;

use crate::stage::openssl;

/// A root and a certificate below it: `root.pem`, `leaf.pem` and `leaf.der`, `leaf.key`, `leaf.csr`.
async fn make_chain(folder: &Path) -> [Vec<u8>; 2] {
    for arguments in [
        "req -x509 -newkey rsa:2048 -nodes -keyout root.key -out root.pem -subj /CN=Root",
        "req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout leaf.key -out leaf.csr -subj /CN=leaf \
         -addext subjectAltName=DNS:api.example.com,IP:192.0.2.1",
        "x509 -req -in leaf.csr -CA root.pem -CAkey root.key -out leaf.pem -copy_extensions copy",
    ] {
        openssl(folder, arguments).await;
    }
    ["leaf.pem", "root.pem"].map(|name| parse_certificates(&fs::read(folder.join(name)).unwrap()).unwrap().remove(0))
}

fn certificates(folder: &Path, name: &str, password: Option<&str>) -> Result<Vec<Vec<u8>>, FileError> {
    let password = password.map(SecretString::from);
    match parse_file(&fs::read(folder.join(name)).unwrap(), password.as_ref())? {
        FileContents::Certificates(certificates) => Ok(certificates),
        FileContents::Request(request) => panic!("{request:?}"),
    }
}

#[tokio::test]
async fn reads_pkcs7_byte_for_byte() {
    let folder = tempfile::tempdir().unwrap();
    let [leaf, root] = make_chain(folder.path()).await;
    for (name, form) in [("chain.p7b", "DER"), ("chain.pem", "PEM")] {
        let arguments = format!("crl2pkcs7 -nocrl -certfile leaf.pem -certfile root.pem -out {name} -outform {form}");
        openssl(folder.path(), &arguments).await;
        let mut read = certificates(folder.path(), name, None).unwrap();
        // A SET has no order of its own.
        read.sort();
        let mut expected = [leaf.clone(), root.clone()];
        expected.sort();
        assert_eq!(read, expected, "{name}");
    }
}

#[tokio::test]
async fn reads_pkcs12_with_its_password_only() {
    let folder = tempfile::tempdir().unwrap();
    let [leaf, root] = make_chain(folder.path()).await;
    let export = "pkcs12 -export -inkey leaf.key -in leaf.pem -certfile root.pem";
    openssl(folder.path(), &format!("{export} -passout pass:open -out new.p12")).await;
    // As OpenSSL 1 and macOS write them.
    let legacy = "-keypbe PBE-SHA1-3DES -certpbe PBE-SHA1-3DES -macalg sha1";
    openssl(folder.path(), &format!("{export} {legacy} -passout pass:open -out old.p12")).await;
    openssl(folder.path(), &format!("{export} -passout pass: -out empty.p12")).await;
    openssl(folder.path(), "pkcs12 -export -nokeys -in root.pem -passout pass:open -out trust.p12").await;
    for name in ["new.p12", "old.p12"] {
        let read = |password| certificates(folder.path(), name, password);
        assert_eq!(read(Some("open")).unwrap(), [leaf.clone(), root.clone()], "{name}");
        assert_eq!(read(None), Err(FileError::PasswordNeeded), "{name}");
        assert_eq!(read(Some("wrong")), Err(FileError::WrongPassword), "{name}");
    }
    assert_eq!(certificates(folder.path(), "empty.p12", None).unwrap().len(), 2);
    assert_eq!(certificates(folder.path(), "trust.p12", Some("open")).unwrap(), [root]);
    let mut cut_off = fs::read(folder.path().join("new.p12")).unwrap();
    cut_off.truncate(cut_off.len() - 1);
    assert_eq!(parse_file(&cut_off, None), Err(FileError::UnknownForm));
}

#[tokio::test]
async fn a_request_has_the_pins_of_the_certificate_to_come() {
    let folder = tempfile::tempdir().unwrap();
    let [leaf, _] = make_chain(folder.path()).await;
    openssl(folder.path(), "req -in leaf.csr -outform DER -out leaf.der").await;
    let facts = CertificateFacts::parse(&leaf).unwrap();
    for name in ["leaf.csr", "leaf.der"] {
        let contents = parse_file(&fs::read(folder.path().join(name)).unwrap(), None).unwrap();
        let FileContents::Request(request) = contents else { panic!("{contents:?}") };
        assert_eq!(request.subject, "CN=leaf");
        assert_eq!(request.names, ["api.example.com", "192.0.2.1"]);
        assert_eq!(request.key, "EC P-256");
        let kinds: Vec<_> = request.pins.iter().map(PinDigest::kind).collect();
        assert_eq!(kinds, [PinType::SpkiSha256, PinType::SpkiSha512]);
        for kind in kinds {
            assert_eq!(request.pin(kind), facts.pin(kind));
        }
    }
    for key in ["rsa:2048", "ed25519"] {
        openssl(folder.path(), &format!("req -new -newkey {key} -nodes -keyout k -out other.csr -subj /CN=x")).await;
        assert!(parse_file(&fs::read(folder.path().join("other.csr")).unwrap(), None).is_ok(), "{key}");
    }
}

#[tokio::test]
async fn a_request_with_another_key_put_in_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    make_chain(folder.path()).await;
    openssl(folder.path(), "req -in leaf.csr -outform DER -out leaf.der").await;
    let mut request = fs::read(folder.path().join("leaf.der")).unwrap();
    // The first byte of the point's x coordinate follows the curve's name and 0x03 0x42 0x00 0x04.
    let point = request.windows(4).position(|window| window == [0x03, 0x42, 0x00, 0x04]).unwrap() + 4;
    request[point] ^= 1;
    assert_eq!(SigningRequest::parse(&request), Err(FileError::RequestSignature));
    assert_eq!(parse_file(&request, None), Err(FileError::RequestSignature));
}
