//! Nagios Core and Naemon: commands, and sample services.

use std::fmt::Write as _;

use super::{ORIGIN, option, question};
use crate::registry::CHECKS;

/// `$ARG1$` stands without quotes, so that several options fit into it; what holds blanks is quoted where the service is defined.
pub fn commands() -> String {
    let mut text = format!(
        "# {ORIGIN}\n\
         #\n\
         # $ARG1$ takes any number of options as one would type them: check_smtp_conn!--starttls --warning 1 --critical 3\n\
         # A value with blanks needs quotes, '!' in a value is written '\\!', '$' is written '$$'. See the man pages.\n\
         # No secret belongs here: options name a file (--password-file), a variable (--password-env) or a section of an ini file\n\
         # (--extra-opts=section@file).\n"
    );
    for check in &CHECKS {
        let program = check.program;
        let _ = write!(
            text,
            "\n# {}\ndefine command {{\n    command_name    {program}\n    \
             command_line    $USER1$/{program} --hostname '$HOSTADDRESS$' $ARG1$\n}}\n",
            question(check)
        );
    }
    text
}

/// Services on `mail.example.org`; they are to be copied and edited, nothing includes them.
pub fn services() -> String {
    let mut text = format!(
        "# {ORIGIN}\n\
         #\n\
         # Samples to copy. host_name is a host of yours; the name in its certificate is taken from it (--sni $HOSTNAME$).\n"
    );
    for check in &CHECKS {
        for service in check.services {
            let _ = write!(
                text,
                "\ndefine service {{\n    use                    generic-service\n    host_name              mail.example.org\n    \
                 service_description    {}\n    check_command          {}!{}\n}}\n",
                service.title,
                check.program,
                option::words(service, "$HOSTNAME$")
            );
        }
    }
    text
}
