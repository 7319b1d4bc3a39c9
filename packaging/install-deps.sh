#!/bin/sh
# Installs what a task needs and the machine does not have: install-deps.sh demo|test|bench. Prints what it installs.
set -eu
task=${1:?give demo, test or bench}

if ! command -v cargo >/dev/null; then
    echo "A Rust toolchain is needed: https://rustup.rs" >&2
    exit 1
fi

if command -v apt-get >/dev/null; then
    system=debian
elif command -v dnf >/dev/null; then
    system=fedora
else
    echo "Neither apt-get nor dnf is here. Install by hand: a C compiler, pkg-config, the headers of OpenSSL;" >&2
    echo "for the tests also Postfix, Dovecot, Knot DNS with kzonesign, Unbound, nginx, Postgrey, util-linux, Python 3, SpamAssassin." >&2
    exit 0
fi

installed() {
    case $system in
    debian) dpkg-query -W -f '${Status}' "$1" 2>/dev/null | grep -q 'ok installed' ;;
    fedora) rpm -q "$1" >/dev/null 2>&1 ;;
    esac
}

# Debian's name, then Fedora's; what Fedora does not have is left out there, and its test skipped.
packages="gcc:gcc libc6-dev:glibc-devel pkg-config:pkgconf-pkg-config libssl-dev:openssl-devel ca-certificates:ca-certificates"
case $task in
demo) ;;
test)
    packages="$packages openssl:openssl postfix:postfix dovecot-core:dovecot dovecot-lmtpd:dovecot dovecot-imapd:dovecot dovecot-pop3d:dovecot dovecot-sieve:dovecot-pigeonhole sasl2-bin:cyrus-sasl libsasl2-modules:cyrus-sasl-md5 libsasl2-modules-db:cyrus-sasl-plain knot:knot knot-dnssecutils:knot-dnssecutils unbound:unbound nginx-light:nginx postgrey:postgrey util-linux:util-linux python3:python3 spamassassin:spamassassin gnupg:gnupg2 pass:pass g++:gcc-c++ perl:perl make:make"
    # MailDev comes from npm.
    command -v npm >/dev/null || packages="$packages nodejs:nodejs npm:nodejs-npm"
    # What makes and tries the packages.
    packages="$packages musl-tools:musl-gcc binutils:binutils xz-utils:xz dpkg-dev:dpkg rpm:rpm-build rpmlint:rpmlint lintian: mandoc:mandoc debootstrap:debootstrap zsh:zsh fish:fish"
    # The engines that run the checks. php-cgi comes before what needs php, which then asks for no module of a web server.
    packages="$packages nagios4-core:nagios nagios-nrpe-server:nrpe nagios-nrpe-plugin:nagios-plugins-nrpe icinga2-bin:icinga2 php-cgi: php-cli: php-pgsql: zabbix-server-pgsql: zabbix-frontend-php: postgresql: curl:curl"
    ;;
bench)
    packages="$packages openssl:openssl monitoring-plugins-basic:nagios-plugins-smtp valgrind:valgrind strace:strace time:time perl:perl make:make util-linux:util-linux knot:knot knot-dnssecutils:knot-dnssecutils"
    # check_ssl_cert and check_smtp_send (formerly in nagios-plugins-contrib; the second needs Perl's own modules alone), and what the first
    # refuses to start without. Fedora has no package of them: put them into the plugin directory by hand there.
    packages="$packages monitoring-plugins-contrib: bc:bc bind9-host:bind-utils curl:curl file:file musl-tools:musl-gcc"
    # The engines of 'cargo xtask bench engines'.
    packages="$packages nagios4-core:nagios icinga2-bin:icinga2"
    ;;
*)
    echo "give demo, test or bench, not '$task'" >&2
    exit 1
    ;;
esac

missing=
for pair in $packages; do
    case $system in
    debian) name=${pair%%:*} ;;
    fedora) name=${pair##*:} ;;
    esac
    [ -z "$name" ] || installed "$name" || missing="$missing $name"
done

as_root=
if [ -n "$missing" ] && [ "$(id -u)" != 0 ]; then
    if command -v sudo >/dev/null; then
        as_root=sudo
    else
        echo "Missing, and neither root nor sudo is here to install them:$missing" >&2
        exit 0
    fi
fi

if [ -n "$missing" ]; then
    echo "Installing:$missing"
    case $system in
    debian)
        $as_root apt-get update -qq
        # A server that is installed for a test must not be started by its package.
        policy=/usr/sbin/policy-rc.d
        made_policy=
        if [ ! -e $policy ]; then
            made_policy=yes
            printf '#!/bin/sh\nexit 101\n' | $as_root tee $policy >/dev/null
            $as_root chmod 755 $policy
        fi
        status=0
        # shellcheck disable=SC2086
        $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null || status=$?
        [ -z "$made_policy" ] || $as_root rm -f $policy
        [ $status = 0 ] || exit $status
        ;;
    fedora)
        # shellcheck disable=SC2086
        $as_root dnf install -y -q $missing
        ;;
    esac
fi

# Cargo's own tools: CI needs them, elsewhere their steps are skipped.
if [ "$task" = test ] && [ -n "${CI:-}" ]; then
    for tool in cargo-deny@0.20.2 cargo-fuzz@0.13.2; do
        if ! command -v "${tool%@*}" >/dev/null; then
            echo "Installing: $tool (cargo install)"
            cargo install --locked --quiet "$tool"
        fi
    done
fi

# MailDev, a sandbox for mail that a test looks into; where npm is, and as root.
if [ "$task" = test ] && [ "$(id -u)" = 0 ] && command -v npm >/dev/null && ! command -v maildev >/dev/null; then
    version=3.0.0
    [ "$(node -p 'process.versions.node.split(".")[0]')" -ge 20 ] || version=2.2.1
    echo "Installing: maildev@$version (npm)"
    npm install --global --silent --no-audit --no-fund "maildev@$version" >/dev/null
fi
