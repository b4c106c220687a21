/** The form of a command line. */
export const USAGE = 'Usage: projected-token inspect|watch|wait [path] [options]';

/** What `--help` prints. */
export const HELP = `${USAGE}

Looks at the Kubernetes bound service account token in a projected volume.
[path] is the token file, or the mount directory that holds one token
(default: /var/run/secrets/tokens).

Commands:
  inspect   Say what the token is, for whom and how old, what is wrong with it
            and how to cure that.
  watch     Print a line for each event (rotation, rejection, expiry, …) until
            interrupted; one JSON object a line when piped.
  wait      Return when an acceptable token is there, as an init container does.

Options:
  --audience <name>    Audience that the token must carry; of several, one
  --issuer <url>       Issuer that it must come from; of several, one
  --subject <name>     Subject that it must be for, such as
                       system:serviceaccount:<namespace>:<name>
  --json               inspect, watch: print JSON
  --timeout <seconds>  wait: give up after so long (default 60; 0 looks once)
  --show-token         Print the token itself: a secret
  -h, --help           Print this help
  -v, --version        Print the version

Exit code: 0 the token is acceptable, 1 it is not, 2 the command line is wrong.
watch gives that of the moment it is interrupted. Warnings do not change it.

Examples:
  projected-token inspect /var/run/secrets/tokens/vault-token --audience vault
  projected-token watch | jq 'select(.event == "rotated")'
  projected-token wait --audience vault --timeout 120
`;
