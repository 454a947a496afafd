//! SIGTERM and SIGINT, noticed and not acted on: whoever waits looks.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use signal_hook::SigId;
use signal_hook::consts::{SIGINT, SIGTERM};

use crate::{Error, Kind, Result};

/// Signals since they were last taken; unregistered when dropped.
pub(crate) struct Signals {
    came: [(&'static str, Arc<AtomicBool>, SigId); 2],
}

impl Signals {
    /// Listens from now on.
    pub(crate) fn listen() -> Result<Self> {
        Ok(Self { came: [register("SIGTERM", SIGTERM)?, register("SIGINT", SIGINT)?] })
    }

    /// The signal that came since the last call.
    pub(crate) fn take(&self) -> Option<&'static str> {
        let came = self.came.iter().find(|(_, came, _)| came.swap(false, Ordering::Relaxed));
        came.map(|(name, ..)| *name)
    }
}

fn register(name: &'static str, signal: i32) -> Result<(&'static str, Arc<AtomicBool>, SigId)> {
    let came = Arc::new(AtomicBool::new(false));
    let id = signal_hook::flag::register(signal, Arc::clone(&came))
        .map_err(|error| Error::new(Kind::Fatal, format!("{name} cannot be listened to")).caused_by(error))?;
    Ok((name, came, id))
}

impl Drop for Signals {
    fn drop(&mut self) {
        for (_, _, id) in &self.came {
            signal_hook::low_level::unregister(*id);
        }
    }
}
