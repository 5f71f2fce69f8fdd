use core::fmt;

use p256::{
    ecdsa::{self, Signature, signature::Signer as _},
    elliptic_curve::Generate,
    pkcs8::{
        self, DecodePrivateKey, EncodePrivateKey, EncodePublicKey, EncryptedPrivateKeyInfoRef, LineEnding,
        ObjectIdentifier, PrivateKeyInfoRef, SecretDocument,
        der::pem::{PemLabel, decode_label},
        pkcs5::{self, pbes2},
    },
};
use pintle_core::PublicKey;
use secrecy::{ExposeSecret, SecretString};
use zeroize::Zeroizing;

use crate::{SignError, Signer, SignerError};

/// id-ecPublicKey (RFC 5480 §2.1.1) and prime256v1 (§2.1.1.1).
const EC_PUBLIC_KEY: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
const PRIME256V1: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7");
pub(crate) const ENCRYPTED_LABEL: &str = "ENCRYPTED PRIVATE KEY";
/// What a key is encrypted with: as dear to guess as N=2^17 with p=1, in the 16 MiB that OpenSSL allows without being
/// asked (OWASP's second choice for scrypt).
const SCRYPT: (u8, u32, u32) = (14, 8, 5);
/// What opening a key may cost: a file that comes from elsewhere must not take this machine's memory or day.
const MAX_SCRYPT_BYTES: u64 = 256 << 20;
const MAX_SCRYPT_LANES: u16 = 64;
const MAX_PBKDF2_ITERATIONS: u32 = 20_000_000;

/// An ECDSA P-256 private key held in memory. `Debug` shows its public half; it is wiped when dropped.
pub struct SigningKey {
    private: ecdsa::SigningKey,
    public: PublicKey,
}

/// Why a key file could not be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyFileError {
    /// No PEM block at all.
    #[error("not a PEM file; a PKCS#8 key begins with -----BEGIN PRIVATE KEY-----")]
    NotPem,
    /// PEM of something else.
    #[error("the PEM block is {0:?}; expected \"PRIVATE KEY\" or \"ENCRYPTED PRIVATE KEY\" (PKCS#8)")]
    NotPkcs8(String),
    /// The right label around something else.
    #[error("the PEM block does not hold a PKCS#8 private key")]
    Malformed,
    /// A key that is not ECDSA P-256.
    #[error("the key is not an ECDSA P-256 (prime256v1) key")]
    NotP256,
    /// Encrypted, and no password was given.
    #[error("the key is encrypted; its password is needed")]
    PasswordNeeded,
    /// Encrypted, and the password does not open it.
    #[error("the password does not open the key")]
    WrongPassword,
    /// Damaged, or encrypted in another way than PBES2 with scrypt or PBKDF2 and AES.
    #[error("the key is damaged or encrypted in a way that is not supported; PBES2 with scrypt or PBKDF2 and AES is")]
    UnsupportedEncryption,
    /// Encrypted so that the right password would take minutes or gigabytes.
    #[error("opening the key would take more than 256 MiB or minutes")]
    TooDear,
    /// The operating system gave no randomness.
    #[error("the operating system gave no randomness")]
    NoRandomness,
}

impl SigningKey {
    /// Makes a new key from the operating system's randomness.
    pub fn generate() -> Result<Self, KeyFileError> {
        Self::new(ecdsa::SigningKey::try_generate().map_err(|_| KeyFileError::NoRandomness)?)
    }

    /// Whether `pem` holds an encrypted key, for which a password has to be asked.
    #[must_use]
    pub fn is_encrypted(pem: &str) -> bool {
        decode_label(pem.trim().as_bytes()) == Ok(ENCRYPTED_LABEL)
    }

