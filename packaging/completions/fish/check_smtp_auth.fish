complete -c check_smtp_auth -s H -l hostname -d 'Host name, address ([2001:db8::5] or bare) or absolute path of a Unix socket' -r
complete -c check_smtp_auth -s I -l address -d 'Connect to this address or name instead; -H stays the name that is checked' -r
complete -c check_smtp_auth -s p -l port -d 'Port [default: 25 (for a login 587), 465 with -s, 24 with -L]' -r
complete -c check_smtp_auth -l source-address -d 'Connect from this address of the monitoring host' -r
complete -c check_smtp_auth -s F -l fqdn -d 'Name to introduce ourselves by [default: this host\'s full name, else its address]' -r
complete -c check_smtp_auth -l proxy-protocol -d 'Open the connection with a PROXY header carrying its real addresses (v1 or v2)' -r
complete -c check_smtp_auth -l sni -d 'Server name to ask for and to verify [default: the name after -H]; \'none\' sends none' -r
complete -c check_smtp_auth -l min-tls -d 'Least TLS version allowed: 1.0, 1.1, 1.2 or 1.3 [default: 1.2]' -r
complete -c check_smtp_auth -l max-tls -d 'Greatest TLS version offered' -r
complete -c check_smtp_auth -l ca-file -d 'Trust the certificates in this PEM file instead of the system\'s roots' -r -F
complete -c check_smtp_auth -l ca-dir -d 'Trust the certificates in this hashed directory instead of the system\'s roots' -r -F
complete -c check_smtp_auth -l client-cert -d 'Client certificate (PEM, leaf first)' -r -F
complete -c check_smtp_auth -l client-key -d 'Key of the client certificate (PEM) [default: the file of --client-cert]' -r -F
complete -c check_smtp_auth -l client-key-passphrase-env -d 'Environment variable that holds the passphrase of the client key' -r
complete -c check_smtp_auth -l client-key-passphrase-file -d 'File that holds the passphrase of the client key; refused when others can read it' -r -F
complete -c check_smtp_auth -s U -l user -d 'User to log in as [default: the environment variable SMTP_USER]' -r
complete -c check_smtp_auth -l authzid -d 'Act as this user, where the server allows it (authorization identity)' -r
complete -c check_smtp_auth -l password-env -d 'Environment variable that holds the password [default: SMTP_PASS]' -r
complete -c check_smtp_auth -l password-file -d 'File that holds the password in one line; refused when others can read it' -r -F
complete -c check_smtp_auth -l password-command -d 'Command that prints the password; run without a shell, 5 seconds at most' -r
complete -c check_smtp_auth -l password-credential -d 'Credential of the systemd service that holds the password (LoadCredential=)' -r
complete -c check_smtp_auth -s P -l password -d 'The password itself, seen by everybody in the process list: for an options file only (--extra-opts)' -r
complete -c check_smtp_auth -l token-env -d 'Environment variable that holds an OAuth 2.0 token' -r
complete -c check_smtp_auth -l token-file -d 'File that holds an OAuth 2.0 token; refused when others can read it' -r -F
complete -c check_smtp_auth -l token-command -d 'Command that prints an OAuth 2.0 token; run without a shell, 5 seconds at most' -r
complete -c check_smtp_auth -s A -l mechanism -d 'Mechanisms to use, the first that is offered is taken [default: the strongest the secret allows]' -r
complete -c check_smtp_auth -l require-mechanism -d 'The login must have been made by one of these' -r
complete -c check_smtp_auth -l forbid-mechanism -d 'Mechanisms the server may not offer, known to this check or not' -r
complete -c check_smtp_auth -l policy -d 'What is warned about: \'modern\' a login offered before TLS, \'strict\' also LOGIN, CRAM-MD5, DIGEST-MD5 and NTLM [default: modern]' -r
complete -c check_smtp_auth -l mail-from -d 'After the login send MAIL FROM with this address: may the account send as it?' -r
complete -c check_smtp_auth -l then-rcpt -d 'After MAIL FROM send RCPT TO with this address; no message follows' -r
complete -c check_smtp_auth -l expect-refused -d 'A login with a random password must be refused; counts as a failed login of USER [default: a random user]' -r
complete -c check_smtp_auth -l oauth2-token-url -d 'Fetch the token from this endpoint (https://...), and keep it until it expires' -r
complete -c check_smtp_auth -l oauth2-client-id -d 'Client identifier at the endpoint' -r
complete -c check_smtp_auth -l oauth2-scope -d 'Scope of the token, as the provider names it' -r
complete -c check_smtp_auth -l oauth2-client-secret-env -d 'Environment variable that holds the client secret' -r
complete -c check_smtp_auth -l oauth2-client-secret-file -d 'File that holds the client secret; refused when others can read it' -r -F
complete -c check_smtp_auth -l oauth2-client-secret-command -d 'Command that prints the client secret; run without a shell, 5 seconds at most' -r
complete -c check_smtp_auth -l oauth2-refresh-token-env -d 'Environment variable that holds a refresh token [without one: client credentials]' -r
complete -c check_smtp_auth -l oauth2-refresh-token-file -d 'File that holds a refresh token; refused when others can read it' -r -F
complete -c check_smtp_auth -l oauth2-refresh-token-command -d 'Command that prints a refresh token; run without a shell, 5 seconds at most' -r
complete -c check_smtp_auth -l oauth2-ca-file -d 'Trust the certificates in this PEM file at the endpoint instead of the system\'s roots' -r -F
complete -c check_smtp_auth -l state-dir -d 'Directory that keeps what the next run must know [default: $STATE_DIRECTORY, else /var/lib/smtp-monitoring-plugins]' -r -F
complete -c check_smtp_auth -s w -l warning -d 'WARNING outside this range of seconds; PHASE=RANGE for one phase; repeatable (-w 2 -w connect=0.3 -w tls=500ms)' -r
complete -c check_smtp_auth -s c -l critical -d 'CRITICAL outside this range, given as for -w' -r
complete -c check_smtp_auth -s t -l timeout -d 'Time for everything together: name lookup, connect, TLS, dialogue, QUIT; seconds or with a unit (2.5, 800ms) [default: 10]' -r
complete -c check_smtp_auth -l output -d 'Form of the output; the exit code is the same in each' -r -f -a "text\t'The plugin convention: status line, perfdata, long output'
json\t'One JSON object on one line'
prometheus\t'The Prometheus exposition format'"
complete -c check_smtp_auth -l extra-opts -d 'Read options from an ini file first; the command line wins [section: the program\'s name, file: the well-known places]' -r
complete -c check_smtp_auth -s 4 -l ipv4 -d 'Use IPv4 only'
complete -c check_smtp_auth -s 6 -l ipv6 -d 'Use IPv6 only'
complete -c check_smtp_auth -s L -l lmtp -d 'Speak LMTP (LHLO instead of EHLO)'
complete -c check_smtp_auth -s s -l tls -d 'TLS from the first byte (implicit TLS; the default for port 465)'
complete -c check_smtp_auth -s S -l starttls -d 'TLS by STARTTLS; not offered or refused is CRITICAL'
complete -c check_smtp_auth -l insecure -d 'Do not verify the certificate; the status line says so'
complete -c check_smtp_auth -l password-stdin -d 'Read the password from standard input, one line'
complete -c check_smtp_auth -l allow-plaintext-auth -d 'Log in without TLS, the secret readable on the way; the status line says so'
complete -c check_smtp_auth -l require-auth -d 'Mail without a login must be refused (MAIL FROM and RCPT TO, no message follows; addresses: --mail-from, --then-rcpt)'
complete -c check_smtp_auth -l require-tls-for-auth -d 'A login in the clear must be refused; no secret is sent'
complete -c check_smtp_auth -l no-login -d 'Make only the tests above, no login'
complete -c check_smtp_auth -s v -l verbose -d 'Show more: -v every finding, -vv times and capabilities, -vvv the dialogue (secrets starred out)'
complete -c check_smtp_auth -s V -l version -d 'Show the version of the program and of OpenSSL'
complete -c check_smtp_auth -s h -l help -d 'Print help (see more with \'--help\')'
