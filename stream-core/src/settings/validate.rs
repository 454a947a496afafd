//! Which settings are refused, and why.

use crate::settings::Settings;
use crate::{Error, Kind, Result};

/// Longest name of an internal topic that a log takes.
const NAME_LENGTH_MAX: usize = 249;

impl Settings {
    /// Checks all settings, each alone and together.
    ///
    /// # Errors
    /// `Kind::Invalid` for the first one that is out of its range or contradicts another, saying what to do.
    pub fn validate(&self) -> Result<()> {
        self.check_application_id()?;
        let positive = [
            ("num_stream_threads", self.num_stream_threads as u64),
            ("buffered_records_per_partition", self.buffered_records_per_partition as u64),
            ("poll_records_max", self.poll_records_max as u64),
            ("state_memory_bytes", self.state_memory_bytes as u64),
            ("session_timeout_ms", self.session_timeout_ms),
            ("close_timeout_ms", self.close_timeout_ms),
            ("state_flush_interval_ms", self.state_flush_interval_ms),
            ("state_flush_records_max", self.state_flush_records_max),
        ];
        if let Some((name, _)) = positive.iter().find(|(_, value)| *value == 0) {
            return refuse(format!("{name} must be at least 1"));
        }
        if self.max_task_idle_ms < -1 {
            return refuse(format!(
                "max_task_idle_ms is {}: it must be -1 (never wait) or more",
                self.max_task_idle_ms
            ));
        }
        if self.replication_factor != -1 && self.replication_factor < 1 {
            let factor = self.replication_factor;
            return refuse(format!("replication_factor is {factor}: it must be -1 (the log's default) or at least 1"));
        }
        if self.windowstore_changelog_additional_retention_ms < 0 {
            return refuse("windowstore_changelog_additional_retention_ms must not be negative".to_owned());
        }
        if self.session_timeout_ms > self.rebalance_timeout_ms {
            let (session, rebalance) = (self.session_timeout_ms, self.rebalance_timeout_ms);
            return refuse(format!(
                "session_timeout_ms {session} contradicts rebalance_timeout_ms {rebalance}: a member must have at least a \
                 session to join again"
            ));
        }
        if self.topic.contains_key("cleanup.policy") {
            return refuse(
                "topic.cleanup.policy would hold for changelogs and repartitions alike; set it on the store that needs it"
                    .to_owned(),
            );
        }
        Ok(())
    }

    fn check_application_id(&self) -> Result<()> {
        let id = &self.application_id;
        let known = id.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-'));
        if id.is_empty() {
            return refuse(
                "application_id is missing: it names the group, the internal topics and the state".to_owned(),
            );
        }
        if !known || id == "." || id == ".." || id.len() > NAME_LENGTH_MAX {
            return refuse(format!(
                "application_id {id:?} must have ASCII letters, digits, '.', '_' and '-' only, and at most \
                 {NAME_LENGTH_MAX} of them"
            ));
        }
        Ok(())
    }
}

fn refuse(why: String) -> Result<()> {
    Err(Error::new(Kind::Invalid, why))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(change: impl FnOnce(&mut Settings)) -> String {
        let mut settings = Settings::new("app");
        settings.validate().expect("the defaults are valid");
        change(&mut settings);
        let error = settings.validate().expect_err("a wrong setting is refused");
        assert_eq!(error.kind(), Kind::Invalid);
        error.to_string()
    }

    #[test]
    fn settings_out_of_range_are_named() {
        assert!(refusal(|s| s.application_id = String::new()).contains("application_id is missing"));
        assert!(refusal(|s| s.application_id = "a b".to_owned()).contains("\"a b\""));
        assert!(refusal(|s| s.num_stream_threads = 0).contains("num_stream_threads"));
        assert!(refusal(|s| s.max_task_idle_ms = -2).contains("max_task_idle_ms"));
        assert!(refusal(|s| s.replication_factor = 0).contains("replication_factor"));
    }

    #[test]
    fn settings_that_contradict_each_other_are_named_both() {
        let message = refusal(|s| s.session_timeout_ms = 400_000);
        assert!(message.contains("session_timeout_ms") && message.contains("rebalance_timeout_ms"), "{message}");
    }
}
