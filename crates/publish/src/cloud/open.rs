use std::{fs, sync::Arc};

use object_store::{
    BackoffConfig, ClientOptions, ObjectStore, RetryConfig,
    client::{HttpClient, HttpConnector},
};

use super::{CloudBucket, explain};
use crate::{Bucket, BucketError, Cause, CredentialSource, OpenError, Place, http::make_http, open::Environment};

/// Every store is spoken to by the same client: this machine's CA store, no redirects (a signed request is for one host),
/// bounded waiting.
#[derive(Debug)]
struct Connector(reqwest::Client);

impl HttpConnector for Connector {
    fn connect(&self, _: &ClientOptions) -> object_store::Result<HttpClient> {
        Ok(HttpClient::new(self.0.clone()))
    }
}

/// Whoever publishes knows better when to try again, and every failure is to be told.
fn never_retry() -> RetryConfig {
    RetryConfig { max_retries: 0, backoff: BackoffConfig::default(), retry_timeout: crate::http::TIMEOUT }
}

pub(crate) fn open(
    place: &Place,
    credentials: &CredentialSource,
    environment: Environment<'_>,
) -> Result<Arc<dyn Bucket>, OpenError> {
    let connector = Connector(make_http().map_err(missing)?);
    let (store, prefix): (Arc<dyn ObjectStore>, _) = match place {
        #[cfg(feature = "aws")]
        Place::S3 { bucket, prefix, region, endpoint, path_style } => {
            let at = S3 { bucket, region, endpoint: endpoint.as_deref(), path_style: *path_style };
            (open_s3(&at, credentials, environment, connector)?, prefix)
        }
        #[cfg(feature = "gcp")]
        Place::Gcs { bucket, prefix, endpoint } => {
            (open_gcs(bucket, endpoint.as_deref(), credentials, environment, connector)?, prefix)
        }
        #[cfg(feature = "azure")]
        Place::Azure { account, container, prefix, endpoint } => {
            let at = Azure { account, container, endpoint: endpoint.as_deref() };
            (open_azure(&at, credentials, environment, connector)?, prefix)
        }
        #[cfg(not(feature = "aws"))]
        Place::S3 { .. } => return Err(OpenError::KindUnsupported { kind: place.kind() }),
        #[cfg(not(feature = "gcp"))]
        Place::Gcs { .. } => return Err(OpenError::KindUnsupported { kind: place.kind() }),
        #[cfg(not(feature = "azure"))]
        Place::Azure { .. } => return Err(OpenError::KindUnsupported { kind: place.kind() }),
        // Of no cloud.
        Place::Directory { .. } => return Err(OpenError::KindUnsupported { kind: place.kind() }),
    };
    Ok(Arc::new(CloudBucket { name: place.to_string(), prefix: prefix.clone(), store }))
}

#[cfg(feature = "aws")]
struct S3<'a> {
    bucket: &'a str,
    region: &'a str,
    endpoint: Option<&'a str>,
    path_style: bool,
}

#[cfg(feature = "aws")]
fn open_s3(
    at: &S3<'_>,
    credentials: &CredentialSource,
    environment: Environment<'_>,
    connector: Connector,
) -> Result<Arc<dyn ObjectStore>, OpenError> {
    use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey};

    let mut builder = AmazonS3Builder::new()
        .with_bucket_name(at.bucket)
        .with_region(at.region)
        .with_virtual_hosted_style_request(!at.path_style)
        // One file at a time is what every store that speaks like S3 knows.
        .with_disable_bulk_delete(true)
        .with_retry(never_retry())
        .with_http_connector(connector);
    if let Some(endpoint) = at.endpoint {
        let host_style = || endpoint.replacen("://", &format!("://{}.", at.bucket), 1);
        builder = builder.with_endpoint(if at.path_style { endpoint.to_owned() } else { host_style() });
    }
    let from = match credentials {
        CredentialSource::Instance => {
            // Where roles are handed out, as the cloud tells its containers and pods.
            for (variable, key) in [
                ("AWS_WEB_IDENTITY_TOKEN_FILE", AmazonS3ConfigKey::WebIdentityTokenFile),
                ("AWS_ROLE_ARN", AmazonS3ConfigKey::RoleArn),
                ("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", AmazonS3ConfigKey::ContainerCredentialsRelativeUri),
                ("AWS_CONTAINER_CREDENTIALS_FULL_URI", AmazonS3ConfigKey::ContainerCredentialsFullUri),
                ("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", AmazonS3ConfigKey::ContainerAuthorizationTokenFile),
            ] {
                if let Some(value) = environment(variable) {
                    builder = builder.with_config(key, value);
                }
            }
            return Ok(Arc::new(builder.build().map_err(refused)?));
        }
        CredentialSource::Environment => AwsKeys {
            id: environment("AWS_ACCESS_KEY_ID"),
            secret: environment("AWS_SECRET_ACCESS_KEY"),
            token: environment("AWS_SESSION_TOKEN"),
        },
        CredentialSource::File(path) => AwsKeys::parse(&fs::read_to_string(path).map_err(missing)?),
    };
    let (Some(id), Some(secret)) = (from.id, from.secret) else {
        return Err(missing(explain::Said::new("there is no AWS access key id with its secret")));
    };
    builder = builder.with_access_key_id(id).with_secret_access_key(secret);
    if let Some(token) = from.token {
        builder = builder.with_token(token);
    }
    Ok(Arc::new(builder.build().map_err(refused)?))
}

#[cfg(feature = "aws")]
struct AwsKeys {
    id: Option<String>,
    secret: Option<String>,
    token: Option<String>,
}

