"""What ``--help`` prints for the Memcached profiles."""

from typing import Final

HELP: Final = """\
cachetwin-engine, profile memcached-1.6

usage: cachetwin-engine --profile memcached-1.6 [options]

-p, --port=<num>            TCP port to listen on (default: 11211)
-U, --udp-port=<num>        accepted; UDP is not served
-s, --unix-socket=<file>    UNIX socket to listen on (disables network support)
-a, --unix-mask=<mask>      access mask for UNIX socket, in octal (default: 700)
-A, --enable-shutdown       enable ascii "shutdown" command
-l, --listen=<addr>         address to listen on (default: 127.0.0.1); notls:<ip>:<port> for one without TLS
-d, --daemon                run as a daemon
-u, --user=<user>           assume identity of <username> (only when run as root)
-m, --memory-limit=<num>    item memory in megabytes (default: 64)
-M, --disable-evictions     return error on memory exhausted instead of evicting
-c, --conn-limit=<num>      max simultaneous connections (default: 1024)
-v, --verbose               verbose; -vv more
-h, --help                  print this help and exit
-V, --version               print version and exit
-P, --pidfile=<file>        save PID in <file>
-f, --slab-growth-factor=<num>  chunk size growth factor (default: 1.25)
-n, --slab-min-size=<bytes> min space used for key+value+flags (default: 48)
-D <char>                   delimiter between key prefixes and IDs; turns stats detail on
-t, --threads=<num>         accepted; a node uses one core
-C, --disable-cas           disable use of CAS
-b, --listen-backlog=<num>  set the backlog queue limit (default: 1024)
-B, --protocol=<name>       protocol - one of ascii, binary, or auto (default: auto-negotiate)
-I, --max-item-size=<num>   adjusts max item size (default: 1m, min: 1k, max: 1024m)
-F, --disable-flush-all     disable flush_all command
-X, --disable-dumping       disable stats cachedump and lru_crawler metadump
-W  --disable-watch         disable watch commands (live logging)
-Y, --auth-file=<file>      ASCII protocol authentication, a file of lines user:password
-Z, --enable-ssl            enable TLS/SSL
-k -r -L -R                 accepted without effect
-o, --extended              comma separated list of extended options; most have a 'no_' prefix to disable:
   maxconns_fast hashpower=<num> slab_reassign slab_automove=<0|1|2> slab_automove_ratio=<num>
   slab_automove_window=<num> lru_crawler lru_crawler_sleep=<us> lru_crawler_tocrawl=<num> lru_maintainer
   hot_lru_pct=<num> warm_lru_pct=<num> hot_max_factor=<num> warm_max_factor=<num> temporary_ttl=<s>
   idle_timeout=<s> slab_chunk_max=<bytes> slab_sizes=<n-n-...> watcher_logbuf_size=<kb> track_sizes no_modern
   ssl_chain_cert=<file> ssl_key=<file> ssl_verify_mode=<0-3> ssl_ciphers=<list> ssl_ca_cert=<file>
   ssl_min_version=<0-3>

beside memcached's options:
--profile=<name>            memcached-1.6 (1.6.22, ElastiCache's newest) or memcached-1.6.45
--elasticache=<yes|no>      answer as ElastiCache does: lru, lru_crawler and slabs are closed
--serverless=<yes|no>       answer as ElastiCache Serverless does: the text protocols, without commands of the server
--cluster-nodes="<host|ip|port> ..."  nodes for clients with auto discovery
--control-fd=<fd>           take listeners, nodes and certificates from a supervisor
--log-format=<json|text|logfmt> --loglevel=<level> --logfile=<file>
--enable-debug-commands     debugtime, for memcached's own tests

signals: SIGTERM, SIGINT and SIGUSR1 stop the server; SIGHUP reads the certificate and the file of users again.
"""
