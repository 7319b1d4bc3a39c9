//! Sends the message. Decides nothing: whatever happens is a fact.

mod arrival;
mod keeper;
mod material;
mod route;

use check_smtp_core::cli::Target;
use check_smtp_core::contact::{Contact, Way, login, token};
use check_smtp_core::error::{Cause, Failure};
use check_smtp_core::net::{Deadline, clock, own_name};
use check_smtp_core::secret;
use check_smtp_core::session::{Channel, Fate, Order, Record, Session, Stopped};
use check_smtp_core::smtp::sasl::Credentials;
use check_smtp_core::smtp::{Dsn, Envelope, Mailbox, Message};
use check_smtp_core::timeline::{Phase, Timeline};

use self::arrival::Watch;
use self::keeper::{Keeper, RESERVE};
use self::route::Hosts;
use crate::args::{Config, Content, LoginPlan, Mode, Route};
use crate::facts::{Attempt, Facts, Visit};
use crate::mark::Mark;
use crate::message::{self, Letter};
use crate::tracker::{Instance, Token};

/// Builds the message, then hands it to the first host that is reached.
pub fn probe(config: &Config, deadline: Deadline) -> Facts {
    let mut facts = Facts {
        mark: None,
        message_id: None,
        size: None,
        exchangers: None,
        lookup: Timeline::default(),
        visits: Vec::new(),
        arrival: None,
        history: None,
    };
    let mut lookup = Timeline::default();
    let mut attempt = Attempt::default();
    match prepare(config, &mut facts, &mut lookup, &mut attempt, deadline) {
        Ok(ready) => send_and_look(config, ready, &lookup, &attempt, &mut facts, deadline),
        Err(failure) => facts.visits.push(Visit {
            target: config.target.clone(),
            contact: Contact::none(config.target.port, lookup, failure, deadline),
            login: attempt,
            fates: Vec::new(),
        }),
    }
    facts
}

/// The mailbox is opened before the message is sent, so that what comes after that is new, and looked through for what earlier runs have
/// sent. The message is noted before it is sent: no crash forgets it.
fn send_and_look(
    config: &Config,
    ready: Ready,
    lookup: &Timeline,
    attempt: &Attempt,
    facts: &mut Facts,
    deadline: Deadline,
) {
    let (Some(receive), Some(tracking), Some(mark)) = (&config.receive, config.tracking, facts.mark.clone())
    else {
        return visit_all(config, ready, lookup, attempt, facts, deadline);
    };
    let opened = deadline.elapsed();
    let keeper = Keeper::open(config, tracking, &mark, deadline);
    let keeper = match keeper.usable() {
        Ok(keeper) => keeper,
        Err(history) => {
            facts.history = Some(*history);
            return;
        }
    };
    let mut watch = Watch::open(config, receive, keeper, &mark, ready.credentials.as_ref(), deadline);
    watch.look_back(deadline);
    if !watch.keeper().plan(&config.envelope.to) {
        return finish(watch, facts);
    }
    // Opening it is no part of the sending, which must leave time to look for a message that nobody has answered.
    let sending = deadline.without(deadline.elapsed().saturating_sub(opened));
    let left = sending.left();
    let after = if tracking.mode == Mode::Wait { receive.wait } else { RESERVE };
    let share = left.saturating_sub(after).max(left / 2);
    visit_all(config, ready, lookup, attempt, facts, sending.part(share));
    let fates = facts.visits.last().map(|visit| visit.fates.as_slice()).unwrap_or_default();
    watch.keeper().sent(fates);
    if tracking.mode == Mode::Wait {
        watch.wait(keeper::expected(fates), sending);
    }
    finish(watch, facts);
}

fn finish(watch: Watch<'_>, facts: &mut Facts) {
    let (arrival, history) = watch.finish();
    (facts.arrival, facts.history) = (Some(arrival), Some(history));
}

/// All that is needed before a server is asked.
struct Ready {
    hosts: Hosts,
    credentials: Option<Credentials>,
    envelope: Envelope,
    message: Message,
}

fn prepare(
    config: &Config,
    facts: &mut Facts,
    lookup: &mut Timeline,
    attempt: &mut Attempt,
    deadline: Deadline,
) -> Result<Ready, Failure> {
    let local = |words| Failure::new(Phase::Body, Cause::Local(words));
    let host = own_name::name();
    let mark = mark(config, &host).map_err(local)?;
    facts.mark = Some(mark.clone());
    let message = message(config, &mark, &host, facts, deadline).map_err(local)?;
    let plan = config.login.as_ref();
    let credentials = plan.map(|plan| credentials(config, plan, lookup, attempt, deadline)).transpose()?;
    let hosts = route::find(config, deadline)?;
    Ok(Ready { hosts, credentials, envelope: envelope(config, &mark), message })
}

/// A token nobody has had before, under the name of this route.
fn mark(config: &Config, host: &str) -> Result<Mark, String> {
    let Config { envelope, target, .. } = config;
    let instance = envelope.instance.clone().unwrap_or_else(|| {
        let to: Vec<&str> = envelope.to.iter().map(Mailbox::address).collect();
        let arrival = arrival::named(config);
        Instance::of_route(host, envelope.from.address(), &to, &target.endpoint(target.port), &arrival)
    });
    Ok(Mark { instance, token: Token::from_bytes(secret::random()?) })
}

