# Runs a throw-away PostgreSQL for as long as standard input stays open, then removes it.
# Whoever started this holds the other end of standard input. However that process ends (even by SIGKILL), the pipe
# closes, and nothing is left behind. Arguments: the binary, the data folder, the port, the folder to remove.
# Prints one line: `ready`, or `failed`.
postgres=$1 data=$2 port=$3 folder=$4

# Only the end of the pipe ends us; a signal from a terminal is for whoever holds it.
trap : HUP INT TERM

"$postgres" -D "$data" -p "$port" </dev/null >>"$folder/log" 2>&1 &
server=$!

# The server writes its state into the eighth line of this file; pg_ctl waits in the same way.
state=failed
left=1200
while [ "$left" -gt 0 ] && kill -0 "$server" 2>/dev/null; do
    case $(sed -n 8p "$data/postmaster.pid" 2>/dev/null) in
    ready*) state=ready && break ;;
    esac
    sleep 0.05
    left=$((left - 1))
done
echo "$state"

cat >/dev/null

# At once, without a last checkpoint: the data is thrown away.
kill -QUIT "$server" 2>/dev/null
wait "$server"
rm -rf "$folder"
