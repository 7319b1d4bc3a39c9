complete -c check_smtp_conn -s H -l hostname -d 'Host name, address ([2001:db8::5] or bare) or absolute path of a Unix socket' -r
complete -c check_smtp_conn -s I -l address -d 'Connect to this address or name instead; -H stays the name that is checked' -r
complete -c check_smtp_conn -s p -l port -d 'Port [default: 25 (for a login 587), 465 with -s, 24 with -L]' -r
complete -c check_smtp_conn -l source-address -d 'Connect from this address of the monitoring host' -r
complete -c check_smtp_conn -s F -l fqdn -d 'Name to introduce ourselves by [default: this host\'s full name, else its address]' -r
complete -c check_smtp_conn -l proxy-protocol -d 'Open the connection with a PROXY header carrying its real addresses (v1 or v2)' -r
complete -c check_smtp_conn -l sni -d 'Server name to ask for and to verify [default: the name after -H]; \'none\' sends none' -r
complete -c check_smtp_conn -l min-tls -d 'Least TLS version allowed: 1.0, 1.1, 1.2 or 1.3 [default: 1.2]' -r
complete -c check_smtp_conn -l max-tls -d 'Greatest TLS version offered' -r
complete -c check_smtp_conn -l ca-file -d 'Trust the certificates in this PEM file instead of the system\'s roots' -r -F
complete -c check_smtp_conn -l ca-dir -d 'Trust the certificates in this hashed directory instead of the system\'s roots' -r -F
complete -c check_smtp_conn -l client-cert -d 'Client certificate (PEM, leaf first)' -r -F
complete -c check_smtp_conn -l client-key -d 'Key of the client certificate (PEM) [default: the file of --client-cert]' -r -F
complete -c check_smtp_conn -l client-key-passphrase-env -d 'Environment variable that holds the passphrase of the client key' -r
complete -c check_smtp_conn -l client-key-passphrase-file -d 'File that holds the passphrase of the client key; refused when others can read it' -r -F
complete -c check_smtp_conn -s e -l expect -d 'Greeting expected: a code (421), a class (4xx) or a pattern in \'CODE text\'; a code other than 220 makes that refusal the good answer' -r
complete -c check_smtp_conn -l expect-name -d 'Name the greeting must begin with [without a value: the name after -H]' -r
complete -c check_smtp_conn -l require-ext -d 'Capabilities required of the last EHLO: KEYWORD, KEYWORD>=NUMBER, KEYWORD:PARAMETER (STARTTLS,SIZE>=10M,AUTH:PLAIN)' -r
complete -c check_smtp_conn -l forbid-ext -d 'Capabilities that no EHLO may show, neither before nor inside TLS, given as for --require-ext' -r
complete -c check_smtp_conn -s f -l from -d 'Send MAIL FROM with this address (<> for the null sender) and judge the answer' -r
complete -c check_smtp_conn -s C -l command -d 'Send this command and judge its answer; repeatable' -r
complete -c check_smtp_conn -s R -l response -d 'Answer expected to the -C of the same place: a code, a class or a pattern [default: 2xx or 3xx]' -r
complete -c check_smtp_conn -l ports -d 'Ask each of these ports and show a table: open, closed, filtered or another protocol' -r
complete -c check_smtp_conn -l require-ports -d 'Ports of --ports that must be open; the others are shown and judged by nothing' -r
complete -c check_smtp_conn -s w -l warning -d 'WARNING outside this range of seconds; PHASE=RANGE for one phase; repeatable (-w 2 -w connect=0.3 -w tls=500ms)' -r
complete -c check_smtp_conn -s c -l critical -d 'CRITICAL outside this range, given as for -w' -r
complete -c check_smtp_conn -s t -l timeout -d 'Time for everything together: name lookup, connect, TLS, dialogue, QUIT; seconds or with a unit (2.5, 800ms) [default: 10]' -r
complete -c check_smtp_conn -l output -d 'Form of the output; the exit code is the same in each' -r -f -a "text\t'The plugin convention: status line, perfdata, long output'
json\t'One JSON object on one line'
prometheus\t'The Prometheus exposition format'"
complete -c check_smtp_conn -l extra-opts -d 'Read options from an ini file first; the command line wins [section: the program\'s name, file: the well-known places]' -r
complete -c check_smtp_conn -s 4 -l ipv4 -d 'Use IPv4 only'
complete -c check_smtp_conn -s 6 -l ipv6 -d 'Use IPv6 only'
complete -c check_smtp_conn -s L -l lmtp -d 'Speak LMTP (LHLO instead of EHLO)'
complete -c check_smtp_conn -s s -l tls -d 'TLS from the first byte (implicit TLS; the default for port 465)'
complete -c check_smtp_conn -s S -l starttls -d 'TLS by STARTTLS; not offered or refused is CRITICAL'
complete -c check_smtp_conn -l insecure -d 'Do not verify the certificate; the status line says so'
complete -c check_smtp_conn -l all-addresses -d 'Ask each address of the name, at the same time; the worst counts'
complete -c check_smtp_conn -s v -l verbose -d 'Show more: -v every finding, -vv times and capabilities, -vvv the dialogue (secrets starred out)'
complete -c check_smtp_conn -s V -l version -d 'Show the version of the program and of OpenSSL'
complete -c check_smtp_conn -s h -l help -d 'Print help (see more with \'--help\')'