fn message(
    config: &Config,
    mark: &Mark,
    host: &str,
    facts: &mut Facts,
    deadline: Deadline,
) -> Result<Message, String> {
    let target = &config.target;
    let way = match &config.route {
        Route::Server => target.endpoint(target.port),
        Route::Domain(domain) => format!("MX of {domain}"),
    };
    let (from, to) = (config.envelope.from.clone(), config.envelope.to.clone());
    let (mark, host, now) = (mark.clone(), host.to_owned(), clock::now());
    let message = match &config.content {
        Content::Eml(path) => {
            let eml = material::file("--eml", path, deadline)?;
            let shown = path.display().to_string();
            bounded(true, deadline, move || {
                message::mark_up(&mark, &eml).map_err(|words| format!("--eml '{shown}': {words}"))
            })?
        }
        Content::Built(parts) => {
            let material = material::read(parts, deadline)?;
            facts.message_id = Some(message::message_id(&from, &to, &mark));
            let parts = parts.clone();
            bounded(!parts.is_small(), deadline, move || {
                let letter = Letter { from: &from, to: &to, mark: &mark, host: &host, way: &way, now };
                message::build(letter, &parts, &material)
            })?
        }
    };
    facts.size = Some(message.size());
    Ok(message)
}

/// Encoding a large message takes its time: that is done where the deadline holds, on a thread of its own.
fn bounded(
    is_large: bool,
    deadline: Deadline,
    work: impl FnOnce() -> Result<Vec<u8>, String> + Send + 'static,
) -> Result<Message, String> {
    let whole = move || work().map(|bytes| Message::new(&bytes));
    let built = if is_large { clock::within(deadline, whole) } else { Some(whole()) };
    built.filter(|_| !deadline.left().is_zero()).unwrap_or_else(|| {
        Err("building the message took all of the time: give more with -t, or a smaller message".to_owned())
    })
}

fn envelope(config: &Config, mark: &Mark) -> Envelope {
    let token = mark.token.as_str();
    let plain = &config.envelope.from;
    let from = config.envelope.has_verp.then(|| plain.with_detail(token)).flatten();
    let notify = config.envelope.notify.clone();
    Envelope {
        from: from.unwrap_or_else(|| plain.clone()),
        to: config.envelope.to.clone(),
        dsn: notify.map(|notify| Dsn { notify, envelope_id: token.to_owned() }),
    }
}

fn credentials(
    config: &Config,
    plan: &LoginPlan,
    timeline: &mut Timeline,
    attempt: &mut Attempt,
    deadline: Deadline,
) -> Result<Credentials, Failure> {
    let local = |words| Failure::new(Phase::Auth, Cause::Local(words));
    attempt.user = plan.account.user(deadline).map_err(local)?;
    let secret = match &plan.token {
        None => plan.account.secret(deadline).map_err(local)?,
        Some(request) => {
            let (secret, origin) = token::get(request, config.state_dir.as_deref(), timeline, deadline)?;
            attempt.token = Some(origin);
            secret
        }
    };
    Ok(Credentials { user: attempt.user.clone(), authorization: plan.account.authorization.clone(), secret })
}

/// One host after the other, until one was reached: from then on the message is its, whatever it says.
fn visit_all(
    config: &Config,
    ready: Ready,
    lookup: &Timeline,
    attempt: &Attempt,
    facts: &mut Facts,
    deadline: Deadline,
) {
    let mut left = ready.hosts.targets.len();
    for target in &ready.hosts.targets {
        let mut lookup = lookup.clone();
        lookup.extend(&ready.hosts.lookup);
        // A host that does not answer must leave the others the time to be asked.
        let patience = deadline.at_most(deadline.left() / u32::try_from(left).unwrap_or(1).max(1));
        let visit = visit(config, &ready, target, lookup, attempt.clone(), (deadline, patience));
        left -= 1;
        let leads_on = visit.leads_on();
        facts.visits.push(visit);
        if !leads_on {
            break;
        }
    }
    facts.lookup = ready.hosts.lookup;
    facts.exchangers = ready.hosts.exchangers;
}

fn visit(
    config: &Config,
    ready: &Ready,
    target: &Target,
    mut lookup: Timeline,
    mut attempt: Attempt,
    (deadline, patience): (Deadline, Deadline),
) -> Visit {
    let tls = route::tls(config, target);
    let way = Way { target, mode: config.mode, tls: &tls, keeps_dialogue: config.style.verbosity >= 3 };
    let mut fates = Vec::new();
    let contact = match ready.hosts.addresses(&way, &mut lookup, patience) {
        Err(failure) => Contact::none(target.port, lookup, failure, deadline),
        Ok(addresses) => {
            way.contact_within(target.port, &addresses, &lookup, (deadline, patience), |session, record| {
                send(config, ready, session, record, (&mut attempt, &mut fates))
            })
        }
    };
    forget_token(config, &attempt, deadline);
    Visit { target: target.clone(), contact, login: attempt, fates }
}

fn send(
    config: &Config,
    ready: &Ready,
    mut session: Session,
    record: &mut Record,
    (attempt, fates): (&mut Attempt, &mut Vec<Fate>),
) -> Result<Channel, Stopped> {
    if let (Some(plan), Some(credentials)) = (&config.login, &ready.credentials) {
        let (kind, mechanisms) = (plan.account.kind, &plan.mechanisms);
        session = login::log_in(session, record, credentials.clone(), kind, mechanisms, &mut attempt.login)?;
    }
    let order = Order {
        envelope: &ready.envelope,
        message: &ready.message,
        protocol: config.target.protocol,
        is_chunked: config.envelope.is_chunked,
        stop_after: config.envelope.stop_after,
    };
    session.deliver(order, record, fates)
}

/// A kept token that was refused is of no more use.
fn forget_token(config: &Config, attempt: &Attempt, deadline: Deadline) {
    if let Some(plan) = config.login.as_ref().filter(|_| login::was_refused(attempt.login.as_ref()))
        && let Some(request) = &plan.token
    {
        token::forget(request, config.state_dir.as_deref(), deadline);
    }
}