#[cfg(feature = "aws")]
impl AwsKeys {
    /// AWS's own file: the section `[default]`, or whatever stands before any section.
    fn parse(text: &str) -> Self {
        let mut is_default = true;
        let mut keys = Self { id: None, secret: None, token: None };
        for line in text.lines().map(str::trim) {
            if line.starts_with('[') {
                is_default = line == "[default]";
            }
            let Some((name, value)) = line.split_once('=').filter(|_| is_default) else { continue };
            let value = Some(value.trim().to_owned());
            match name.trim() {
                "aws_access_key_id" => keys.id = value,
                "aws_secret_access_key" => keys.secret = value,
                "aws_session_token" => keys.token = value,
                _ => {}
            }
        }
        keys
    }
}

#[cfg(feature = "gcp")]
fn open_gcs(
    bucket: &str,
    endpoint: Option<&str>,
    credentials: &CredentialSource,
    environment: Environment<'_>,
    connector: Connector,
) -> Result<Arc<dyn ObjectStore>, OpenError> {
    use object_store::{
        StaticCredentialProvider,
        gcp::{GcpCredential, GoogleCloudStorageBuilder},
    };

    let mut builder = GoogleCloudStorageBuilder::new()
        .with_bucket_name(bucket)
        .with_retry(never_retry())
        .with_http_connector(connector);
    let is_plain = endpoint.is_some_and(|url| url.starts_with("http://"));
    if let Some(endpoint) = endpoint {
        builder = builder.with_base_url(endpoint);
    }
    if is_plain {
        // A bearer token must not cross a network in the clear; what listens there is an emulator.
        let nobody = GcpCredential { bearer: String::new() };
        builder = builder.with_skip_signature(true).with_credentials(Arc::new(StaticCredentialProvider::new(nobody)));
        return Ok(Arc::new(builder.build().map_err(refused)?));
    }
    let file = match credentials {
        CredentialSource::Instance => None,
        CredentialSource::File(path) => Some(path.clone()),
        CredentialSource::Environment => {
            let path = environment("GOOGLE_APPLICATION_CREDENTIALS").map(Into::into);
            Some(path.ok_or_else(|| missing(explain::Said::new("GOOGLE_APPLICATION_CREDENTIALS names no file")))?)
        }
    };
    if let Some(path) = file {
        fs::metadata(&path).map_err(missing)?;
        builder = builder.with_application_credentials(path.to_string_lossy());
    }
    Ok(Arc::new(builder.build().map_err(refused)?))
}

#[cfg(feature = "azure")]
struct Azure<'a> {
    account: &'a str,
    container: &'a str,
    endpoint: Option<&'a str>,
}

#[cfg(feature = "azure")]
fn open_azure(
    at: &Azure<'_>,
    credentials: &CredentialSource,
    environment: Environment<'_>,
    connector: Connector,
) -> Result<Arc<dyn ObjectStore>, OpenError> {
    use object_store::azure::{AzureConfigKey, MicrosoftAzureBuilder};

    let mut builder = MicrosoftAzureBuilder::new()
        .with_account(at.account)
        .with_container_name(at.container)
        .with_retry(never_retry())
        .with_http_connector(connector);
    if let Some(endpoint) = at.endpoint {
        builder = builder.with_endpoint(endpoint.to_owned()).with_allow_http(endpoint.starts_with("http://"));
    }
    // The first set that is whole is used.
    let sets: &[&[(&str, AzureConfigKey)]] = &[
        &[("AZURE_STORAGE_ACCOUNT_KEY", AzureConfigKey::AccessKey)],
        &[("AZURE_STORAGE_SAS_TOKEN", AzureConfigKey::SasKey)],
        &[
            ("AZURE_TENANT_ID", AzureConfigKey::AuthorityId),
            ("AZURE_CLIENT_ID", AzureConfigKey::ClientId),
            ("AZURE_CLIENT_SECRET", AzureConfigKey::ClientSecret),
        ],
    ];
    let found: Vec<(AzureConfigKey, String)> = match credentials {
        CredentialSource::Instance => {
            let workload = [
                ("AZURE_TENANT_ID", AzureConfigKey::AuthorityId),
                ("AZURE_CLIENT_ID", AzureConfigKey::ClientId),
                ("AZURE_FEDERATED_TOKEN_FILE", AzureConfigKey::FederatedTokenFile),
            ];
            workload.into_iter().filter_map(|(name, key)| Some((key, environment(name)?))).collect()
        }
        CredentialSource::File(path) => {
            let secret = fs::read_to_string(path).map_err(missing)?.trim().to_owned();
            let is_sas = secret.contains("sig=");
            vec![(if is_sas { AzureConfigKey::SasKey } else { AzureConfigKey::AccessKey }, secret)]
        }
        CredentialSource::Environment => {
            let whole = |set: &&[(&str, AzureConfigKey)]| {
                set.iter().map(|(name, key)| Some((*key, environment(name)?))).collect::<Option<Vec<_>>>()
            };
            let none = "neither an account key nor a SAS token nor a client secret of Azure is set";
            sets.iter().find_map(whole).ok_or_else(|| missing(explain::Said::new(none)))?
        }
    };
    for (key, value) in found {
        builder = builder.with_config(key, value);
    }
    Ok(Arc::new(builder.build().map_err(refused)?))
}

fn missing(error: impl std::error::Error + Send + Sync + 'static) -> OpenError {
    OpenError::Credentials(BucketError::because(Cause::CredentialsMissing, error))
}

fn refused(_: object_store::Error) -> OpenError {
    // Of what cannot be parsed, the text may be the secret.
    let said = explain::Said::new("what was given cannot be read as credentials of this kind of store");
    OpenError::Credentials(BucketError::because(Cause::CredentialsRefused, said))
}
