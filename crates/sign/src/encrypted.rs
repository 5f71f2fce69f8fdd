use base64ct::{Base64, Encoding};
use p256::pkcs8::{
    EncryptedPrivateKeyInfoRef, LineEnding, PrivateKeyInfoRef, SecretDocument,
    der::pem::{PemLabel, decode_label},
    pkcs5::{self, pbes2},
};
use pintle_core::{OrganizationId, ProjectId};
use secrecy::SecretString;
use sha2::{Digest, Sha256};

use crate::{
    KeyFileError, SigningKey,
    key::{ENCRYPTED_LABEL, check_cost},
};

/// A P-256 key in PKCS#8 has about 250 bytes encrypted, in PEM about 500.
const MAX_PEM_BYTES: usize = 2048;
/// Who steals a ciphertext guesses its password at home. The floor is what OWASP asks of scrypt (N × r × p of
/// 2^17 × 8 × 1 or its like) and PBKDF2 with HMAC-SHA-256.
const MIN_SCRYPT_WORK: u64 = (1 << 14) * 8 * 5;
const MIN_SCRYPT_N: u64 = 1 << 14;
const MIN_SCRYPT_R: u16 = 8;
const MIN_PBKDF2_ITERATIONS: u32 = 600_000;
/// What is written: about half a second in a browser, which knows no scrypt.
const PBKDF2_ITERATIONS: u32 = 1_000_000;

/// The ciphertext of a key, fit to be kept by somebody who must not learn the key. Only its form is known: whether it holds
/// a key at all shows to whoever has the password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EncryptedKey {
    pem: String,
    digest: [u8; 32],
}

/// Why text is not an [`EncryptedKey`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EncryptedKeyError {
    /// A private key for everybody to read.
    #[error("the key is not encrypted")]
    Plain,
    /// Anything else.
    #[error("not one PEM block of an encrypted PKCS#8 key")]
    Malformed,
    /// Not PBES2 with AES-256 and scrypt or PBKDF2 over SHA-2.
    #[error("the key is not encrypted with PBES2, AES-256, and scrypt or PBKDF2 with HMAC-SHA-256 or better")]
    Scheme,
    /// Nobody could open it in reasonable time.
    #[error("opening the key would take more than 256 MiB or minutes")]
    Dear,
    /// A password that could be guessed too cheaply.
    #[error(
        "guessing the password would be too cheap: scrypt with N=16384, r=8, p=5 or PBKDF2 with 600000 rounds is the least"
    )]
    Cheap,
}

impl EncryptedKey {
    /// Encrypts `key` under `password` as browsers (WebCrypto) and OpenSSL open it: PBKDF2 with HMAC-SHA-256 and AES-256-CBC
    /// (RFC 8018 §5.2, §6.2).
    pub fn seal(key: &SigningKey, password: &SecretString) -> Result<Self, KeyFileError> {
        let pem = key.to_pem_encrypted_with(password, |salt, iv| {
            pbes2::Parameters::generate_pbkdf2_sha256_aes256cbc(PBKDF2_ITERATIONS, salt, iv)
        })?;
        Self::parse_pem(&pem).map_err(|_| KeyFileError::Malformed)
    }

    /// Parses one PEM block of an `EncryptedPrivateKeyInfo` (RFC 5958 §3) and holds it to the floor.
    pub fn parse_pem(pem: &str) -> Result<Self, EncryptedKeyError> {
        let pem = pem.trim();
        if pem.contains("PRIVATE KEY") && !pem.contains(ENCRYPTED_LABEL) {
            return Err(EncryptedKeyError::Plain);
        }
        let label = decode_label(pem.as_bytes()).map_err(|_| EncryptedKeyError::Malformed)?;
        if label == PrivateKeyInfoRef::PEM_LABEL {
            return Err(EncryptedKeyError::Plain);
        }
        if label != ENCRYPTED_LABEL || pem.len() > MAX_PEM_BYTES {
            return Err(EncryptedKeyError::Malformed);
        }
        let (_, document) = SecretDocument::from_pem(pem).map_err(|_| EncryptedKeyError::Malformed)?;
        // Unencrypted bytes under the other label.
        if PrivateKeyInfoRef::try_from(document.as_bytes()).is_ok() {
            return Err(EncryptedKeyError::Plain);
        }
        let encrypted =
            EncryptedPrivateKeyInfoRef::try_from(document.as_bytes()).map_err(|_| EncryptedKeyError::Malformed)?;
        check_scheme(&encrypted.encryption_algorithm)?;
        check_cost(&encrypted.encryption_algorithm).map_err(|_| EncryptedKeyError::Dear)?;
        // Written anew: what stands around or between the lines goes no further.
        let pem = document.to_pem(ENCRYPTED_LABEL, LineEnding::LF).map_err(|_| EncryptedKeyError::Malformed)?;
        Ok(Self { pem: pem.to_string(), digest: Sha256::digest(document.as_bytes()).into() })
    }

