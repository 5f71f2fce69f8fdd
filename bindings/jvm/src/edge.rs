//! Where Java ends and Rust begins: strings, bytes, exceptions.

use std::{any::Any, fmt};

use jni::{
    Env, JValue,
    errors::{Error, ErrorPolicy},
    jni_sig, jni_str,
    objects::{JByteArray, JObjectArray, JString, JThrowable},
    refs::Reference as _,
};
use pintle_core::Code;
use rustls_pki_types::CertificateDer;

/// Why a function has no answer.
#[derive(Debug)]
pub(crate) enum Failure {
    /// A code, and a sentence for people.
    Said { code: Code, message: String },
    /// Java's own: an exception that waits to be seen, or a call that went wrong.
    Java(Error),
}

impl Failure {
    pub(crate) fn said(code: Code, error: &impl fmt::Display) -> Self {
        Self::Said { code, message: error.to_string() }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Java(error)
    }
}

/// Failures and panics become a `pintle.PintleException`.
pub(crate) struct Throw;

impl<T: Default> ErrorPolicy<T, Failure> for Throw {
    type Captures<'local: 'native, 'native> = ();

    fn on_error<'local: 'native, 'native>(
        env: &mut Env<'local>,
        _captures: &mut Self::Captures<'local, 'native>,
        failure: Failure,
    ) -> Result<T, Error> {
        if !env.exception_check() {
            match failure {
                Failure::Said { code, message } => throw(env, code, &message)?,
                Failure::Java(error) => throw(env, Code::InternalError, &error.to_string())?,
            }
        }
        Ok(T::default())
    }

    fn on_panic<'local: 'native, 'native>(
        env: &mut Env<'local>,
        _captures: &mut Self::Captures<'local, 'native>,
        _payload: Box<dyn Any + Send + 'static>,
    ) -> Result<T, Error> {
        if !env.exception_check() {
            throw(env, Code::InternalError, "a panic in the library")?;
        }
        Ok(T::default())
    }
}

fn throw(env: &mut Env<'_>, code: Code, message: &str) -> Result<(), Error> {
    let (code, message) = (env.new_string(code.as_str())?, env.new_string(message)?);
    let signature = jni_sig!("(Ljava/lang/String;Ljava/lang/String;)V");
    let arguments = [JValue::Object(&code), JValue::Object(&message)];
    let exception = env.new_object(jni_str!("pintle/PintleException"), signature, &arguments)?;
    let exception = env.cast_local::<JThrowable<'_>>(exception)?;
    match env.throw(exception) {
        // That is what was asked for.
        Ok(()) | Err(Error::JavaException) => Ok(()),
        Err(error) => Err(error),
    }
}

pub(crate) fn text(env: &Env<'_>, text: &JString<'_>) -> Result<String, Failure> {
    Ok(text.try_to_string(env)?)
}

pub(crate) fn text_or_none(env: &Env<'_>, text: &JString<'_>) -> Result<Option<String>, Failure> {
    if text.is_null() { Ok(None) } else { self::text(env, text).map(Some) }
}

pub(crate) fn bytes(env: &Env<'_>, bytes: &JByteArray<'_>) -> Result<Vec<u8>, Failure> {
    Ok(env.convert_byte_array(bytes)?)
}

pub(crate) fn bytes_or_none(env: &Env<'_>, bytes: &JByteArray<'_>) -> Result<Option<Vec<u8>>, Failure> {
    if bytes.is_null() { Ok(None) } else { self::bytes(env, bytes).map(Some) }
}

pub(crate) fn chain<'local>(
    env: &mut Env<'local>,
    ders: &JObjectArray<'_, JByteArray<'local>>,
) -> Result<Vec<CertificateDer<'static>>, Failure> {
    let mut chain = Vec::new();
    for index in 0..ders.len(env)? {
        let der = ders.get_element(env, index)?;
        chain.push(bytes(env, &der)?.into());
        // A frame holds sixteen.
        env.delete_local_ref(der);
    }
    Ok(chain)
}

/// Null for none.
pub(crate) fn java_text<'local>(env: &mut Env<'local>, text: Option<&str>) -> Result<JString<'local>, Failure> {
    Ok(text.map_or(Ok(JString::default()), |text| env.new_string(text))?)
}
