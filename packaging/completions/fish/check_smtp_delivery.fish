complete -c check_smtp_delivery -s H -l hostname -d 'Host name, address ([2001:db8::5] or bare) or absolute path of a Unix socket' -r
complete -c check_smtp_delivery -s I -l address -d 'Connect to this address or name instead; -H stays the name that is checked' -r
complete -c check_smtp_delivery -s p -l port -d 'Port [default: 25 (for a login 587), 465 with -s, 24 with -L]' -r
complete -c check_smtp_delivery -l source-address -d 'Connect from this address of the monitoring host' -r
complete -c check_smtp_delivery -s F -l fqdn -d 'Name to introduce ourselves by [default: this host\'s full name, else its address]' -r
complete -c check_smtp_delivery -l proxy-protocol -d 'Open the connection with a PROXY header carrying its real addresses (v1 or v2)' -r
complete -c check_smtp_delivery -l resolver -d 'Name server to ask, for addresses too: ADDRESS or ADDRESS:PORT ([2001:db8::53]:53) [default: those of /etc/resolv.conf]' -r
complete -c check_smtp_delivery -s f -l from -d 'Sender of the message (<> for the null sender)' -r
complete -c check_smtp_delivery -l to -d 'Recipient; repeatable, each has a result of its own' -r
complete -c check_smtp_delivery -l dsn -d 'Ask for delivery status notifications where the server offers DSN: success, failure, delay, or never [default of the value: success,failure,delay]' -r
complete -c check_smtp_delivery -l stop-after -d 'Send no message: stop after MAIL FROM (mail), RCPT TO (rcpt) or DATA (data, the connection is then closed)' -r
complete -c check_smtp_delivery -l instance -d 'Name of this host\'s monitoring of this route, in each probe [default: made of host, sender, recipients, server, mailbox, and whether it waits]' -r
complete -c check_smtp_delivery -l subject -d 'Subject of the message [default: which probe of which host it is]' -r
complete -c check_smtp_delivery -l size -d 'Pad the message to this size: bytes, or with a unit (10k, 5M)' -r
complete -c check_smtp_delivery -l body-file -d 'Text of the message from this file (UTF-8), instead of ours' -r -F
complete -c check_smtp_delivery -l html -d 'HTML from this file (UTF-8) beside the text' -r -F
complete -c check_smtp_delivery -l attach -d 'Attach this file; repeatable' -r -F
complete -c check_smtp_delivery -l header -d 'Add this header, or put it in the place of ours of that name; repeatable' -r
complete -c check_smtp_delivery -l eml -d 'Send this message as it is, with no more than our mark before it' -r -F
complete -c check_smtp_delivery -l receive -d 'Look for the message in this mailbox: imap://, imaps://, pop3:// or pop3s:// with [USER@]HOST[:PORT] (imap and pop3 begin TLS by STARTTLS), maildir:/PATH, or mailpit+, mailhog+ or maildev+ before http://HOST[:PORT]. With several --to a copy is awaited for each that was accepted' -r
complete -c check_smtp_delivery -l receive-user -d 'User of the mailbox [default: the one in the URL, else that of -U]' -r
complete -c check_smtp_delivery -l receive-mechanism -d 'Mechanisms of the mailbox\'s login, the first that is offered is taken; with XOAUTH2 or OAUTHBEARER the secret of --receive-password-... is the token [default: the strongest the secret allows]' -r
complete -c check_smtp_delivery -l receive-password-env -d 'Environment variable that holds the password of the mailbox, or its token [default: the secret of the login]' -r
complete -c check_smtp_delivery -l receive-password-file -d 'File that holds the password of the mailbox, or its token, in one line; refused when others can read it' -r -F
complete -c check_smtp_delivery -l receive-password-command -d 'Command that prints the password of the mailbox, or its token; run without a shell, 5 seconds at most' -r
complete -c check_smtp_delivery -l receive-ca-file -d 'Trust the certificates in this PEM file for the mailbox instead of the system\'s roots' -r -F
complete -c check_smtp_delivery -l receive-address -d 'Connect here for the mailbox instead of to the host of --receive' -r
complete -c check_smtp_delivery -l folder -d 'Look into this folder as well (IMAP, Maildir); repeatable' -r
complete -c check_smtp_delivery -l junk-folder -d 'Folder where spam goes [default: the one the IMAP server names]' -r
complete -c check_smtp_delivery -l junk-is -d 'What arrival in the junk folder is: ok, warning or critical [default: warning]' -r
complete -c check_smtp_delivery -l receiver-down -d 'What a mailbox is that cannot be looked at: unknown, warning or critical [default: unknown]' -r
complete -c check_smtp_delivery -l wait -d 'How long to wait for the message once it was sent; shorter than -t, which is this and 15 seconds more when it is not given [default: 30s]' -r
complete -c check_smtp_delivery -l mailbox-limit -d 'WARNING when more of our probes than this lie in the mailbox; counted where one stays there (--keep, --dry-run, or it cannot be removed; not by POP3) [default: 50]' -r
complete -c check_smtp_delivery -l late-after -d 'With --async: a message that takes longer is late, which is WARNING [default: 5m]' -r
complete -c check_smtp_delivery -l lost-after -d 'A message that has not arrived by then is lost; with --wait that is -t, unless it is given [default: 1h]' -r
complete -c check_smtp_delivery -l lost-warning -d 'WARNING when the number of messages lost within --window is outside this range [default: 0]' -r
complete -c check_smtp_delivery -l lost-critical -d 'CRITICAL when it is outside this range; the last one known of being lost is CRITICAL whatever the number [default: 2]' -r
complete -c check_smtp_delivery -l window -d 'So long a lost or returned message counts, from when that was noticed; less if it arrives after all [default: 1h]' -r
complete -c check_smtp_delivery -l require -d 'CRITICAL where the receiver\'s Authentication-Results say otherwise (spf=pass,dkim=pass,dmarc=pass); a method they do not name is no fault; wants --authserv-id' -r
complete -c check_smtp_delivery -l authserv-id -d 'Name the receiver\'s Authentication-Results begin with (RFC 8601); what is said under other names is not trusted; repeatable' -r
complete -c check_smtp_delivery -l spam-score-warning -d 'WARNING where the score the receiver\'s spam filter gave is outside this range; scores are often below 0, so give ~:5 for 5 at the most' -r
complete -c check_smtp_delivery -l spam-score-critical -d 'CRITICAL outside this range, given as for --spam-score-warning' -r
complete -c check_smtp_delivery -l sni -d 'Server name to ask for and to verify [default: the name after -H]; \'none\' sends none' -r
complete -c check_smtp_delivery -l min-tls -d 'Least TLS version allowed: 1.0, 1.1, 1.2 or 1.3 [default: 1.2]' -r
complete -c check_smtp_delivery -l max-tls -d 'Greatest TLS version offered' -r
complete -c check_smtp_delivery -l ca-file -d 'Trust the certificates in this PEM file instead of the system\'s roots' -r -F
complete -c check_smtp_delivery -l ca-dir -d 'Trust the certificates in this hashed directory instead of the system\'s roots' -r -F
complete -c check_smtp_delivery -l client-cert -d 'Client certificate (PEM, leaf first)' -r -F
complete -c check_smtp_delivery -l client-key -d 'Key of the client certificate (PEM) [default: the file of --client-cert]' -r -F
complete -c check_smtp_delivery -l client-key-passphrase-env -d 'Environment variable that holds the passphrase of the client key' -r
complete -c check_smtp_delivery -l client-key-passphrase-file -d 'File that holds the passphrase of the client key; refused when others can read it' -r -F
complete -c check_smtp_delivery -s U -l user -d 'User to log in as [default: the environment variable SMTP_USER]' -r
complete -c check_smtp_delivery -l authzid -d 'Act as this user, where the server allows it (authorization identity)' -r
complete -c check_smtp_delivery -l password-env -d 'Environment variable that holds the password [default: SMTP_PASS]' -r
complete -c check_smtp_delivery -l password-file -d 'File that holds the password in one line; refused when others can read it' -r -F
complete -c check_smtp_delivery -l password-command -d 'Command that prints the password; run without a shell, 5 seconds at most' -r
complete -c check_smtp_delivery -l password-credential -d 'Credential of the systemd service that holds the password (LoadCredential=)' -r
complete -c check_smtp_delivery -s P -l password -d 'The password itself, seen by everybody in the process list: for an options file only (--extra-opts)' -r
complete -c check_smtp_delivery -l token-env -d 'Environment variable that holds an OAuth 2.0 token' -r
complete -c check_smtp_delivery -l token-file -d 'File that holds an OAuth 2.0 token; refused when others can read it' -r -F
complete -c check_smtp_delivery -l token-command -d 'Command that prints an OAuth 2.0 token; run without a shell, 5 seconds at most' -r
complete -c check_smtp_delivery -s A -l mechanism -d 'Mechanisms to use, the first that is offered is taken [default: the strongest the secret allows]' -r
complete -c check_smtp_delivery -l oauth2-token-url -d 'Fetch the token from this endpoint (https://...), and keep it until it expires' -r
complete -c check_smtp_delivery -l oauth2-client-id -d 'Client identifier at the endpoint' -r
complete -c check_smtp_delivery -l oauth2-scope -d 'Scope of the token, as the provider names it' -r
complete -c check_smtp_delivery -l oauth2-client-secret-env -d 'Environment variable that holds the client secret' -r
complete -c check_smtp_delivery -l oauth2-client-secret-file -d 'File that holds the client secret; refused when others can read it' -r -F
complete -c check_smtp_delivery -l oauth2-client-secret-command -d 'Command that prints the client secret; run without a shell, 5 seconds at most' -r
complete -c check_smtp_delivery -l oauth2-refresh-token-env -d 'Environment variable that holds a refresh token [without one: client credentials]' -r
complete -c check_smtp_delivery -l oauth2-refresh-token-file -d 'File that holds a refresh token; refused when others can read it' -r -F
complete -c check_smtp_delivery -l oauth2-refresh-token-command -d 'Command that prints a refresh token; run without a shell, 5 seconds at most' -r
complete -c check_smtp_delivery -l oauth2-ca-file -d 'Trust the certificates in this PEM file at the endpoint instead of the system\'s roots' -r -F
complete -c check_smtp_delivery -l state-dir -d 'Directory that keeps what the next run must know [default: $STATE_DIRECTORY, else /var/lib/smtp-monitoring-plugins]' -r -F
complete -c check_smtp_delivery -s w -l warning -d 'WARNING outside this range of seconds; PHASE=RANGE for one phase; repeatable (-w 2 -w connect=0.3 -w tls=500ms)' -r
complete -c check_smtp_delivery -s c -l critical -d 'CRITICAL outside this range, given as for -w' -r
complete -c check_smtp_delivery -s t -l timeout -d 'Time for everything together: name lookup, connect, TLS, dialogue, QUIT; seconds or with a unit (2.5, 800ms) [default: 10]' -r
complete -c check_smtp_delivery -l output -d 'Form of the output; the exit code is the same in each' -r -f -a "text\t'The plugin convention: status line, perfdata, long output'
json\t'One JSON object on one line'
prometheus\t'The Prometheus exposition format'"
complete -c check_smtp_delivery -l extra-opts -d 'Read options from an ini file first; the command line wins [section: the program\'s name, file: the well-known places]' -r
complete -c check_smtp_delivery -s 4 -l ipv4 -d 'Use IPv4 only'
complete -c check_smtp_delivery -s 6 -l ipv6 -d 'Use IPv6 only'
complete -c check_smtp_delivery -s L -l lmtp -d 'Speak LMTP (LHLO instead of EHLO)'
complete -c check_smtp_delivery -l mx -d 'Send to the MX hosts of the recipients\' domain instead of -H, in their order; the next one only where one is not reached, or puts us off at the greeting. TLS is what other servers make of it, unless -S is given: STARTTLS where it is offered, not verified'
complete -c check_smtp_delivery -l verp -d 'Put the token behind the sender\'s user in the envelope (user+TOKEN@...), so that each bounce names its probe'
complete -c check_smtp_delivery -l chunking -d 'Send the message by BDAT instead of DATA (RFC 3030)'
complete -c check_smtp_delivery -l receive-plaintext -d 'Log in to an imap:// or pop3:// mailbox without TLS, the secret readable on the way; the status line says so'
complete -c check_smtp_delivery -l keep -d 'Leave the message in the mailbox; else it is removed once it was seen, it alone'
complete -c check_smtp_delivery -l dry-run -d 'Leave the message in the mailbox, and say what would be removed from it; the message is sent all the same'
complete -c check_smtp_delivery -l async -d 'Do not wait: look for what earlier runs have sent, send the next message, and answer about the last one that arrived, was lost or came back, and the oldest still under way; for routes that are slow or greylisted'
complete -c check_smtp_delivery -l require-tls-hops -d 'CRITICAL where a server on the way took the message without TLS, by its Received field; what does not tell counts as without, hops within a machine are passed over'
complete -c check_smtp_delivery -s s -l tls -d 'TLS from the first byte (implicit TLS; the default for port 465)'
complete -c check_smtp_delivery -s S -l starttls -d 'TLS by STARTTLS; not offered or refused is CRITICAL'
complete -c check_smtp_delivery -l insecure -d 'Do not verify the certificate; the status line says so'
complete -c check_smtp_delivery -l password-stdin -d 'Read the password from standard input, one line'
complete -c check_smtp_delivery -l allow-plaintext-auth -d 'Log in without TLS, the secret readable on the way; the status line says so'
complete -c check_smtp_delivery -s v -l verbose -d 'Show more: -v every finding, -vv times and capabilities, -vvv the dialogue (secrets starred out)'
complete -c check_smtp_delivery -s V -l version -d 'Show the version of the program and of OpenSSL'
complete -c check_smtp_delivery -s h -l help -d 'Print help (see more with \'--help\')'
