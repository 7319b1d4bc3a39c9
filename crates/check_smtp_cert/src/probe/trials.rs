//! Connections of their own for each version and for the injection, after the sessions that everything else is judged by.

use std::net::SocketAddr;

use check_smtp_core::contact::Way;
use check_smtp_core::error::{Cause, Failure};
use check_smtp_core::hello::Offer;
use check_smtp_core::net::{Deadline, parallel};
use check_smtp_core::secret;
use check_smtp_core::timeline::Phase;

use super::hosts::Place;
use super::spots;
use crate::args::Server;
use crate::facts::{Facts, Offered};

/// Trials at the same time: they ask one server again and again, which may count connections.
const AT_ONCE: usize = 16;

/// A place, and its addresses that are taken as one.
struct Door<'a> {
    way: Way<'a>,
    addresses: Vec<SocketAddr>,
    /// Host and address; empty where there is only one door.
    name: String,
}

/// Tries every version and the injection, as far as they are asked for, at each door.
pub fn try_out(server: &Server, places: &[Place], deadline: Deadline, facts: &mut Facts) {
    let doors = doors(server, places, facts);
    let offers = server.forbidden.iter().flat_map(|_| Offer::ALL);
    let offered: Vec<(&Door<'_>, Offer)> =
        offers.flat_map(|offer| doors.iter().map(move |door| (door, offer))).collect();
    facts.versions = parallel::each(&offered, AT_ONCE, |(door, offer)| {
        let answer = match secret::random::<32>() {
            Ok(random) => {
                let hello = offer.client_hello(door.way.tls.sni.as_deref(), random);
                door.way.offer(&door.addresses, deadline, &hello)
            }
            Err(words) => Err(Failure::new(Phase::Tls, Cause::Local(words))),
        };
        Offered { place: door.name.clone(), offer: *offer, answer }
    });
    if server.tests_injection {
        facts.injections = parallel::each(&doors, AT_ONCE, |door| {
            (door.name.clone(), door.way.inject(&door.addresses, deadline))
        });
    }
}

fn doors<'a>(server: &'a Server, places: &'a [Place], facts: &Facts) -> Vec<Door<'a>> {
    let mut doors = Vec::new();
    for (place, host) in places.iter().zip(&facts.hosts) {
        let way = Way { target: &place.target, mode: server.mode, tls: &place.tls, keeps_dialogue: false };
        for addresses in host.addresses.iter().flat_map(|addresses| spots(server, addresses)) {
            let address = addresses.first().filter(|_| server.asks_each_address);
            let host = (places.len() > 1).then(|| host.name.clone());
            let words = host.into_iter().chain(address.map(|address| address.ip().to_string()));
            let name = words.collect::<Vec<_>>().join(" ");
            doors.push(Door { way, addresses, name });
        }
    }
    if let [only] = doors.as_mut_slice() {
        only.name.clear();
    }
    doors
}
