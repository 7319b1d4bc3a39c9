//! What the ports of mail are for.

/// A well-known mail port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Role {
    /// The port.
    pub port: u16,
    /// What it is for.
    pub name: &'static str,
}

/// Port roles (RFC 5321, 6409, 8314, 2033; 2525 is a custom of providers).
const ROLES: [Role; 5] = [
    Role { port: 24, name: "LMTP" },
    Role { port: 25, name: "relay between servers" },
    Role { port: 465, name: "submission, implicit TLS" },
    Role { port: 587, name: "submission" },
    Role { port: 2525, name: "submission, unofficial" },
];

/// What a port is for; "other" when it is no mail port.
pub fn of_port(port: u16) -> &'static str {
    ROLES.iter().find(|role| role.port == port).map_or("other", |role| role.name)
}
