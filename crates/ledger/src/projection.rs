//! Folds over events.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{Event, canonical};

/// A fold over events; the same events give the same bytes.
///
/// Its state is cached and caught up, so it must survive being written as JSON and read again: no NaN and no infinity
/// (an `Option<f64>` would come back as `None`), no hash maps. A state that does not survive is not cached but folded anew each time.
pub trait Projection: Default + Serialize + for<'de> Deserialize<'de> + Send {
    /// Name under which its state is cached.
    const NAME: &'static str;
    /// Raise when `apply` changes, so that it is rebuilt from nothing.
    const VERSION: u32;
    /// Whether `apply` looks at private payloads. If not, it sees none, and its state is always cached; if so, its
    /// state is cached only as long as no event had one, so that nothing personal is left behind by an erasure.
    const READS_PRIVATE: bool = true;
    /// Takes one event in order.
    fn apply(&mut self, event: &Event);
}

/// A cached state: what a projection was after some event.
#[derive(Clone, Debug)]
pub(crate) struct Cached {
    pub name: &'static str,
    pub version: u32,
    /// The last event applied.
    pub sequence: u64,
    /// That event's hash: a state belongs to one chain.
    pub hash: String,
    /// Canonical JSON.
    pub state: String,
}

impl Cached {
    /// Guards a cached state against accidents; against malice stands only folding anew.
    pub fn digest(&self) -> String {
        let Cached {
            name,
            version,
            sequence,
            hash,
            state,
        } = self;
        canonical::digest(format!("{name}\n{version}\n{sequence}\n{hash}\n{state}").as_bytes())
    }
}

/// The text of a state, if reading it back gives the same state.
pub(crate) fn freeze<P: Projection>(state: &P) -> Option<String> {
    let text = canonical::text(&serde_json::to_value(state).ok()?);
    let again: P = thaw(&text)?;
    let same = canonical::text(&serde_json::to_value(&again).ok()?) == text;
    same.then_some(text)
}

/// The state in a text.
pub(crate) fn thaw<P: Projection>(text: &str) -> Option<P> {
    let value: Value = canonical::parse(text).ok()?;
    serde_json::from_value(value).ok()
}
