//! Settings: where the streams are, and where this application keeps who reads what.

use serde::{Deserialize, Serialize};
use stream_core::{Error, Kind, Result};

/// How to reach Kinesis. Plain data; credentials come from where the AWS SDK looks for them, never from here.
///
/// ```
/// use stream_kinesis::KinesisSettings;
///
/// let mut settings = KinesisSettings::new("eu-central-1");
/// settings.endpoint_url = Some("http://localhost:4567".to_owned());
/// settings.validate()?;
/// # Ok::<(), stream_core::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KinesisSettings {
    /// The region of the streams and of the lease table, such as `eu-central-1`.
    pub region: String,
    /// Address of an emulator or a private endpoint, `http://` or `https://`. Default: the region's own.
    #[serde(default)]
    pub endpoint_url: Option<String>,
    /// The table of leases. Default: the application id, as Java's client has it.
    #[serde(default)]
    pub lease_table: Option<String>,
}

impl KinesisSettings {
    /// The streams of `region`, everything else at its default.
    pub fn new(region: impl Into<String>) -> Self {
        Self { region: region.into(), endpoint_url: None, lease_table: None }
    }

    /// Checks all that can be checked without the service.
    ///
    /// # Errors
    /// `Kind::Invalid`, naming the setting and what it should be.
    pub fn validate(&self) -> Result<()> {
        if self.region.is_empty() {
            return Err(invalid("region is empty: name one, such as eu-central-1"));
        }
        match &self.endpoint_url {
            Some(url) if !url.starts_with("http://") && !url.starts_with("https://") => {
                Err(invalid(format!("endpoint_url is {url:?}: it begins with http:// or https://")))
            }
            _ if self.lease_table.as_ref().is_some_and(String::is_empty) => {
                Err(invalid("lease_table is empty: name a table, or leave it out"))
            }
            _ => Ok(()),
        }
    }
}

#[cold]
fn invalid(message: impl Into<String>) -> Error {
    Error::new(Kind::Invalid, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_is_refused_with_the_settings_name() {
        let settings = KinesisSettings::new("eu-central-1");
        let cases = [
            (KinesisSettings { region: String::new(), ..settings.clone() }, "region"),
            (KinesisSettings { endpoint_url: Some("localhost:4567".to_owned()), ..settings.clone() }, "endpoint_url"),
            (KinesisSettings { lease_table: Some(String::new()), ..settings }, "lease_table"),
        ];
        for (settings, name) in cases {
            let error = settings.validate().expect_err("it is wrong");
            assert_eq!(error.kind(), Kind::Invalid);
            assert!(error.to_string().starts_with(name), "{error}");
        }
    }
}
