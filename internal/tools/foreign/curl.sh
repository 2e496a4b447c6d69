#!/usr/bin/env bash
# Does what the README does, by curl, and looks at what comes back.
#
#	curl.sh URL FOLDER CLIP
set -euo pipefail
url=$1 dir=$2 clip=$3
model=mlx-community/Qwen3-TTS-12Hz
control=$model-0.6B-CustomVoice-bf16 clone=$model-0.6B-Base-bf16 design=$model-1.7B-VoiceDesign-bf16
checks=0

# want NAME PATTERN TEXT fails unless the text holds the pattern.
want() {
	checks=$((checks + 1))
	if ! grep -qE -e "$2" <<<"$3"; then
		printf 'curl.sh: %s: no %s in\n%.1000s\n' "$1" "$2" "$3" >&2
		exit 1
	fi
}

# ask PATH [option…] prints the body and then, in a line, the status.
ask() {
	local path=$1
	shift
	curl -sS --max-time 60 -w '\n%{http_code}' "$@" "$url$path"
}

# post PATH JSON [option…]
post() {
	local path=$1 body=$2
	shift 2
	ask "$path" -H 'Content-Type: application/json' -d "$body" "$@"
}

# wav NAME FILE FRAMES wants a whole WAV file of so many codec frames.
wav() {
	want "$1" '^RIFF....WAVE' "$(head -c 12 "$2" | tr -c '[:alnum:]' .)"
	want "$1, bytes" "^$((44 + $3 * 3840))\$" "$(wc -c <"$2" | tr -d ' ')"
}

# Load.
want health '"status":"healthy"' "$(ask /health)"
want models "\"model_id\":\"$control\",\"state\":\"unloaded\"" "$(ask /models)"
want 'not loaded' "\"detail\":\"Model $control not loaded\".*\"code\":\"not_loaded\".*\"hint\":" \
	"$(post /generate/control "{\"model_id\":\"$control\",\"text\":\"a\",\"speaker\":\"Ryan\",\"output_path\":\"$dir/a.wav\"}")"
for id in "$control" "$clone" "$design"; do
	want "load $id" '"state":"loaded"' "$(post /models/load "{\"model_id\":\"$id\"}")"
done

# Speak into files.
speak='"temperature":0.9,"seed":7,"max_frames":6'
want control '"success":true,"error":null.*"frames":6' "$(post /generate/control "{\"model_id\":\"$control\",\"speaker\":\"Ryan\",
	\"language\":\"English\",\"instruct\":\"very happy\",\"text\":\"It works!\",\"output_path\":\"$dir/made/control.wav\",$speak}")"
wav control "$dir/made/control.wav" 6
want clone '"success":true.*"frames":6' "$(post /generate/clone "{\"model_id\":\"$clone\",\"ref_audio_path\":\"$clip\",
	\"ref_text\":\"What I say in the clip.\",\"text\":\"Now I say this.\",\"output_path\":\"$dir/clone.wav\",$speak}")"
wav clone "$dir/clone.wav" 6
want design '"success":true.*"frames":6' "$(post /generate/design "{\"language\":\"English\",\"instruct\":\"An old sailor, hoarse and kind\",
	\"text\":\"The sea was calm.\",\"output_path\":\"$dir/design.wav\",$speak}")"
wav design "$dir/design.wav" 6

# Listen.
body="{\"model_id\":\"$control\",\"speaker\":\"Ryan\",\"text\":\"Listen.\",$speak}"
head=$(curl -sS -D - -H 'Content-Type: application/json' -d "$body" -o "$dir/listen.wav" "$url/generate/control")
want 'streamed WAV' '^Content-Type: audio/wav' "$head"
want 'streamed WAV' '^X-Job-Id: ' "$head"
want 'streamed WAV, bytes' "^$((44 + 6 * 3840))\$" "$(wc -c <"$dir/listen.wav" | tr -d ' ')"
head=$(curl -sS -D - -H 'Content-Type: application/json' -H 'Accept: audio/L16' -d "$body" -o "$dir/listen.raw" "$url/generate/control")
want L16 '^Content-Type: audio/L16; ?.*rate=24000' "$head"
want 'L16, bytes' "^$((6 * 3840))\$" "$(wc -c <"$dir/listen.raw" | tr -d ' ')"
curl -sS -F "model_id=$clone" -F "ref_audio=@$clip" -F text='Now I say this.' -F max_frames=6 -o "$dir/form.wav" "$url/generate/clone"
want 'a clip in a form, bytes' "^$((44 + 6 * 3840))\$" "$(wc -c <"$dir/form.wav" | tr -d ' ')"
printf '{"model_id":"%s","text":"In base64.","max_frames":6,"output_path":"%s","ref_audio_base64":"%s"}' \
	"$clone" "$dir/base64.wav" "$(base64 <"$clip" | tr -d '\n')" >"$dir/base64.json"
