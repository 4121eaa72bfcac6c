# Runs a throw-away PostgreSQL for as long as standard input stays open, then ends it without a farewell.
# Whoever started this holds the other end of standard input. However that process ends (even by SIGKILL), the pipe
# closes. Arguments: the binary, the data folder, the port, the log; then the folder to remove at the end, if any.
# Prints one line: `ready`, or `failed`. For `cargo xtask` and for tests that stop and start a server of their own.
postgres=$1 data=$2 port=$3 log=$4 folder=${5-}

# Only the end of the pipe ends us; a signal from a terminal is for whoever holds it.
trap : HUP INT TERM

"$postgres" -D "$data" -p "$port" </dev/null >>"$log" 2>&1 &
server=$!

# The server writes its state into the eighth line of this file; pg_ctl waits in the same way.
state=failed
left=3000
while [ "$left" -gt 0 ] && kill -0 "$server" 2>/dev/null; do
    case $(sed -n 8p "$data/postmaster.pid" 2>/dev/null) in
    ready*) state=ready && break ;;
    esac
    sleep 0.02
    left=$((left - 1))
done
echo "$state"
exec >&-

cat >/dev/null

# At once, without a last checkpoint: the data is thrown away, or a power cut is what is tested.
kill -QUIT "$server" 2>/dev/null
wait "$server"
[ -z "$folder" ] || rm -rf "$folder"
