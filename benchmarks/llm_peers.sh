#!/bin/sh
# Makes an environment for each peer under a folder (default /tmp/s3-peers): what pip finds, and
# what the peers turn out to lack once installed.
folder=${1:-/tmp/s3-peers}
make_venv() {
    name=$1
    shift
    [ -x "$folder/$name/bin/python" ] || python3 -m venv "$folder/$name"
    "$folder/$name/bin/pip" install --quiet "$@" || echo "$name cannot be installed"
}
make_venv curator "bespokelabs-curator==0.1.31"
make_venv data-designer "data-designer==0.9.6"
make_venv distilabel "distilabel[openai]==1.5.3" requests # it imports requests, and does not say so
