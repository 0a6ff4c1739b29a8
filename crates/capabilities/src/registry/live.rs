//! The registry at work: its state in memory, caught up with the ledger, and changed through it.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use steward_ledger::{Clock, Filter, Ledger, NewEvent};
use tokio::sync::Mutex;

use super::events::{Change, KINDS};
use super::projection::Registered;
use crate::CapabilityError;

/// Races lost before giving up.
const ATTEMPTS: usize = 8;
/// How long the state is answered without a look at the ledger, which other processes append to as well.
const LOOK: Duration = Duration::from_millis(50);

/// The registry of a ledger. Cheap to clone; the clones share one state.
#[derive(Clone)]
pub struct Registry {
    inner: Arc<Inner>,
}

struct Inner {
    ledger: Ledger,
    clock: Clock,
    seen: RwLock<Seen>,
    /// One looks or changes at a time.
    busy: Mutex<()>,
}

#[derive(Default)]
struct Seen {
    state: Arc<Registered>,
    /// The last event of the ledger that was looked at.
    last: u64,
    at: Option<Instant>,
}

impl Registry {
    /// The registry of a ledger; it is read when it is first asked. `clock` tells when approvals expire.
    pub fn new(ledger: Ledger, clock: Clock) -> Registry {
        let inner = Inner {
            ledger,
            clock,
            seen: RwLock::default(),
            busy: Mutex::new(()),
        };
        Registry { inner: Arc::new(inner) }
    }

    /// What was registered at a moment (microseconds since 1970 UTC): folded anew.
    pub async fn as_of(ledger: &Ledger, as_of_us: i64) -> Result<Registered, CapabilityError> {
        let filter = Filter {
            kind: Some(KINDS.into()),
            as_of_us: Some(as_of_us),
            ..Filter::default()
        };
        let mut state = Registered::default();
        ledger.read(&filter).await?.iter().for_each(|event| state.apply(event));
        Ok(state)
    }

    /// What is registered now.
    pub async fn now(&self) -> Result<Arc<Registered>, CapabilityError> {
        if let Some(state) = self.fresh() {
            return Ok(state);
        }
        let _one = self.inner.busy.lock().await;
        if let Some(state) = self.fresh() {
            return Ok(state);
        }
        self.catch_up().await
    }

    /// Microseconds since 1970 UTC.
    pub fn now_us(&self) -> i64 {
        (self.inner.clock)()
    }

    fn fresh(&self) -> Option<Arc<Registered>> {
        let seen = self.inner.seen.read().unwrap_or_else(PoisonError::into_inner);
        seen.at
            .is_some_and(|at| at.elapsed() < LOOK)
            .then(|| seen.state.clone())
    }

    /// Applies what was appended since; one at a time.
    async fn catch_up(&self) -> Result<Arc<Registered>, CapabilityError> {
        let (mut state, last) = {
            let seen = self.inner.seen.read().unwrap_or_else(PoisonError::into_inner);
            (seen.state.clone(), seen.last)
        };
        let at = Some(Instant::now());
        let head = self.inner.ledger.head().await?.map_or(0, |(sequence, _)| sequence);
        if head != last {
            // From the beginning only what is ours is read; later, the few events since by their numbers.
            let filter = Filter {
                kind: (last == 0).then(|| KINDS.into()),
                after: Some(last),
                before: Some(head.saturating_add(1)),
                ..Filter::default()
            };
            for event in self.inner.ledger.read(&filter).await? {
                Arc::make_mut(&mut state).apply(&event);
            }
        }
        let mut seen = self.inner.seen.write().unwrap_or_else(PoisonError::into_inner);
        *seen = Seen {
            state: state.clone(),
            last: head,
            at,
        };
        Ok(state)
    }

    /// Makes a change against the state of this moment: `make` says what to append, or that there is nothing to do. Who
    /// changes the same subject at the same moment makes it be asked again.
    pub(super) async fn change<T>(
        &self,
        subject: &str,
        make: impl Fn(&Registered) -> Result<(Vec<NewEvent>, T), CapabilityError>,
    ) -> Result<(Arc<Registered>, T), CapabilityError> {
        let _one = self.inner.busy.lock().await;
        for _ in 0..ATTEMPTS {
            let about = Filter {
                subject: Some(subject.to_owned()),
                last: Some(1),
                ..Filter::default()
            };
            let expected = self.inner.ledger.read(&about).await?.last().map(|e| e.sequence);
            let state = self.catch_up().await?;
            let (events, told) = make(&state)?;
            if events.is_empty() {
                return Ok((state, told));
            }
            if self.inner.ledger.append_if(subject, expected, events).await?.is_some() {
                return Ok((self.catch_up().await?, told));
            }
        }
        Err(CapabilityError::Refused(format!(
            "others keep changing {subject} at this moment; try again"
        )))
    }

    /// Removes everything: between tests.
    pub async fn empty(&self, actor: &str) -> Result<(), CapabilityError> {
        let change = |state: &Registered| {
            let events = match *state == Registered::default() {
                true => Vec::new(),
                false => vec![Change::Emptied {}.event("registry", actor, None)?],
            };
            Ok((events, ()))
        };
        self.change("registry", change).await.map(|_| ())
    }
}
