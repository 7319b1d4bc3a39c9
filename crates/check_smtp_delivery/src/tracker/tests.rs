//! The state machine at its edges, and over random lives.

use std::time::Duration;

use serde_json::json;

use super::json::{self as file, Unreadable};
use super::state::PROBES_LIMIT;
use super::{Arrival, Full, Instance, Limits, Noted, Place, State, Token, Tracker};

const LIMITS: Limits = Limits {
    late_after: Duration::from_secs(60),
    lost_after: Duration::from_secs(600),
    window: Duration::from_secs(3600),
};
const BEGAN: u64 = 1_800_000_000;
const MILLISECOND: Duration = Duration::from_millis(1);

fn at(seconds: u64) -> Duration {
    Duration::from_secs(BEGAN + seconds)
}

fn token(number: u8) -> Token {
    Token::from_bytes([number; 16])
}

fn inbox(at: Duration, copy: &str) -> Arrival {
    Arrival { at, place: Place { folder: "INBOX".to_owned(), is_junk: false }, copy: copy.to_owned() }
}

/// One probe, taken by the server at [`BEGAN`].
fn pending() -> Tracker {
    let mut tracker = Tracker::default();
    tracker.plan(token(1), &["sink@example.org"], at(0)).unwrap();
    tracker.accepted(&token(1), Some("4XYZ"), 1);
    tracker
}

fn state(tracker: &Tracker) -> Option<&State> {
    tracker.probe(&token(1)).map(|probe| &probe.state)
}

#[test]
fn uncertain_until_the_server_has_answered() {
    let mut tracker = Tracker::default();
    tracker.plan(token(1), &["sink@example.org"], at(0)).unwrap();
    assert_eq!((state(&tracker), tracker.uncertain(), tracker.pending()), (Some(&State::Uncertain), 1, 0));
    tracker.accepted(&token(1), None, 1);
    assert_eq!((state(&tracker), tracker.pending()), (Some(&State::Pending), 1));
    // Once it was taken it cannot be taken back.
    tracker.withdrawn(&token(1));
    assert_eq!(tracker.pending(), 1);
    tracker.plan(token(2), &["sink@example.org"], at(1)).unwrap();
    tracker.withdrawn(&token(2));
    assert_eq!(tracker.probe(&token(2)), None);
}

#[test]
fn in_time_to_the_millisecond_and_late_after_it() {
    for (took, is_late) in [(LIMITS.late_after, false), (LIMITS.late_after + MILLISECOND, true)] {
        let mut tracker = pending();
        assert_eq!(tracker.arrived(&token(1), &inbox(at(0) + took, "a"), &LIMITS), Noted::First);
        assert_eq!(matches!(state(&tracker), Some(State::Late(..))), is_late);
        assert_eq!(tracker.last_completed().and_then(super::Probe::took), Some(took));
    }
}

#[test]
fn a_copy_under_a_new_number_is_no_other() {
    let mut tracker = pending();
    for (copy, noted) in [
        ("7:1/INBOX", Noted::First),
        ("8:4/INBOX", Noted::Known),
        ("7:2/INBOX", Noted::Again(2)),
        ("8:4/Junk", Noted::Again(3)),
    ] {
        assert_eq!(tracker.arrived(&token(1), &inbox(at(5), copy), &LIMITS), noted, "{copy}");
    }
}

#[test]
fn lost_after_its_time_and_not_before() {
    let mut tracker = pending();
    tracker.advance(at(600), &LIMITS);
    assert_eq!(tracker.oldest_pending().map(|probe| probe.age(at(600))), Some(Duration::from_secs(600)));
    tracker.advance(at(600) + MILLISECOND, &LIMITS);
    assert_eq!(state(&tracker), Some(&State::Lost(at(600) + MILLISECOND)));
    assert_eq!((tracker.pending(), tracker.lost(at(601), &LIMITS)), (0, 1));
    assert!(tracker.wanted().any(|probe| probe.token == token(1)));
}

#[test]
fn a_lost_one_counts_for_the_window_to_the_second() {
    let mut tracker = pending();
    tracker.advance(at(700), &LIMITS);
    for (now, lost) in [(700, 1), (700 + 3600, 1), (700 + 3601, 0)] {
        assert_eq!(tracker.lost(at(now), &LIMITS), lost, "{now}");
        tracker.advance(at(now), &LIMITS);
        assert_eq!(tracker.probes().len(), lost, "{now}");
    }
}

#[test]
fn a_host_that_was_off_for_a_week_still_tells_the_loss() {
    let mut tracker = pending();
    let now = 7 * 86400;
    tracker.advance(at(now), &LIMITS);
    assert_eq!(tracker.lost(at(now), &LIMITS), 1);
}

#[test]
fn a_lost_one_that_arrives_is_late_and_counts_no_more() {
    let mut tracker = pending();
    tracker.advance(at(700), &LIMITS);
    // Whatever its date says.
    assert_eq!(tracker.arrived(&token(1), &inbox(at(5), "a"), &LIMITS), Noted::AfterLoss);
    assert!(matches!(state(&tracker), Some(State::Late(..))));
    assert_eq!(tracker.lost(at(701), &LIMITS), 0);
}

