# Answers what oc tells without a cluster, and keeps the same book of it as program.ts: every service asks twice at its start, and
# the start of a runtime takes twenty times as long.
#
#   bash quick.sh STATE ANSWER WORD...
#
# STATE is the folder of the pretended oc, ANSWER the file in it that is to be printed, WORD all that oc was given. Not for where
# a kubeconfig is named: the program itself looks into that.
state=$1 answer=$2
shift 2

json() { # TEXT; sets json
  json=${1//\\/\\\\}
  json=\"${json//\"/\\\"}\"
}

json_list() { # TEXT...; sets json
  local all= text
  for text; do
    json "$text"
    all+=${all:+,}$json
  done
  json=[$all]
}

tell() { # TYPE FIELDS; a folder that is gone is no error: the test is over
  local now=$EPOCHREALTIME
  printf '{"type":"%s","pid":%s,"at":%s%s}\n' "$1" $$ "${now%[.,]*}${now: -6:3}" "$2" \
    2>/dev/null >>"$state/events.jsonl"
}

names=()
while IFS= read -r -d '' variable; do
  [[ $variable == PWD=* ]] || names+=("${variable%%=*}") # a shell sets PWD itself
done </proc/$$/environ
json_list "$@"
argv=$json
json_list "${names[@]}"
env=$json
cd -P . && json "$PWD"
cwd=$json

tell start ",\"argv\":$argv,\"env\":$env,\"cwd\":$cwd,\"kubeconfig\":\"unset\",\"kubeconfigMode\":\"\",\"server\":\"\",\"tokenDigest\":\"\""
IFS= read -r -d '' text <"$state/$answer"
printf %s "$text"
tell end ',"code":0'