    /// The PEM block, as `openssl` reads it.
    #[must_use]
    pub fn as_pem(&self) -> &str {
        &self.pem
    }

    /// What the key signs, by whoever stores the ciphertext, to show that it is theirs. No signature over it means anything
    /// else: a JWS is signed over text without blanks.
    #[must_use]
    pub fn proof_message(&self, organization: &OrganizationId, project: &ProjectId) -> Vec<u8> {
        let digest = Base64::encode_string(&self.digest);
        format!("pintle encrypted key\n{}\n{}\n{digest}\n", organization.as_str(), project.as_str()).into_bytes()
    }
}

fn check_scheme(scheme: &pkcs5::EncryptionScheme) -> Result<(), EncryptedKeyError> {
    let pkcs5::EncryptionScheme::Pbes2(parameters) = scheme else { return Err(EncryptedKeyError::Scheme) };
    let pbes2::EncryptionScheme::Aes256Cbc { .. } = parameters.encryption else {
        return Err(EncryptedKeyError::Scheme);
    };
    let is_dear = match &parameters.kdf {
        pbes2::Kdf::Scrypt(cost) => {
            let work = cost
                .cost_parameter
                .saturating_mul(u64::from(cost.block_size))
                .saturating_mul(u64::from(cost.parallelization));
            cost.cost_parameter >= MIN_SCRYPT_N && cost.block_size >= MIN_SCRYPT_R && work >= MIN_SCRYPT_WORK
        }
        pbes2::Kdf::Pbkdf2(cost) => match cost.prf {
            pbes2::Pbkdf2Prf::HmacWithSha256 | pbes2::Pbkdf2Prf::HmacWithSha384 | pbes2::Pbkdf2Prf::HmacWithSha512 => {
                cost.iteration_count >= MIN_PBKDF2_ITERATIONS
            }
            _ => return Err(EncryptedKeyError::Scheme),
        },
        _ => return Err(EncryptedKeyError::Scheme),
    };
    if is_dear { Ok(()) } else { Err(EncryptedKeyError::Cheap) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{SigningKey, key::tests::openssl};

    #[test]
    fn takes_what_we_and_openssl_encrypt_well_and_nothing_else() {
        let key = SigningKey::generate().unwrap();
        let (plain, ours) = (key.to_pem().unwrap(), key.to_encrypted_pem(&SecretString::from("right")).unwrap());
        let kept = EncryptedKey::parse_pem(&format!("comment\n{}", *ours).replace("comment\n", "")).unwrap();
        assert_eq!(kept.as_pem(), ours.as_str());
        let error = |pem: &str| EncryptedKey::parse_pem(pem).err();
        let encrypt =
            |arguments: &[&str]| openssl(&[&["pkcs8", "-topk8", "-passout", "pass:right"], arguments].concat(), &plain);
        assert_eq!(error(&encrypt(&["-v2", "aes-256-cbc", "-v2prf", "hmacWithSHA256", "-iter", "600000"])), None);
        assert_eq!(error(&encrypt(&["-scrypt", "-scrypt_N", "16384", "-scrypt_r", "8", "-scrypt_p", "5"])), None);
        assert_eq!(error(&encrypt(&["-scrypt"])), Some(EncryptedKeyError::Cheap));
        assert_eq!(error(&encrypt(&["-v2", "aes-256-cbc"])), Some(EncryptedKeyError::Cheap));
        assert_eq!(error(&encrypt(&["-v2", "aes-128-cbc", "-iter", "600000"])), Some(EncryptedKeyError::Scheme));
        assert_eq!(
            error(&encrypt(&["-v2", "aes-256-cbc", "-v2prf", "hmacWithSHA1", "-iter", "600000"])),
            Some(EncryptedKeyError::Scheme)
        );
        assert_eq!(error(&plain), Some(EncryptedKeyError::Plain));
        assert_eq!(error(&openssl(&["ec"], &plain)), Some(EncryptedKeyError::Plain));
        // A plain key under the other name.
        let disguised = plain.replace("PRIVATE KEY", ENCRYPTED_LABEL);
        assert_eq!(error(&disguised), Some(EncryptedKeyError::Plain));
        for text in ["", "hello", "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n"]
        {
            assert_eq!(error(text), Some(EncryptedKeyError::Malformed), "{text:?}");
        }
        assert_eq!(error(&format!("{}{}", *ours, *plain)), Some(EncryptedKeyError::Malformed), "two blocks");
    }
}