    /// Parses PKCS#8 in PEM (RFC 5958, RFC 7468 §10 and §11): plain, or encrypted with PBES2 (RFC 8018) and `password`.
    pub fn parse_pem(pem: &str, password: Option<&SecretString>) -> Result<Self, KeyFileError> {
        let pem = pem.trim();
        let label = decode_label(pem.as_bytes()).map_err(|_| KeyFileError::NotPem)?;
        if ![PrivateKeyInfoRef::PEM_LABEL, ENCRYPTED_LABEL].contains(&label) {
            return Err(KeyFileError::NotPkcs8(label.into()));
        }
        let (_, document) = SecretDocument::from_pem(pem).map_err(|_| KeyFileError::Malformed)?;
        match (label, password) {
            (ENCRYPTED_LABEL, None) => Err(KeyFileError::PasswordNeeded),
            (ENCRYPTED_LABEL, Some(password)) => {
                let encrypted = EncryptedPrivateKeyInfoRef::try_from(document.as_bytes())
                    .map_err(|_| KeyFileError::UnsupportedEncryption)?;
                check_cost(&encrypted.encryption_algorithm)?;
                let plain = encrypted.decrypt(password.expose_secret().as_bytes()).map_err(|error| match error {
                    pkcs8::Error::EncryptedPrivateKey(
                        pkcs5::Error::UnsupportedAlgorithm { .. }
                        | pkcs5::Error::NoPbes1CryptSupport
                        | pkcs5::Error::AlgorithmParametersInvalid { .. },
                    ) => KeyFileError::UnsupportedEncryption,
                    _ => KeyFileError::WrongPassword,
                })?;
                Self::from_pkcs8(plain.as_bytes())
            }
            (_, _) => Self::from_pkcs8(document.as_bytes()),
        }
    }

    fn from_pkcs8(der: &[u8]) -> Result<Self, KeyFileError> {
        let info = PrivateKeyInfoRef::try_from(der).map_err(|_| KeyFileError::Malformed)?;
        if info.algorithm.oid != EC_PUBLIC_KEY || info.algorithm.parameters_oid() != Ok(PRIME256V1) {
            return Err(KeyFileError::NotP256);
        }
        Self::new(ecdsa::SigningKey::from_pkcs8_der(der).map_err(|_| KeyFileError::Malformed)?)
    }

    fn new(private: ecdsa::SigningKey) -> Result<Self, KeyFileError> {
        let spki = private.verifying_key().to_public_key_der().map_err(|_| KeyFileError::Malformed)?;
        let public = PublicKey::from_spki_der(spki.as_bytes()).map_err(|_| KeyFileError::NotP256)?;
        Ok(Self { private, public })
    }

    /// PKCS#8 in PEM, not encrypted: for a file that nobody else can read.
    pub fn to_pem(&self) -> Result<Zeroizing<String>, KeyFileError> {
        self.private.to_pkcs8_pem(LineEnding::LF).map_err(|_| KeyFileError::Malformed)
    }

    /// PKCS#8 in PEM, encrypted under `password` with PBES2: scrypt and AES-256-CBC (RFC 8018 §6.2, RFC 7914).
    pub fn to_encrypted_pem(&self, password: &SecretString) -> Result<Zeroizing<String>, KeyFileError> {
        let (log_n, r, p) = SCRYPT;
        let cost = pkcs5::scrypt::Params::new(log_n, r, p).map_err(|_| KeyFileError::UnsupportedEncryption)?;
        self.to_pem_encrypted_with(password, |salt, iv| pbes2::Parameters::generate_scrypt_aes256cbc(cost, salt, iv))
    }

    pub(crate) fn to_pem_encrypted_with(
        &self,
        password: &SecretString,
        scheme: impl FnOnce(&[u8; 16], [u8; 16]) -> pkcs5::Result<pbes2::Parameters>,
    ) -> Result<Zeroizing<String>, KeyFileError> {
        let (mut salt, mut iv) = ([0; 16], [0; 16]);
        getrandom::fill(&mut salt).and_then(|()| getrandom::fill(&mut iv)).map_err(|_| KeyFileError::NoRandomness)?;
        let parameters = scheme(&salt, iv).map_err(|_| KeyFileError::UnsupportedEncryption)?;
        let plain = self.private.to_pkcs8_der().map_err(|_| KeyFileError::Malformed)?;
        let info = PrivateKeyInfoRef::try_from(plain.as_bytes()).map_err(|_| KeyFileError::Malformed)?;
        let encrypted = info.encrypt_with_params(parameters, password.expose_secret().as_bytes());
        let document = encrypted.map_err(|_| KeyFileError::UnsupportedEncryption)?;
        document.to_pem(ENCRYPTED_LABEL, LineEnding::LF).map_err(|_| KeyFileError::Malformed)
    }
}

/// Refuses what costs more than any honest file, before anything is derived.
pub(crate) fn check_cost(scheme: &pkcs5::EncryptionScheme) -> Result<(), KeyFileError> {
    let pkcs5::EncryptionScheme::Pbes2(parameters) = scheme else { return Err(KeyFileError::UnsupportedEncryption) };
    let is_bearable = match &parameters.kdf {
        pbes2::Kdf::Scrypt(cost) => {
            let block_bytes = 128 * u64::from(cost.block_size);
            let bytes = block_bytes.saturating_mul(cost.cost_parameter);
            bytes <= MAX_SCRYPT_BYTES && cost.parallelization <= MAX_SCRYPT_LANES
        }
        pbes2::Kdf::Pbkdf2(cost) => cost.iteration_count <= MAX_PBKDF2_ITERATIONS,
        _ => return Err(KeyFileError::UnsupportedEncryption),
    };
    if is_bearable { Ok(()) } else { Err(KeyFileError::TooDear) }
}

