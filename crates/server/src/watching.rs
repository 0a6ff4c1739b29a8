//! Guarded rollouts are looked at while the server runs.

use std::time::Duration;

use steward_capabilities::flags::{self, Judged};

use crate::State;

/// Looks at every guarded rollout that is live now, and stops those that do harm.
pub async fn look(state: &State) -> Vec<Judged> {
    let context = state.loaded().await.context;
    let judged = match flags::guard(&context, state.now_us(), None).await {
        Ok(judged) => judged,
        Err(cause) => {
            tracing::warn!("guarded rollouts could not be looked at: {cause}");
            return Vec::new();
        }
    };
    for one in &judged {
        let (flag, rule) = (&one.flag, &one.rule);
        if let Some(event) = one.stopped {
            tracing::warn!(
                "the rollout {rule} of the flag {flag} was stopped (event {event}): {}",
                one.found
            );
        } else if let Some(cause) = &one.failed {
            tracing::warn!("the rollout {rule} of the flag {flag} could not be judged: {cause}");
        }
    }
    if judged.iter().any(|j| j.stopped.is_some()) {
        state.appended();
    }
    judged
}

/// Looks again and again, as often as `steward.yaml` says, until the server stops.
pub async fn watch(state: State) {
    let closing = state.closing();
    loop {
        look(&state).await;
        let every = state.loaded().await.context.project.settings.flags.guard_seconds;
        tokio::select! {
            () = tokio::time::sleep(Duration::from_secs(every.max(1))) => {}
            () = closing.cancelled() => return,
        }
    }
}
