# What `wardline ship` does, without what it is for: no evidence, no gate, no approval, no log, nothing durable.
# The same build, test and scan commands, the same starts and switches. Prints one line a station: name and seconds.
#   bash ship.sh REPOSITORY WORK PYTHON SYFT BANDIT CADDY
set -euo pipefail
repository=$1 work=$2 python=$3 syft=$4 bandit=$5 caddy=$6
export PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_PROGRESS_BAR=off PIP_CACHE_DIR=$work/../pip-cache
export SYFT_CHECK_FOR_APP_UPDATE=false
pids=()
trap 'kill "${pids[@]}" 2>/dev/null || true; wait' EXIT
began=$EPOCHREALTIME
station() { local now=$EPOCHREALTIME; printf '%s %s\n' "$1" "$((${now/./} - ${began/./}))"; began=$EPOCHREALTIME; }
healthy() { { exec 3<>"/dev/tcp/127.0.0.1/$1"; } 2>/dev/null && printf 'GET /healthz HTTP/1.0\r\n\r\n' >&3 &&
            read -r line <&3 && [[ $line == *" 200 "* ]]; }
await() { until healthy "$1"; do sleep 0.05; done; }
# Without pip of its own: copying it in would be the greater part of each environment, and nobody there needs it.
environment() { "$python" -m venv --without-pip "$1"; }
into() { "$python" -m pip --python "$1/bin/python" install -q "${@:2}"; }
installed() { environment "$1"; into "$1" --no-index --find-links "$work/wheels" eligibility waitress; }

mkdir -p "$work/source"
git -C "$repository" archive HEAD | tar -x -C "$work/source"
station source

cp -r "$work/source" "$work/tree"
"$python" -m venv "$work/build-venv"
(cd "$work/tree" && PATH=$work/build-venv/bin:$PATH python -m pip wheel --no-deps --wheel-dir dist . >"$work/build.log" 2>&1)
mkdir "$work/wheels"
cp "$work"/tree/dist/*.whl "$work/wheels"
"$work/build-venv/bin/pip" wheel -q --wheel-dir "$work/wheels" --require-hashes --no-deps -r "$work/source/requirements.lock"
station build

installed "$work/test-venv"
into "$work/test-venv" "pytest>=9,<10" "pytest-cov>=7,<8"
cp -r "$work/source" "$work/tested"
rm -r "$work/tested/src"
(cd "$work/tested" && PATH=$work/test-venv/bin:$PATH python -m pytest --junitxml=reports/junit.xml --cov=eligibility \
    --cov-report=xml:reports/coverage.xml >"$work/test.log" 2>&1)
station test

installed "$work/installed"
"$syft" scan --quiet "dir:$work/installed" --source-name eligibility --source-version 1.0 --output cyclonedx-json \
    >"$work/sbom.json"
station sbom

"$bandit" -q -r "$work/source/src" -f json -o "$work/bandit.json"
station scan

port=21700
start() { # ENVIRONMENT INSTANCES: installs, starts, and awaits; the ports are in $ports
    local place=$work/$1 number
    mkdir -p "$place"
    [[ -d $place/venv ]] || installed "$place/venv"
    ports=()
    for ((number = 0; number < $2; number++)); do
        port=$((port + 1))
        (cd "$place" && exec env ELIGIBILITY_LOG_KEY=x ELIGIBILITY_DATA="$place" "$place/venv/bin/python" -m eligibility \
            --port $port >>"$place/log" 2>&1) &
        pids+=($!)
        ports+=("$port")
    done
    for number in "${ports[@]}"; do await "$number"; done
}
front() { # ENVIRONMENT PORT: what Caddy is told
    printf '{\n admin unix//%s/admin.sock\n auto_https off\n}\nhttp://127.0.0.1:%s {\n reverse_proxy %s\n}\n' "$work/$1" "$2" \
        "$(printf '127.0.0.1:%s ' "${ports[@]}")" >"$work/$1/Caddyfile"
}
serve() { # ENVIRONMENT PORT
    front "$1" "$2"
    XDG_CONFIG_HOME=$work/$1 XDG_DATA_HOME=$work/$1 "$caddy" run --config "$work/$1/Caddyfile" --adapter caddyfile \
        >>"$work/$1/caddy.log" 2>&1 &
    pids+=($!)
    await "$2"
}
switch() { # ENVIRONMENT PORT: once more, to what runs
    front "$1" "$2"
    "$caddy" reload --config "$work/$1/Caddyfile" --adapter caddyfile --address "unix/$work/$1/admin.sock" --force \
        >>"$work/$1/caddy.log" 2>&1
}

start development 1
serve development 21601
station development

start staging 2
serve staging 21602
switch staging 21602 # the rehearsal of a first release: away from it and forward again
switch staging 21602
station staging

start production 2
serve production 21603
station production