#[test]
fn an_uncertain_one_is_looked_for_and_never_lost() {
    let mut tracker = Tracker::default();
    tracker.plan(token(1), &["sink@example.org"], at(0)).unwrap();
    tracker.advance(at(4200), &LIMITS);
    assert_eq!((tracker.wanted().count(), tracker.lost(at(4200), &LIMITS)), (1, 0));
    let mut found = tracker.clone();
    assert_eq!(found.arrived(&token(1), &inbox(at(4200), "a"), &LIMITS), Noted::First);
    tracker.advance(at(4201), &LIMITS);
    assert_eq!(tracker.probes(), []);
}

#[test]
fn copies_are_told_apart() {
    let mut tracker = pending();
    let noted: Vec<Noted> = ["INBOX/7", "INBOX/7", "INBOX/8", "Junk/1", "INBOX/8"]
        .iter()
        .map(|copy| tracker.arrived(&token(1), &inbox(at(2), copy), &LIMITS))
        .collect();
    assert_eq!(noted, [Noted::First, Noted::Known, Noted::Again(2), Noted::Again(3), Noted::Known]);
    assert_eq!(tracker.arrived(&token(9), &inbox(at(2), "x"), &LIMITS), Noted::Stranger);
}

#[test]
fn a_bounce_counts_whatever_arrived() {
    let mut tracker = pending();
    assert_eq!(tracker.bounced(&token(1), at(3), "550 5.1.1 no such user"), Noted::First);
    assert_eq!(tracker.bounced(&token(1), at(4), "again"), Noted::Known);
    assert_eq!(state(&tracker), Some(&State::Bounced(at(3), "550 5.1.1 no such user".to_owned())));
    assert_eq!(tracker.arrived(&token(1), &inbox(at(5), "a"), &LIMITS), Noted::AfterBounce);
    assert_eq!((tracker.bounces(at(3603), &LIMITS), tracker.bounces(at(3604), &LIMITS)), (1, 0));
    let mut tracker = pending();
    tracker.arrived(&token(1), &inbox(at(1), "a"), &LIMITS);
    tracker.bounced(&token(1), at(3), "one of two aliases");
    assert_eq!(tracker.bounces(at(3), &LIMITS), 1);
}

#[test]
fn a_clock_set_back_makes_nothing_pending_for_ever() {
    let mut tracker = pending();
    let now = Duration::from_secs(BEGAN - 86400);
    tracker.advance(now, &LIMITS);
    assert_eq!(tracker.oldest_pending().map(|probe| probe.age(now)), Some(Duration::ZERO));
    tracker.advance(now + LIMITS.lost_after + MILLISECOND, &LIMITS);
    assert_eq!(tracker.pending(), 0);
    // Nor does a server whose clock is behind make it arrive before it was sent.
    let mut tracker = pending();
    tracker.arrived(&token(1), &inbox(Duration::from_secs(BEGAN - 50), "a"), &LIMITS);
    assert_eq!(tracker.last_completed().and_then(super::Probe::took), Some(Duration::ZERO));
}

#[test]
fn the_last_arrival_is_known_however_old() {
    let mut tracker = pending();
    tracker.arrived(&token(1), &inbox(at(2), "a"), &LIMITS);
    tracker.plan(token(2), &["sink@example.org"], at(10)).unwrap();
    tracker.accepted(&token(2), None, 1);
    tracker.arrived(&token(2), &inbox(at(12), "b"), &LIMITS);
    tracker.advance(at(1_000_000), &LIMITS);
    assert_eq!(tracker.probes().len(), 1);
    assert_eq!(tracker.last_completed().map(|probe| &probe.token), Some(&token(2)));
}

#[test]
fn room_is_made_by_the_lost_then_the_uncertain_and_never_by_the_pending() {
    let number = |number: usize| {
        let mut bytes = [0; 16];
        bytes[..8].copy_from_slice(&number.to_be_bytes());
        Token::from_bytes(bytes)
    };
    let mut tracker = Tracker::default();
    for index in 0..PROBES_LIMIT {
        tracker.plan(number(index), &["sink@example.org"], at(index as u64)).unwrap();
        if index != 1 {
            tracker.accepted(&number(index), None, 1);
        }
    }
    // The first is lost.
    tracker.advance(at(601), &LIMITS);
    let gone = |tracker: &Tracker, index| tracker.probe(&number(index)).is_none();
    assert!(!gone(&tracker, 0) && !gone(&tracker, 1));
    let now = at(602);
    tracker.plan(number(5000), &["sink@example.org"], now).unwrap();
    tracker.accepted(&number(5000), None, 1);
    assert!(gone(&tracker, 0) && !gone(&tracker, 1));
    tracker.plan(number(5001), &["sink@example.org"], now).unwrap();
    tracker.accepted(&number(5001), None, 1);
    assert!(gone(&tracker, 1));
    assert_eq!(tracker.plan(number(5002), &["sink@example.org"], now), Err(Full));
    assert_eq!(tracker.pending(), PROBES_LIMIT);
}

