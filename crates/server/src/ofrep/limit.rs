//! So many requests a second, and no more: the others are told when to come back.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Tokens for requests: a second's worth at most, filled up as time passes.
#[derive(Debug, Default)]
pub struct Limit(Mutex<Option<(f64, Instant)>>);

impl Limit {
    /// Takes a token at a rate (requests a second, above 0); without one, the time until there is one.
    pub fn take(&self, rate: f64, now: Instant) -> Result<(), Duration> {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let most = rate.max(1.0);
        let left = match *state {
            None => most,
            Some((left, at)) => most.min(left + now.saturating_duration_since(at).as_secs_f64() * rate),
        };
        let granted = left >= 1.0;
        *state = Some((if granted { left - 1.0 } else { left }, now));
        if granted {
            return Ok(());
        }
        // Beyond a day, the exact number is of no use.
        Err(Duration::from_secs_f64(((1.0 - left) / rate).clamp(0.0, 86_400.0)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_of_a_second_then_the_rate() {
        let (limit, start) = (Limit::default(), Instant::now());
        let after = |ms| start + Duration::from_millis(ms);
        let granted = |ms| limit.take(4.0, after(ms)).is_ok();
        assert_eq!((0..6).filter(|_| granted(0)).count(), 4);
        assert_eq!(limit.take(4.0, after(0)), Err(Duration::from_millis(250)));
        assert!(!granted(240) && granted(251) && !granted(260));
        assert_eq!((0..9).filter(|_| granted(60_000)).count(), 4);
        // A clock that goes back grants nothing.
        assert!(!granted(1_000));
        let slow = Limit::default();
        assert!(slow.take(0.1, start).is_ok());
        assert_eq!(slow.take(0.1, after(1_000)), Err(Duration::from_secs(9)));
    }
}
