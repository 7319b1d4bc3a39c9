//! NRPE on the mail server itself, and Checkmk's MRPE, which runs the same lines.

use std::fmt::Write as _;

use super::{ORIGIN, option};
use crate::registry::{CHECKS, Check, Service, Value};

/// Where Debian and Fedora (as a link) keep plugins.
const DIRECTORY: &str = "/usr/lib/nagios/plugins";

/// Where the packages put the file of options.
const OPTIONS: &str = "/etc/smtp-monitoring-plugins/mail.ini";

/// `command[...]` lines; arguments from the other side are not taken (NRPE is built without them, for good reason).
pub fn nrpe() -> String {
    let mut text = format!("# {ORIGIN}\n#\n{}", explanation());
    for (check, service) in services() {
        let _ = writeln!(
            text,
            "command[{}]={DIRECTORY}/{} {}",
            command_name(check, service),
            check.program,
            local_words(service)
        );
    }
    text
}

/// Lines for `mrpe.cfg` of the Checkmk agent.
pub fn mrpe() -> String {
    let mut text = format!("# {ORIGIN}\n#\n# Lines for mrpe.cfg of the Checkmk agent.\n{}", explanation());
    for (check, service) in services() {
        let title = service.title.replace(' ', "_");
        let _ = writeln!(text, "{title} {DIRECTORY}/{} {}", check.program, local_words(service));
    }
    text
}

/// The program's name for its first service, and the service's behind it for any further one.
fn command_name(check: &Check, service: &Service) -> String {
    if check.services.first().is_some_and(|first| first.name == service.name) {
        check.program.to_owned()
    } else {
        format!("{}_{}", check.program, service.name)
    }
}

/// Every sample service with its check.
fn services() -> impl Iterator<Item = (&'static Check, &'static Service)> {
    CHECKS.iter().flat_map(|check| check.services.iter().map(move |service| (check, service)))
}

/// Whether a service needs to be told something that is different on every host.
fn needs_section(service: &Service) -> bool {
    service.options.iter().any(|(_, value)| *value == Value::HostName)
}

/// What a line says to a server on this host. What no two hosts share stands in a section with the service's name.
fn local_words(service: &Service) -> String {
    if needs_section(service) {
        format!("--extra-opts={}@{OPTIONS}", service.name)
    } else {
        format!("--hostname localhost {}", option::words(service, "localhost"))
    }
}

/// Which sections the lines want, as comments.
fn explanation() -> String {
    let mut text = format!(
        "# Lines with --extra-opts take their options, the host name in the certificate and the place of a secret among them, from a\n\
         # section of {OPTIONS}, which has to be written first, such as:\n"
    );
    for (_, service) in services().filter(|(_, service)| needs_section(service)) {
        let _ = writeln!(text, "#\n#   [{}]\n#   hostname = localhost", service.name);
        for (name, value) in service.options {
            let _ = match value {
                Value::Given => writeln!(text, "#   {name}"),
                Value::Text(value) => writeln!(text, "#   {name} = {value}"),
                Value::HostName => writeln!(text, "#   {name} = mail.example.org"),
            };
        }
    }
    text.push('\n');
    text
}
