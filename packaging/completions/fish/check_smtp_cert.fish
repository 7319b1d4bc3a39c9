complete -c check_smtp_cert -s H -l hostname -d 'Host name, address ([2001:db8::5] or bare) or absolute path of a Unix socket' -r
complete -c check_smtp_cert -s I -l address -d 'Connect to this address or name instead; -H stays the name that is checked' -r
complete -c check_smtp_cert -s p -l port -d 'Port [default: 25 (for a login 587), 465 with -s, 24 with -L]' -r
complete -c check_smtp_cert -l source-address -d 'Connect from this address of the monitoring host' -r
complete -c check_smtp_cert -s F -l fqdn -d 'Name to introduce ourselves by [default: this host\'s full name, else its address]' -r
complete -c check_smtp_cert -l proxy-protocol -d 'Open the connection with a PROXY header carrying its real addresses (v1 or v2)' -r
complete -c check_smtp_cert -l mx -d 'Ask all mail servers of this domain (its MX hosts, without any the domain itself) instead of -H' -r
complete -c check_smtp_cert -l dane -d 'Hold certificates against TLSA records (RFC 7672): off, opportunistic (where there are any with a proof of DNSSEC) or require [default: off]' -r
complete -c check_smtp_cert -l mta-sts -d 'Hold the servers of --mx against the domain\'s MTA-STS policy (RFC 8461): off, check (where there is one) or require (one in mode enforce must be there) [default: off]' -r
complete -c check_smtp_cert -l resolver -d 'Name server to ask, for addresses too: ADDRESS or ADDRESS:PORT ([2001:db8::53]:53) [default: those of /etc/resolv.conf]' -r
complete -c check_smtp_cert -l dnssec -d 'Whose proof of DNSSEC counts: own (validated here, from the root\'s keys), or resolver (the AD bit of --resolver: it and the path to it must be trusted, best on this host) [default: resolver with --resolver and without --trust-anchor, else own]' -r
complete -c check_smtp_cert -l trust-anchor -d 'File of DNSKEY records to validate from, instead of the root\'s keys that are built in' -r -F
complete -c check_smtp_cert -s f -l file -d 'Look at the chain in this PEM file (leaf first) instead of a server\'s; names are judged with -H only' -r -F
complete -c check_smtp_cert -l key -d 'Key that must fit the leaf of --file (PEM, without passphrase)' -r -F
complete -c check_smtp_cert -l key-types -d 'Certificates asked for, of a server that may have several: auto (what it prefers), rsa, ecdsa or both [default: auto]' -r
complete -c check_smtp_cert -l forbid-tls -d 'Versions that --probe-versions must not find: ssl3, 1.0, 1.1, 1.2, 1.3 or none; WARNING, for ssl3 CRITICAL [default: ssl3,1.0,1.1]' -r
complete -c check_smtp_cert -l pem -d 'Write the chains that were seen to this file (PEM)' -r -F
complete -c check_smtp_cert -l sni -d 'Server name to ask for and to verify [default: the name after -H]; \'none\' sends none' -r
complete -c check_smtp_cert -l min-tls -d 'Least TLS version allowed: 1.0, 1.1, 1.2 or 1.3 [default: 1.2]' -r
complete -c check_smtp_cert -l max-tls -d 'Greatest TLS version offered' -r
complete -c check_smtp_cert -l ca-file -d 'Trust the certificates in this PEM file instead of the system\'s roots' -r -F
complete -c check_smtp_cert -l ca-dir -d 'Trust the certificates in this hashed directory instead of the system\'s roots' -r -F
complete -c check_smtp_cert -l client-cert -d 'Client certificate (PEM, leaf first)' -r -F
complete -c check_smtp_cert -l client-key -d 'Key of the client certificate (PEM) [default: the file of --client-cert]' -r -F
complete -c check_smtp_cert -l client-key-passphrase-env -d 'Environment variable that holds the passphrase of the client key' -r
complete -c check_smtp_cert -l client-key-passphrase-file -d 'File that holds the passphrase of the client key; refused when others can read it' -r -F
complete -c check_smtp_cert -l name -d 'A further name the certificate must be for; repeatable' -r
complete -c check_smtp_cert -l min-rsa -d 'Least RSA key in bits [default: 2048]' -r
complete -c check_smtp_cert -l min-ec -d 'Least elliptic-curve key in bits [default: 256]' -r
complete -c check_smtp_cert -l max-lifetime -d 'WARNING for a leaf that lives longer: auto (what the Baseline Requirements allowed on its day of issue, for certificates issued under them), off, days or a time [default: auto]' -r
complete -c check_smtp_cert -l pin-spki -d 'SHA-256 of the public key (its SPKI) in Base64 or hexadecimal; repeatable, one must match' -r
complete -c check_smtp_cert -l pin-cert -d 'SHA-256 of the certificate, given as for --pin-spki' -r
complete -c check_smtp_cert -l issuer -d 'Pattern that the issuer must fit (such as "O=Let\'s Encrypt")' -r
complete -c check_smtp_cert -l serial -d 'Serial number in hexadecimal, with or without colons' -r
complete -c check_smtp_cert -s w -l warning -d 'WARNING when less validity is left: days (30), a time (30d, 12h) or a share of the lifetime (25%); PHASE=RANGE for the time of a phase, staple=12h: for what is left of the OCSP response; repeatable [default without -w and -c: 30, in proportion less for lifetimes under 90 days]' -r
complete -c check_smtp_cert -s c -l critical -d 'CRITICAL when less is left, given as for -w [default without -w and -c: 14]' -r
complete -c check_smtp_cert -s t -l timeout -d 'Time for everything together: name lookup, connect, TLS, dialogue, QUIT; seconds or with a unit (2.5, 800ms) [default: 10]' -r
complete -c check_smtp_cert -l output -d 'Form of the output; the exit code is the same in each' -r -f -a "text\t'The plugin convention: status line, perfdata, long output'
json\t'One JSON object on one line'
prometheus\t'The Prometheus exposition format'"
complete -c check_smtp_cert -l extra-opts -d 'Read options from an ini file first; the command line wins [section: the program\'s name, file: the well-known places]' -r
complete -c check_smtp_cert -s 4 -l ipv4 -d 'Use IPv4 only'
complete -c check_smtp_cert -s 6 -l ipv6 -d 'Use IPv6 only'
complete -c check_smtp_cert -s L -l lmtp -d 'Speak LMTP (LHLO instead of EHLO)'
complete -c check_smtp_cert -l all-addresses -d 'Ask each address of the name, at the same time; the worst counts'
complete -c check_smtp_cert -l probe-versions -d 'Try which versions from SSL 3.0 to TLS 1.3 the server accepts, on a connection for each, without OpenSSL'
complete -c check_smtp_cert -l test-injection -d 'Try on a connection of its own whether a command sent behind STARTTLS is taken into TLS; CRITICAL if so'
complete -c check_smtp_cert -s s -l tls -d 'TLS from the first byte (implicit TLS; the default for port 465)'
complete -c check_smtp_cert -s S -l starttls -d 'TLS by STARTTLS; not offered or refused is CRITICAL'
complete -c check_smtp_cert -l insecure -d 'Do not verify the certificate; the status line says so'
complete -c check_smtp_cert -l allow-cn -d 'Take the common name where there is no subject alternative name (otherwise WARNING)'
complete -c check_smtp_cert -l allow-self-signed -d 'A certificate that signs itself is no fault'
complete -c check_smtp_cert -l require-staple -d 'A good OCSP response must be stapled, also where the certificate does not ask for it'
complete -c check_smtp_cert -s v -l verbose -d 'Show more: -v every finding, -vv times and capabilities, -vvv the dialogue (secrets starred out)'
complete -c check_smtp_cert -s V -l version -d 'Show the version of the program and of OpenSSL'
complete -c check_smtp_cert -s h -l help -d 'Print help (see more with \'--help\')'