/// The public key of a SEC 1 point that lies on the curve.
#[cfg(any(feature = "pkcs11", feature = "kms"))]
pub(crate) fn public_key_from_point(point: &[u8]) -> Option<PublicKey> {
    let key = p256::PublicKey::from_sec1_bytes(point).ok()?;
    PublicKey::from_spki_der(key.to_public_key_der().ok()?.as_bytes()).ok()
}

impl Signer for SigningKey {
    fn public_key(&self) -> PublicKey {
        self.public
    }

    fn sign(&self, message: &[u8]) -> Result<[u8; 64], SignError> {
        let signature: Signature = self.private.try_sign(message).map_err(|_| SignerError::WrongSignature)?;
        Ok(signature.to_bytes().into())
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({})", self.public.kid())
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn openssl(arguments: &[&str], input: &str) -> String {
        use std::{
            io::Write,
            process::{Command, Stdio},
        };
        let mut child = Command::new("openssl")
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("openssl is installed by `cargo xtask setup`");
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "openssl {arguments:?}");
        String::from_utf8(output.stdout).unwrap()
    }

    #[test]
    fn openssl_reads_our_keys_and_we_read_openssls() {
        let key = SigningKey::generate().unwrap();
        let password = SecretString::from("correct horse");
        let public = openssl(&["pkey", "-pubout", "-outform", "PEM"], &key.to_pem().unwrap());
        let encrypted = key.to_encrypted_pem(&password).unwrap();
        assert_eq!(public, openssl(&["pkey", "-pubout", "-passin", "pass:correct horse"], &encrypted));

        let theirs = openssl(&["genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:prime256v1"], "");
        let plain = SigningKey::parse_pem(&theirs, None).unwrap();
        for cipher in ["-scrypt", "-v2=aes-256-cbc"] {
            let (flag, value) = cipher.split_once('=').unwrap_or((cipher, ""));
            let mut arguments = vec!["pkcs8", "-topk8", "-passout", "pass:correct horse", flag];
            arguments.extend((!value.is_empty()).then_some(value));
            let wrapped = openssl(&arguments, &theirs);
            assert!(SigningKey::is_encrypted(&wrapped));
            let opened = SigningKey::parse_pem(&wrapped, Some(&password)).unwrap();
            assert_eq!(opened.public_key(), plain.public_key());
        }
    }

    #[test]
    fn says_what_is_wrong_with_a_key_file() {
        let error = |pem: &str, password: Option<&str>| {
            SigningKey::parse_pem(pem, password.map(SecretString::from).as_ref()).unwrap_err()
        };
        let key = SigningKey::generate().unwrap();
        let encrypted = key.to_encrypted_pem(&SecretString::from("right")).unwrap();
        assert_eq!(error("hello", None), KeyFileError::NotPem);
        assert_eq!(error(&encrypted, None), KeyFileError::PasswordNeeded);
        assert_eq!(error(&encrypted, Some("wrong")), KeyFileError::WrongPassword);
        for cipher in [["-v1", "PBE-SHA1-3DES"], ["-v2", "des3"]] {
            let mut arguments = vec!["pkcs8", "-topk8", "-passout", "pass:right"];
            arguments.extend(cipher);
            let weak = openssl(&arguments, &key.to_pem().unwrap());
            assert_eq!(error(&weak, Some("right")), KeyFileError::UnsupportedEncryption);
        }
        let p384 = openssl(&["genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:secp384r1"], "");
        assert_eq!(error(&p384, None), KeyFileError::NotP256);
        let ed25519 = openssl(&["genpkey", "-algorithm", "ED25519"], "");
        assert_eq!(error(&ed25519, None), KeyFileError::NotP256);
        let sec1 = openssl(&["ec"], &key.to_pem().unwrap());
        assert_eq!(error(&sec1, None), KeyFileError::NotPkcs8("EC PRIVATE KEY".into()));
        let hollow = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";
        assert_eq!(error(hollow, None), KeyFileError::Malformed);
    }

    #[test]
    fn shows_nothing_private() {
        let key = SigningKey::generate().unwrap();
        assert_eq!(format!("{key:?}"), format!("SigningKey({})", key.public_key().kid()));
    }
}