want 'a clip in base64' '"success":true' "$(post /generate/clone "@$dir/base64.json")"
wav base64 "$dir/base64.wav" 6

# Jobs: one that would take for ever is followed and stopped.
want jobs '"state":"done"' "$(ask /jobs)"
job=one-for-ever
curl -sS -N -H 'Content-Type: application/json' -H "X-Job-ID: $job" -o "$dir/job.wav" \
	-d "{\"model_id\":\"$control\",\"speaker\":\"Ryan\",\"text\":\"For ever.\",\"max_frames\":16384,\"temperature\":0,\"runaway_guard\":false}" "$url/generate/control" 2>/dev/null &
long=$!
for _ in $(seq 100); do
	! grep -q '"state":"running"' <<<"$(ask "/jobs/$job")" || break
	sleep 0.1
done
want 'a job' "\"id\":\"$job\".*\"state\":\"running\"" "$(ask "/jobs/$job")"
events=$(curl -s -N --max-time 1 "$url/jobs/$job/events" || true)
want 'a job, followed' '^data: ?\{.*"frames":[1-9]' "$events"
want 'a job, stopped' '"state":"canceled"' "$(ask "/jobs/$job" -X DELETE)"
if wait "$long"; then
	echo "curl.sh: the audio of a stopped job ended as if it were whole" >&2
	exit 1
fi
want 'no such job' '"code":"not_found"' "$(ask /jobs/nobody)"

# The log.
want logs '"level":"INFO","message":"Generated control audio: ' "$(ask '/logs?level=info')"
last=$(ask /logs?limit=1 | sed -n 's/.*"last_id":\([0-9]*\).*/\1/p')
(
	sleep 1
	post /generate/control "$(sed "s/}$/,\"output_path\":\"${dir//\//\\/}\/live.wav\"}/" <<<"$body")" >/dev/null
) &
events=$(curl -s -N --max-time 3 "$url/logs/stream" || true)
wait $!
want 'the log, live' '^data: ?\{"id":[0-9]+,"timestamp":"[0-9 :,-]+",.*"level":"INFO","message":"Generated control audio: ' "$events"
events=$(curl -s -N --max-time 1 -H "Last-Event-ID: $last" "$url/logs/stream" || true)
want 'the log, resumed' "^id: ?[a-z0-9]+-$((last + 1))\$" "$events"
want 'clearing the log' '"cleared":[1-9]' "$(post /logs/clear '{}')"

# Errors are sentences, and nothing comes in that should not.
refused() { # NAME STATUS PATTERN ANSWER
	want "$1" "$3" "$4"
	want "$1, status" "^$2\$" "$(tail -n 1 <<<"$4")"
}
refused 'an unknown field' 400 'unknown field \\"txet\\"' "$(post /generate/control '{"txet":"a"}')"
refused 'no speaker' 400 'unknown speaker' "$(post /generate/control "{\"model_id\":\"$control\",\"speaker\":\"Nobody\",\"text\":\"a\",\"output_path\":\"$dir/a.wav\"}")"
refused 'a path outside' 403 '"code":"denied"' "$(post /generate/control "{\"model_id\":\"$control\",\"speaker\":\"Ryan\",\"text\":\"a\",\"output_path\":\"/etc/a.wav\"}")"
refused 'no JSON' 415 '"hint"' "$(ask /models/load -d 'model_id=a')"
refused 'half of it' 400 'not JSON' "$(post /models/load '{"model_id":')"
refused 'another name' 403 '"code":"denied"' "$(ask /health -H 'Host: evil.example')"
refused 'a web page' 403 '"code":"denied"' "$(ask /models -H 'Origin: http://evil.example')"
refused 'no path' 404 '"code":"not_found"' "$(ask /no/such)"
refused 'no method' 405 '"hint"' "$(ask /health -X PUT)"
refused 'an unknown model' 200 '"state":"error","memory".*"hint":' "$(post /models/load '{"model_id":"no/such"}')"

# Statistics, the contract, and unloading.
want stats '"models_loaded":3.*"last_generation":\{"frames":' "$(ask /stats)"
want openapi '^openapi: "?3\.1' "$(ask /openapi.yaml)"
want docs '<html' "$(ask /docs)"
for id in "$control" "$clone" "$design"; do
	want "unload $id" '"state":"unloaded"' "$(post /models/unload "{\"model_id\":\"$id\",\"wait\":true}")"
done
want 'nothing loaded' '"models_loaded":0' "$(ask /stats)"
echo "curl: $checks checks"
