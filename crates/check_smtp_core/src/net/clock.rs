//! The clock, and the one deadline over everything a check does.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Room for a DNS lookup with its validation in an unoptimised build; only what is used is ever backed by memory.
const STACK: usize = 2 * 1024 * 1024;

/// When the check began and when it must have ended.
#[derive(Clone, Copy, Debug)]
pub struct Deadline {
    began: Instant,
    budget: Duration,
    ends_after: Duration,
}

impl Deadline {
    /// A deadline `budget` from now.
    #[expect(clippy::disallowed_methods, reason = "this is the clock")]
    pub fn after(budget: Duration) -> Self {
        Self { began: Instant::now(), budget, ends_after: budget }
    }

    /// The same check with at most `share` left from now: QUIT must not use up what others need.
    #[must_use]
    pub fn at_most(self, share: Duration) -> Self {
        Self { ends_after: self.ends_after.min(self.elapsed() + share), ..self }
    }

    /// The same check, ending `reserve` earlier.
    #[must_use]
    pub fn less(self, reserve: Duration) -> Self {
        Self { ends_after: self.ends_after.saturating_sub(reserve), ..self }
    }

    /// The same end without the time `spent` on something else: what is measured by it leaves that out.
    #[must_use]
    pub fn without(self, spent: Duration) -> Self {
        Self {
            began: self.began + spent,
            budget: self.budget.saturating_sub(spent),
            ends_after: self.ends_after.saturating_sub(spent),
        }
    }

    /// A part of the check that has a budget of its own: at most `share` from now, and told as such where it runs out.
    #[must_use]
    pub fn part(self, share: Duration) -> Self {
        let ends_after = self.ends_after.min(self.elapsed() + share);
        Self { budget: self.budget.min(ends_after), ends_after, ..self }
    }

    /// The whole budget, as typed.
    pub fn budget(&self) -> Duration {
        self.budget
    }

    /// Time since the check began.
    pub fn elapsed(&self) -> Duration {
        self.began.elapsed()
    }

    /// What is left; zero when it is over.
    pub fn left(&self) -> Duration {
        self.ends_after.saturating_sub(self.elapsed())
    }
}

/// Seconds since 1970, for the dates of certificates.
#[expect(clippy::disallowed_methods, reason = "this is the clock")]
pub fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}

/// Time since 1970, for what is measured from one run to the next.
#[expect(clippy::disallowed_methods, reason = "this is the clock")]
pub fn since_epoch() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

/// Lets `at_most` pass, or what is left of the deadline: what cannot tell of itself is asked again after it.
pub fn pause(deadline: Deadline, at_most: Duration) {
    let ends = deadline.elapsed() + deadline.left().min(at_most);
    loop {
        let left = ends.saturating_sub(deadline.elapsed());
        if left.is_zero() {
            return;
        }
        // Without descriptors it is a wait; a signal that cuts it short changes nothing.
        let _ = rustix::event::poll(&mut [], Some(&super::stream::timespec(left)));
    }
}

/// Runs what cannot be given a deadline (getaddrinfo with its NSS modules, files on a dead server) on a thread of its own and
/// waits for it no longer than the deadline. `None`: time ran out, the thread is left behind and ends with the process.
pub fn within<T: Send + 'static>(deadline: Deadline, work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    let (done, result) = std::sync::mpsc::sync_channel(1);
    let worker = std::thread::Builder::new().name("bounded".to_owned()).stack_size(STACK);
    worker.spawn(move || done.send(work())).ok()?;
    result.recv_timeout(deadline.left()).ok()
}

#[cfg(test)]
mod tests {
    use super::{Deadline, Duration, pause, within};

    #[test]
    fn what_blocks_is_left_behind_at_the_deadline() {
        let (_keep, never) = std::sync::mpsc::channel::<()>();
        let deadline = Deadline::after(Duration::from_millis(50));
        assert_eq!(within(deadline, move || never.recv().is_ok()), None);
        assert!(deadline.left().is_zero());
        assert_eq!(within(Deadline::after(Duration::from_secs(60)), || 7), Some(7));
    }

    #[test]
    fn parts_have_their_own_budget_and_leave_other_time_out() {
        let whole = Deadline::after(Duration::from_secs(60));
        let part = whole.part(Duration::from_secs(10));
        assert!(part.left() <= Duration::from_secs(10) && part.budget() < Duration::from_secs(11));
        assert_eq!(whole.part(Duration::from_secs(90)).budget(), Duration::from_secs(60));
        let later = whole.without(Duration::from_secs(20));
        assert_eq!((later.elapsed(), later.budget()), (Duration::ZERO, Duration::from_secs(40)));
        assert!(later.left() <= Duration::from_secs(40));
    }

    #[test]
    fn a_pause_ends_with_the_deadline() {
        let deadline = Deadline::after(Duration::from_millis(60));
        pause(deadline, Duration::from_millis(20));
        assert!(deadline.elapsed() >= Duration::from_millis(20) && !deadline.left().is_zero());
        pause(deadline, Duration::from_secs(60));
        assert!(deadline.left().is_zero() && deadline.elapsed() < Duration::from_secs(5));
    }

    #[test]
    fn a_share_never_lengthens_the_deadline() {
        let deadline = Deadline::after(Duration::from_secs(1));
        assert!(deadline.at_most(Duration::from_secs(5)).left() <= Duration::from_secs(1));
        assert!(deadline.at_most(Duration::from_millis(10)).left() <= Duration::from_millis(10));
        assert!(deadline.less(Duration::from_secs(2)).left().is_zero());
    }
}
