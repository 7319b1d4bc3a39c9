//! Work on several servers at the same time, on a bounded number of threads.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread::{Builder, scope};

/// Does the work for each plan, `limit` of them at the same time; the results in the order of the plans.
///
/// Whoever has finished takes the next plan, so that a slow server holds up nobody but itself. This thread works too: a single plan
/// starts none, and where the system gives no more threads the plans wait for each other.
pub fn each<P: Sync, T: Send>(plans: &[P], limit: usize, work: impl Fn(&P) -> T + Sync) -> Vec<T> {
    let next = AtomicUsize::new(0);
    let (done, results) = mpsc::channel();
    let take = |done: mpsc::Sender<(usize, T)>| loop {
        let index = next.fetch_add(1, Ordering::Relaxed);
        let Some(plan) = plans.get(index) else { return };
        // The other end is there until all are done.
        let _ = done.send((index, work(plan)));
    };
    scope(|scope| {
        for _ in 1..limit.min(plans.len()) {
            let (take, done) = (&take, done.clone());
            if Builder::new().name("parallel".to_owned()).spawn_scoped(scope, move || take(done)).is_err() {
                break;
            }
        }
        take(done);
    });
    let mut results: Vec<(usize, T)> = results.into_iter().collect();
    results.sort_unstable_by_key(|(index, _)| *index);
    results.into_iter().map(|(_, result)| result).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::{Barrier, Mutex, mpsc};
    use std::thread::{ThreadId, current};

    use super::each;

    #[test]
    fn results_stand_in_the_order_of_the_plans() {
        let plans: Vec<usize> = (0..1000).collect();
        assert_eq!(each(&plans, 7, |plan| plan * 2), plans.iter().map(|plan| plan * 2).collect::<Vec<_>>());
        assert!(each(&[], 7, |plan: &usize| *plan).is_empty());
    }

    #[test]
    fn so_many_at_the_same_time_and_no_more() {
        let (now, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
        // Nobody leaves before four are in: with fewer at a time this would never end.
        let four = Barrier::new(4);
        each(&[(); 40], 4, |()| {
            most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            four.wait();
            now.fetch_sub(1, Ordering::SeqCst);
        });
        assert_eq!(most.into_inner(), 4);
    }

    #[test]
    fn a_slow_one_holds_up_nobody() {
        // The first plan waits until all the others are done.
        let (told, all) = mpsc::channel();
        let all = Mutex::new(all);
        let plans: Vec<usize> = (0..10).collect();
        let results = each(&plans, 2, |plan| match plan {
            0 => all.lock().unwrap().iter().take(9).count(),
            _ => usize::from(told.send(()).is_ok()),
        });
        assert_eq!(results, [9, 1, 1, 1, 1, 1, 1, 1, 1, 1]);
    }

    #[test]
    fn a_single_plan_starts_no_thread() {
        let on = |plans: &[()], limit| -> HashSet<ThreadId> {
            each(plans, limit, |()| current().id()).into_iter().collect()
        };
        assert_eq!(on(&[()], 48), HashSet::from([current().id()]));
        assert_eq!(on(&[(); 5], 1), HashSet::from([current().id()]));
    }
}