#[test]
fn the_largest_state_is_one_that_is_read_again() {
    let worst = "\"".repeat(1000);
    let mut tracker = Tracker::default();
    for index in 0..3000_usize {
        let mut bytes = [0; 16];
        bytes[..8].copy_from_slice(&index.to_be_bytes());
        let token = Token::from_bytes(bytes);
        tracker.plan(token.clone(), &[&worst], at(0)).unwrap();
        tracker.accepted(&token, Some(&worst), 1);
        if index < 2000 {
            for copy in 0..20 {
                let place = Place { folder: worst.clone(), is_junk: true };
                let arrival = Arrival { at: at(1), place, copy: format!("{copy}{worst}") };
                tracker.arrived(&token, &arrival, &LIMITS);
            }
            if index % 2 == 0 {
                tracker.bounced(&token, at(1), &worst);
            }
        }
        tracker.advance(at(1), &LIMITS);
    }
    let text = file::write(&instance(), &tracker);
    assert!(text.len() < 1024 * 1024, "{}", text.len());
    assert_eq!(file::read(text.as_bytes(), &instance()), Ok(tracker));
}

fn instance() -> Instance {
    "0123456789abcdef".parse().unwrap()
}

#[test]
fn texts_that_are_no_state() {
    let good = file::write(&instance(), &pending());
    assert_eq!(file::read(good.as_bytes(), &instance()), Ok(pending()));
    let newer = good.replace("\"schema\":1", "\"schema\":2");
    assert_eq!(file::read(newer.as_bytes(), &instance()), Err(Unreadable::Newer(2)));
    let broken = [
        String::new(),
        "null".to_owned(),
        "{}".to_owned(),
        good.replace("\"schema\":1", "\"schema\":-1"),
        good.replace("0123456789abcdef", "another"),
        good.replace("\"pending\"", "\"late\""),
        good.replace("\"pending\"", "\"odd\""),
        good.replace("\"sent\"", "\"send\""),
        good.replace("0101", "010"),
        json!({ "schema": 1, "instance": instance().as_str(), "probes": [1] }).to_string(),
    ];
    for text in broken {
        assert!(matches!(file::read(text.as_bytes(), &instance()), Err(Unreadable::Corrupt(_))), "{text}");
    }
    // Cut anywhere, it is broken, never half.
    for end in 0..good.len() {
        assert!(file::read(&good.as_bytes()[..end], &instance()).is_err(), "{end}");
    }
}

/// A generator for repeatable tests.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }
}

/// What must hold after each step, whatever happened.
fn invariants(before: &Tracker, after: &Tracker, now: Duration) {
    for probe in before.probes().iter().filter(|probe| probe.state == State::Pending) {
        assert!(after.probe(&probe.token).is_some(), "a pending one was forgotten");
    }
    let open = after.probes().iter().filter(|probe| probe.completed().is_none()).count();
    assert_eq!(open, after.pending() + after.uncertain());
    assert!(after.probes().windows(2).all(|pair| pair[0].sent <= pair[1].sent));
    for probe in after.probes() {
        match &probe.state {
            State::Lost(at) => assert!(now.saturating_sub(*at) <= LIMITS.window),
            State::Pending => assert!(probe.age(now) <= LIMITS.lost_after),
            State::Received(..) => assert!(probe.took().unwrap() <= LIMITS.late_after),
            State::Uncertain => assert!(probe.age(now) <= LIMITS.lost_after + LIMITS.window),
            State::Late(..) | State::Bounced(..) => {}
        }
    }
    assert_eq!(file::read(file::write(&instance(), after).as_bytes(), &instance()).as_ref(), Ok(after));
}

#[test]
fn random_lives() {
    for seed in 0..40 {
        let mut dice = Dice(seed);
        let (mut tracker, mut now) = (Tracker::default(), at(0));
        let mut tokens: Vec<Token> = Vec::new();
        for _ in 0..400 {
            let before = tracker.clone();
            now += Duration::from_secs(
                [0, 1, 59, 60, 61, 599, 600, 601, 3600][usize::try_from(dice.roll(9)).unwrap()],
            );
            let some = |dice: &mut Dice| {
                let number = usize::try_from(dice.roll(tokens.len().max(1) as u64)).unwrap();
                tokens.get(number).cloned().unwrap_or_else(|| token(0))
            };
            match dice.roll(6) {
                0 | 1 => {
                    let mut bytes = [0; 16];
                    bytes[..8].copy_from_slice(&(tokens.len() as u64).to_be_bytes());
                    let token = Token::from_bytes(bytes);
                    tracker.plan(token.clone(), &["sink@example.org"], now).unwrap();
                    if dice.roll(4) > 0 {
                        tracker.accepted(&token, None, 1);
                    }
                    tokens.push(token);
                }
                2 => tracker.withdrawn(&some(&mut dice)),
                3 | 4 => {
                    let copy = dice.roll(3).to_string();
                    tracker.arrived(&some(&mut dice), &inbox(now, &copy), &LIMITS);
                }
                _ => {
                    tracker.bounced(&some(&mut dice), now, "550");
                }
            }
            tracker.advance(now, &LIMITS);
            invariants(&before, &tracker, now);
        }
    }
}
