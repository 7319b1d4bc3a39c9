//! OpenSSL's context: what handshakes have in common is made once, by the first of them.

use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use openssl::error::ErrorStack;
use openssl::pkey::{PKey, Private};
use openssl::ssl::{
    SslContext, SslContextBuilder, SslMethod, SslOptions, SslSessionCacheMode, SslVerifyMode, SslVersion,
};
use openssl::x509::X509;

use super::{KeyKind, Version, local, openssl_words, read_local};
use crate::error::Cause;
use crate::net::clock::Deadline;
use crate::secret::Stored;

/// Key exchange groups offered: all classic ones, X25519 first. The hybrid post-quantum group that OpenSSL 3.5 adds costs a second
/// key pair in every hello, and no mail server asks for it alone.
const GROUPS: &str = "X25519:P-256:X448:P-384:P-521:ffdhe2048:ffdhe3072";

/// What is the same for every server: the greatest version, our own certificate.
///
/// Clones share the OpenSSL contexts made from it, which cost 8 M instructions each: one for each kind of key that is asked for, made
/// by the first handshake that needs it. What they are made of cannot be changed, so none is ever out of date.
#[derive(Clone, Debug)]
pub struct Context {
    greatest: Option<Version>,
    client: Option<ClientCertificate>,
    made: Arc<Made>,
}

/// The contexts made so far, by the kind of key; one that could not be made stays so.
#[derive(Debug, Default)]
struct Made {
    any: OnceLock<Result<SslContext, Cause>>,
    rsa: OnceLock<Result<SslContext, Cause>>,
    ecdsa: OnceLock<Result<SslContext, Cause>>,
}

/// A client certificate and where its key is.
#[derive(Clone, Debug)]
pub struct ClientCertificate {
    /// PEM chain, leaf first.
    pub certificate: PathBuf,
    /// PEM key.
    pub key: PathBuf,
    /// Passphrase of the key.
    pub passphrase: Option<Stored>,
}

impl Context {
    /// Offers versions up to `greatest` (`None`: all), and shows `client` to servers that ask. Touches neither OpenSSL nor files.
    pub fn new(greatest: Option<Version>, client: Option<ClientCertificate>) -> Self {
        Self { greatest, client, made: Arc::default() }
    }

    /// OpenSSL's context for a kind of key. Threads that come while it is made wait for it.
    pub(super) fn of(&self, kind: Option<KeyKind>, deadline: Deadline) -> Result<&SslContext, Cause> {
        let place = match kind {
            None => &self.made.any,
            Some(KeyKind::Rsa) => &self.made.rsa,
            Some(KeyKind::Ecdsa) => &self.made.ecdsa,
        };
        place.get_or_init(|| self.make(kind, deadline)).as_ref().map_err(Clone::clone)
    }

    fn make(&self, kind: Option<KeyKind>, deadline: Deadline) -> Result<SslContext, Cause> {
        let client = self.client.as_ref().map(|client| load(client, deadline)).transpose()?;
        build(self.greatest, kind, client.as_ref()).map_err(|error| Cause::Handshake(openssl_words(&error)))
    }
}

fn build(
    greatest: Option<Version>,
    kind: Option<KeyKind>,
    client: Option<&LoadedClient>,
) -> Result<SslContext, ErrorStack> {
    let mut context = SslContextBuilder::new(SslMethod::tls_client())?;
    context.set_verify(SslVerifyMode::NONE);
    context.set_read_ahead(true);
    // We look at servers as they are: old ones must get as far as the verdict that calls them old.
    context.set_security_level(0);
    context.set_min_proto_version(Some(SslVersion::TLS1))?;
    context.set_max_proto_version(greatest.map(Version::to_openssl))?;
    context.set_options(SslOptions::NO_COMPRESSION);
    // A session that is resumed shows no certificate.
    context.set_session_cache_mode(SslSessionCacheMode::OFF);
    context.set_groups_list(GROUPS)?;
    if let Some(kind) = kind {
        context.set_sigalgs_list(kind.signatures())?;
        context.set_cipher_list(kind.ciphers())?;
    }
    if let Some(client) = client {
        let mut certificates = client.chain.iter();
        if let Some(leaf) = certificates.next() {
            context.set_certificate(leaf)?;
        }
        for intermediate in certificates {
            context.add_extra_chain_cert(intermediate.clone())?;
        }
        context.set_private_key(&client.key)?;
        context.check_private_key()?;
    }
    Ok(context.build())
}

struct LoadedClient {
    chain: Vec<X509>,
    key: PKey<Private>,
}

fn load(client: &ClientCertificate, deadline: Deadline) -> Result<LoadedClient, Cause> {
    let passphrase = client.passphrase.as_ref().map(|source| source.read(deadline)).transpose();
    let passphrase =
        passphrase.map_err(|words| Cause::Local(format!("passphrase of the client key: {words}")))?;
    let certificate = read_local("--client-cert", &client.certificate, deadline)?;
    let key = read_local("--client-key", &client.key, deadline)?;
    let chain = X509::stack_from_pem(&certificate).ok().filter(|chain| !chain.is_empty());
    let chain =
        chain.ok_or_else(|| local("--client-cert", &client.certificate, "no PEM certificate in it"))?;
    // With the callback OpenSSL never asks at a terminal.
    let key = PKey::private_key_from_pem_callback(&key, |buffer| {
        let secret = passphrase.as_ref().map_or("", |secret| secret.expose()).as_bytes();
        let room = buffer.get_mut(..secret.len()).ok_or_else(ErrorStack::get)?;
        room.copy_from_slice(secret);
        Ok(secret.len())
    });
    let key = key.map_err(|_| {
        local("--client-key", &client.key, "no PEM key in it, or the passphrase is wrong or missing")
    })?;
    Ok(LoadedClient { chain, key })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use openssl::ssl::SslContext;

    use super::{ClientCertificate, Context, Deadline, KeyKind};
    use crate::net::parallel;

    fn deadline() -> Deadline {
        Deadline::after(Duration::from_secs(60))
    }

    #[test]
    fn clones_on_all_threads_share_one_context_for_each_kind_of_key() {
        let context = Context::new(None, None);
        let kinds = [None, Some(KeyKind::Rsa), Some(KeyKind::Ecdsa)];
        let plans: Vec<_> = kinds.into_iter().cycle().take(24).map(|kind| (context.clone(), kind)).collect();
        let of = |(context, kind): &(Context, Option<KeyKind>)| -> SslContext {
            context.of(*kind, deadline()).unwrap().clone()
        };
        // Held until the end, so that no address is given out twice.
        let made = parallel::each(&plans, 8, of);
        let address = |made: &SslContext| std::ptr::from_ref(&**made).addr();
        let mut addresses: Vec<usize> = made.iter().map(address).collect();
        assert!(addresses.iter().zip(addresses.iter().skip(3)).all(|(one, next)| one == next));
        addresses.sort_unstable();
        addresses.dedup();
        assert_eq!(addresses.len(), 3);
    }

    #[test]
    fn a_client_certificate_that_cannot_be_read_is_told_to_everybody() {
        let nowhere = std::path::PathBuf::from("nowhere.pem");
        let client = ClientCertificate { certificate: nowhere.clone(), key: nowhere, passphrase: None };
        let context = Context::new(None, Some(client));
        let first = context.of(None, deadline()).err();
        assert!(format!("{first:?}").contains("nowhere.pem"));
        assert_eq!(context.clone().of(None, deadline()).err(), first);
    }
}
